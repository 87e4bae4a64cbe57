import type { LoadOptions } from './options/types.ts';
import { Taesd as TaesdElsewhere } from './taesd.ts';
// @ts-expect-error TypeScript does not know such files; bundlers give a WebAssembly.Module.
import kernels from './taesd.wasm';

/*
 * The entry for workerd (Cloudflare's edge functions), which forbids compiling WebAssembly at run
 * time: the kernels are imported as a compiled module. Its types are those of index.ts.
 */
export * from './index.ts';

/** As in index.ts. */
export class Taesd extends TaesdElsewhere {
  static override load(options: LoadOptions = {}): Promise<Taesd> {
    const isOurs = typeof options === 'object' && options !== null && options.wasm === undefined;
    // biome-ignore lint/complexity/noThisInStatic: else it makes instances of the other class
    return super.load(isOurs ? { ...options, wasm: kernels } : options);
  }
}
