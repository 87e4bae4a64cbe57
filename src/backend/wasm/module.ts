import { isUint8Array, tagOf } from '../../builtins/tags.ts';
import { describe } from '../../checks.ts';
import { expected } from '../../errors.ts';
import type { KernelModule, KernelSource } from '../../options/types.ts';
import { readUrl } from '../../platform/read-url.ts';

/**
 * The address of the kernels in dist/, as seen from `src/backend/wasm` and from
 * `dist/backend/wasm`.
 */
const kernelsUrl = () => new URL('../../../dist/taesd.wasm', import.meta.url);

/**
 * Compiles the kernels, unless they are compiled already.
 *
 * @param source  a module if the runtime forbids compiling (edge functions). Defaults to the
 *                package's file
 * @throws TaesdError UNSUPPORTED (WebAssembly or its SIMD is missing, or compiling is forbidden;
 *   the message has the remedy), FORMAT (the bytes are not WebAssembly), ARG (`source` is neither a
 *   module nor bytes, or the package's file is not there)
 */
export async function compileKernels(source?: KernelSource): Promise<KernelModule> {
  if (typeof WebAssembly === 'undefined') {
    throw expected('UNSUPPORTED', 'WebAssembly', 'a runtime that has it', 'none', {
      hint: "backend: 'reference' runs without, slowly",
    });
  }
  if (isModule(source)) return source;
  const bytes = source ?? (await readKernels());
  if (!isUint8Array(bytes)) {
    const rule = 'a WebAssembly.Module or the bytes of taesd.wasm';
    throw expected('ARG', 'wasm', rule, describe(source));
  }
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    // Imported when needed: few programs meet it.
    const { compileFailure } = await import('./compile-failure.ts');
    throw compileFailure(bytes, cause);
  }
}

/** Returns true for a module of any realm: edge runtimes make theirs in another one. */
const isModule = (source: unknown): source is KernelModule =>
  tagOf(source) === 'WebAssembly.Module';

/** Reads the package's own file. */
async function readKernels(): Promise<Uint8Array> {
  const hint =
    'hand over the module, or kernels() of taesd-wasm/kernels, as the option wasm; in a checkout, "npm run build" makes it';
  let url: URL;
  try {
    url = kernelsUrl();
  } catch (cause) {
    // Bundled code may not know its own address.
    const rule = 'to know where the package lies';
    throw expected('ARG', 'import.meta.url', rule, 'no URL', { hint, cause });
  }
  const bytes = await readUrl(url);
  if (bytes === undefined) throw expected('ARG', url.href, 'the kernels', 'no such file', { hint });
  return bytes;
}
