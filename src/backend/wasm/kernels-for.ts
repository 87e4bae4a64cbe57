import { expected } from '../../errors.ts';
import type { KernelModule, KernelSource, Precision } from '../../options/types.ts';
import { lazily } from '../../platform/lazily.ts';
import { compileKernels, isRelaxed } from './module.ts';

/**
 * Compiles the kernels for a precision.
 *
 * @param source  as for `compileKernels`
 * @throws TaesdError as `compileKernels`; UNSUPPORTED (`relaxed`, in a runtime without relaxed
 *   SIMD), ARG (the kernels are those of another precision)
 */
export async function kernelsFor(
  precision: Precision,
  source?: KernelSource,
): Promise<KernelModule> {
  if (precision === 'relaxed') {
    const { compileRelaxed } = await lazily(() => import('./relaxed.ts'));
    return compileRelaxed(source);
  }
  const module = await compileKernels(source);
  if (source === undefined || !isRelaxed(module)) return module;
  throw expected('ARG', 'wasm', `taesd.wasm for precision ${precision}`, 'taesd.relaxed.wasm');
}
