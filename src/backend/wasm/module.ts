import { describe } from '../../checks.ts';
import { expected, messageOf, type TaesdError } from '../../errors.ts';
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
  if (source instanceof WebAssembly.Module) return source;
  const bytes = source ?? (await readKernels());
  if (!(bytes instanceof Uint8Array)) {
    const rule = 'a WebAssembly.Module or the bytes of taesd.wasm';
    throw expected('ARG', 'wasm', rule, describe(source));
  }
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw compileFailure(bytes, cause);
  }
}

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

/** The first byte of a web page, and the likely reason if a page came instead of the kernels. */
const LESS_THAN = 0x3c;
const WEB_PAGE =
  "a web page: the server or bundler does not serve taesd.wasm (Vite: optimizeDeps: { exclude: ['taesd-wasm'] }; else wasm: kernels() of taesd-wasm/kernels)";

/** The smallest module that needs SIMD: `() → v128`, `i8x16.splat(i32.const 0)`. */
// biome-ignore format: one section a line
const SIMD_PROBE = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // "\0asm", version 1
  0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, // types: () → v128
  0x03, 0x02, 0x01, 0x00, // functions: one, of that type
  0x0a, 0x08, 0x01, 0x06, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x0b, // code
);

/**
 * Finds out why compiling failed: no SIMD, damaged bytes, or, if both validate, a policy that
 * forbids compiling.
 */
function compileFailure(bytes: Uint8Array, cause: unknown): TaesdError {
  const got = messageOf(cause);
  const what = 'WebAssembly.compile';
  if (!WebAssembly.validate(SIMD_PROBE)) {
    const hint =
      "SIMD came with Chrome 91, Firefox 89, Safari 16.4, Node 16.4; backend: 'reference' runs without, slowly";
    return expected('UNSUPPORTED', what, 'WebAssembly with SIMD', got, { hint, cause });
  }
  if (!WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) {
    const hint =
      bytes[0] === LESS_THAN ? WEB_PAGE : 'a damaged or foreign file in place of taesd.wasm?';
    return expected('FORMAT', what, 'the kernels', got, { hint, cause });
  }
  const hint =
    "allow 'wasm-unsafe-eval' in the Content-Security-Policy, or hand over a compiled WebAssembly.Module as the option wasm";
  const rule = 'permission to compile WebAssembly';
  return expected('UNSUPPORTED', what, rule, got, { hint, cause });
}
