import { expected, type TaesdError } from '../../errors.ts';
import { readUrl } from '../../platform.ts';

/** The kernels as the build leaves them, seen from `src/backend/wasm` and from `dist/backend/wasm` alike. */
const KERNELS_URL = new URL('../../../dist/taesd.wasm', import.meta.url);

/** What can be handed over as the kernels: the compiled module, or the bytes of `taesd-wasm/taesd.wasm`. */
export type KernelSource = WebAssembly.Module | Uint8Array;

/**
 * Compiles the kernels, unless they come compiled.
 *
 * @param source  a module where the runtime forbids compiling (edge functions); undefined for the package's file
 * @throws TaesdError UNSUPPORTED where WebAssembly or its SIMD is missing or compiling is forbidden, with the
 *   remedy; ARG where `source` is neither a module nor bytes, or the package's file is not there
 */
export async function compileKernels(source?: KernelSource): Promise<WebAssembly.Module> {
  const where = 'Taesd.load';
  if (typeof WebAssembly === 'undefined') {
    throw expected(
      'UNSUPPORTED',
      where,
      'WebAssembly',
      'a runtime that has it',
      'none',
      "backend: 'reference' runs without, slowly",
    );
  }
  if (source instanceof WebAssembly.Module) return source;
  const bytes = source ?? (await readUrl(where, KERNELS_URL));
  if (!(bytes instanceof Uint8Array)) {
    const got = bytes === undefined ? 'no such file' : typeof bytes;
    const hint = 'run "npm run build", or hand over the module as the option wasm';
    throw expected('ARG', where, KERNELS_URL.href, 'the kernels', got, hint);
  }
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw compileFailure(where, bytes, cause);
  }
}

/** Tells a runtime without SIMD from one whose policy forbids compiling, by asking for validation alone. */
function compileFailure(where: string, bytes: Uint8Array, cause: unknown): TaesdError {
  const got = cause instanceof Error ? cause.message : String(cause);
  if (WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) {
    const hint =
      "allow 'wasm-unsafe-eval' in the Content-Security-Policy, or hand over a compiled WebAssembly.Module as the option wasm";
    const rule = 'leave to compile WebAssembly';
    return expected('UNSUPPORTED', where, 'WebAssembly.compile', rule, got, hint, { cause });
  }
  const hint =
    "SIMD came with Chrome 91, Firefox 89, Safari 16.4, Node 16.4; backend: 'reference' runs without, slowly";
  return expected('UNSUPPORTED', where, 'WebAssembly.compile', 'WebAssembly with SIMD', got, hint, {
    cause,
  });
}
