import type { Operators } from '../../src/backend/backend.ts';
import { wasmLayerByLayer } from '../../src/backend/wasm/layer-by-layer.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';

/** The kernels as operators on whole tensors, with a memory of their own. */
export async function operatorsOnWasm(): Promise<Operators> {
  const { operators } = await wasmLayerByLayer(await compileKernels(), undefined);
  return operators;
}
