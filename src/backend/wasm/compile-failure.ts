import { expected, messageOf, type TaesdError } from '../../errors.ts';
import { orKeepOut } from '../../platform/package-file.ts';

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
export function compileFailure(bytes: Uint8Array, cause: unknown): TaesdError {
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

/**
 * Makes the error for the package's own kernels that cannot be found.
 *
 * @param url  the address at which they should be. Bundled code may not know its own, and then
 *   `cause` is the error of `new URL`
 * @param remedy  the advice. Defaults to that for taesd.wasm
 */
export function noKernels(
  url: URL | undefined,
  cause: unknown,
  remedy = 'hand over the module, or kernels() of taesd-wasm/kernels, as the option wasm',
): TaesdError {
  const hint = `${orKeepOut(remedy)}; in a checkout, "npm run build" makes it`;
  if (url !== undefined) return expected('ARG', url.href, 'the kernels', 'no such file', { hint });
  const rule = 'to know where the package lies';
  return expected('ARG', 'import.meta.url', rule, 'no URL', { hint, cause });
}
