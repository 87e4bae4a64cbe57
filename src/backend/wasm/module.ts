import { isUint8Array, tagOf } from '../../builtins/tags.ts';
import { describe } from '../../checks.ts';
import { expected, messageOf } from '../../errors.ts';
import type { KernelModule, KernelSource } from '../../options/types.ts';
import { lazily } from '../../platform/lazily.ts';
import { readOwnKernels } from './own-kernels.ts';

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
  const bytes = source ?? (await readOwnKernels());
  if (!isUint8Array(bytes)) {
    const rule = 'a WebAssembly.Module or the bytes of taesd.wasm';
    throw expected('ARG', 'wasm', rule, describe(source));
  }
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    // Imported when needed: few programs meet it.
    const found = await lazily(() => import('./compile-failure.ts')).catch(() => undefined);
    if (found !== undefined) throw found.compileFailure(bytes, cause);
    const rule = 'SIMD, and permission to compile WebAssembly';
    throw expected('UNSUPPORTED', 'WebAssembly.compile', rule, messageOf(cause), { cause });
  }
}

/** Returns true for kernels whose f32 products are relaxed multiply-adds. */
export function isRelaxed(module: KernelModule): boolean {
  try {
    return WebAssembly.Module.exports(module).some(({ name }) => name === 'RELAXED');
  } catch {
    // An object that only calls itself a module. Starting it throws the error.
    return false;
  }
}

/** Returns true for a module of any realm: edge runtimes make theirs in another one. */
const isModule = (source: unknown): source is KernelModule =>
  tagOf(source) === 'WebAssembly.Module';
