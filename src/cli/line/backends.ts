import type { LoadOptions } from '../../index.ts';

/** What `--backend` names. */
export type BackendName = NonNullable<LoadOptions['backend']>;

/** All of them, in the words of the help. */
const BACKENDS: Readonly<Record<BackendName, string>> = {
  wasm: 'wasm (default)',
  reference: 'reference, plain loops and slow',
  webgpu: 'webgpu, on any adapter, else wasm',
  auto: 'auto, as webgpu, but on no software adapter',
};

export const BACKEND_NAMES = Object.keys(BACKENDS) as readonly BackendName[];

/** Those that a command takes, for its help. */
export const backendsHelp = (names: readonly BackendName[]): string =>
  names.map((name) => BACKENDS[name]).join('; ');
