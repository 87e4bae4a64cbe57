import type { LoadOptions } from './options/types.ts';
import { Taesd as TaesdElsewhere } from './taesd.ts';
// @ts-expect-error TypeScript knows no such files; workerd, and what bundles for it, makes a WebAssembly.Module of it.
import kernels from './taesd.wasm';

/*
 * What `taesd-wasm` is in workerd (Cloudflare's edge functions), where WebAssembly is never compiled at run time: the
 * kernels come as a module, with the code. Its types are those of index.ts.
 */
export * from './index.ts';

/** As in index.ts. */
export class Taesd extends TaesdElsewhere {
  static override load(options: LoadOptions = {}): Promise<Taesd> {
    const isOurs = typeof options === 'object' && options !== null && options.wasm === undefined;
    // biome-ignore lint/complexity/noThisInStatic: TaesdElsewhere.load would make instances of that class, not of this one
    return super.load(isOurs ? { ...options, wasm: kernels } : options);
  }
}
