import { signal } from '@preact/signals';
import type { Backend, Place } from '../engine/protocol.ts';
import type { Messages } from './messages.ts';

export const BACKENDS: Readonly<Record<Backend, string>> = { wasm: 'WASM', webgpu: 'WebGPU' };

/**
 * The backend that is to encode and decode, for all models alike. Each has a word of its own on
 * what came of it (`Model.place`).
 */
export function createBackend({ say }: Messages) {
  const wanted = signal<Backend>('wasm');
  /** Why WebGPU was asked for in vain. */
  const refusal = signal<string | undefined>(undefined);
  /** Why it cannot even be asked for, in words. */
  const noWebGpu = whyNot();
  return {
    wanted,
    noWebGpu,
    choose(backend: Backend): void {
      refusal.value = undefined;
      wanted.value = backend;
      if (backend === 'webgpu') say('Starting WebGPU …');
    },
    refuse(reason: string): void {
      // Browsers end some of their sentences, and some not.
      refusal.value = reason.replace(/\.$/, '');
      wanted.value = 'wasm';
      say(`WebGPU does not do it here: ${refusal.value}.`);
    },
    /** Returns in words which backend a model runs on, and why. */
    placeText({ backend, adapter = '', reason = '', isSoftware }: Place): string {
      if (backend === 'webgpu') {
        const why = reason.includes(adapter) ? reason : `${adapter}; ${reason}`;
        const doubt = isSoftware
          ? ' That is a software adapter, the processor under another name: WASM is faster.'
          : '';
        return `Encoding and decoding: WebGPU, ${why}.${doubt}`;
      }
      const why = noWebGpu ?? refusal.value;
      if (why === undefined) return 'Encoding and decoding: WASM.';
      const what = noWebGpu === undefined ? 'does not do it here' : 'cannot be chosen';
      return `Encoding and decoding: WASM. WebGPU ${what}: ${why}.`;
    },
  };
}

export type BackendStore = ReturnType<typeof createBackend>;

function whyNot(): string | undefined {
  if (navigator.gpu !== undefined) return undefined;
  return isSecureContext
    ? 'this browser has none, or has it turned off'
    : 'browsers have it at secure addresses alone, https: or localhost';
}
