import { checkCallbacks, checkNames, checkSignal } from '../checks.ts';
import { checkValues } from '../options/load.ts';
import type { LoadOptions, RunOptions } from '../options/types.ts';

/**
 * The options of `loadNetwork`: those of `Taesd.load` that decide where a network runs. Numbers are
 * f32 always.
 */
export interface LoadNetworkOptions
  extends Pick<LoadOptions, 'backend' | 'device' | 'fallback' | 'wasm' | 'maxMemory'> {
  /**
   * The number of workers that share a map, 0 to 64; 0 means this thread alone. Defaults to 0: most
   * maps of small networks take less time than the 0.1 s in which workers start.
   */
  readonly workers?: number | undefined;
  /** Cancels the loading: it ends in ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of `network.run`. */
export type NetworkRunOptions = RunOptions;

/** The options of `runNetwork`. Its `signal` cancels loading and running. */
export type RunNetworkOptions = LoadNetworkOptions & NetworkRunOptions;

const LOAD_NAMES = Object.keys({
  backend: true,
  device: true,
  fallback: true,
  workers: true,
  wasm: true,
  maxMemory: true,
  signal: true,
} satisfies Record<keyof LoadNetworkOptions, true>);

const RUN_NAMES = Object.keys({
  signal: true,
  onProgress: true,
  allowNonFinite: true,
} satisfies Record<keyof NetworkRunOptions, true>);

const ALL_NAMES = [...new Set([...LOAD_NAMES, ...RUN_NAMES])];

/** The options of loading, checked, with their defaults. */
export interface CheckedLoad extends LoadNetworkOptions {
  readonly backend: NonNullable<LoadOptions['backend']>;
  readonly workers: number;
}

/** @throws TaesdError ARG (not an object, an unknown option, a wrong value) */
export function checkLoad(options: LoadNetworkOptions, known = LOAD_NAMES): CheckedLoad {
  checkNames(options, known, "an object such as { backend: 'auto' }");
  const { backend, device, fallback, workers = 0, wasm, maxMemory, signal } = options;
  checkSignal(signal);
  const own = { device, fallback, workers, wasm, maxMemory, signal };
  return { ...own, backend: checkValues({ ...own, backend }) };
}

/** @throws TaesdError ARG (not an object, an unknown option, a wrong callback or signal) */
export function checkRun(options: NetworkRunOptions, known = RUN_NAMES): NetworkRunOptions {
  checkNames(options, known);
  const { signal, onProgress, allowNonFinite } = options;
  checkCallbacks({ signal, onProgress });
  return { signal, onProgress, allowNonFinite };
}

/** Checks the options of `runNetwork`. @throws TaesdError ARG */
export const checkBoth = (
  options: RunNetworkOptions,
): readonly [load: CheckedLoad, run: NetworkRunOptions] => [
  checkLoad(options, ALL_NAMES),
  checkRun(options, ALL_NAMES),
];
