import type { LayerByLayer } from '../layer-by-layer.ts';
import { KERNEL_NAMES, type KernelName, type Kernels } from './kernels.ts';
import { CompactMachine, type Machine } from './machine.ts';
import { wasmOperators } from './operators.ts';
import { WasmProgram } from './program.ts';

/**
 * The kernels with a memory of their own that holds one layer's weights and rows at a time, a few
 * MB. The plan, the packing and the stages are those of whole networks, on networks of one layer.
 * Between layers nothing is fused; inside a block everything is that the plan fuses. It is always
 * f32: which stages of a `fast` network have 16-bit products depends on the whole of it.
 *
 * @throws TaesdError FORMAT (other kernels), OOM
 */
export async function wasmLayerByLayer(
  module: WebAssembly.Module,
  maxMemory: number | undefined,
): Promise<LayerByLayer> {
  const { memory, kernels } = await CompactMachine.start(module, maxMemory);
  const empty = memory.mark();
  const called = new Set<KernelName>();
  const machine: Machine = { memory, kernels: watched(kernels, called) };
  const operators = wasmOperators(machine);
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
      const program = new WasmProgram(machine, [bound]);
      // The kernels that pack weights are not part of the layer.
      called.clear();
      return program;
    },
    called: () => [...called],
  };
}

/**
 * Kernels each of which leaves its name in `called`: a step reports what ran, not what a table
 * lists.
 */
function watched(kernels: Kernels, called: Set<KernelName>): Kernels {
  const entries = KERNEL_NAMES.map((name) => {
    const kernel = kernels[name] as (...operands: number[]) => void;
    const call = (...operands: number[]) => {
      called.add(name);
      kernel(...operands);
    };
    return [name, call];
  });
  return Object.fromEntries(entries);
}
