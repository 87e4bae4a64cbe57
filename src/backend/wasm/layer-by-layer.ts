import type { LayerByLayer } from '../layer-by-layer.ts';
import { instantiateKernels, type Kernels } from './kernels.ts';
import { Memory } from './memory.ts';
import { wasmOperators } from './operators.ts';
import { WasmProgram } from './program.ts';

/**
 * The kernels with a memory of their own that has one layer's weights and rows in it at a time, a few MB: the same plan,
 * packing and stages that run whole networks, on networks of one layer. Between layers nothing is fused; inside a block
 * all is that the plan fuses. Always f32: which stages of a `fast` network have 16-bit products depends on the whole of it.
 *
 * @throws TaesdError FORMAT (other kernels), OOM
 */
export async function wasmLayerByLayer(
  module: WebAssembly.Module,
  maxMemory: number | undefined,
): Promise<LayerByLayer> {
  const memory = new Memory(maxMemory);
  const empty = memory.mark();
  const called = new Set<string>();
  const kernels = watched(await instantiateKernels(module, memory.wasm), called);
  const operators = wasmOperators(memory, kernels);
  return {
    operators: {
      ...operators,
      add(a, b) {
        memory.release(empty);
        called.clear();
        return operators.add(a, b);
      },
    },
    compile(bound) {
      memory.release(empty);
      const program = new WasmProgram(memory, kernels, [bound]);
      // Those that pack weights are no part of the layer.
      called.clear();
      return program;
    },
    called: () => [...called],
  };
}

/** The same kernels, each of which leaves its name in `called`: what ran is told by what ran, not by a table beside it. */
function watched(kernels: Kernels, called: Set<string>): Kernels {
  const entries = Object.entries(kernels as unknown as Record<string, unknown>);
  const watchedEntries = entries.map(([name, kernel]) => {
    if (typeof kernel !== 'function') return [name, kernel];
    const call = (...args: number[]) => {
      called.add(name);
      return kernel(...args);
    };
    return [name, call];
  });
  return Object.fromEntries(watchedEntries);
}
