import { needsWholeMap } from '../../model/layers.ts';
import type { Tensor } from '../../tensor.ts';
import { foldPool } from '../fold-pool.ts';
import type { LayerByLayer } from '../layer-by-layer.ts';
import { referenceBackend } from '../reference.ts';
import { KERNEL_NAMES, type KernelName, type Kernels } from './kernels.ts';
import { F32_BYTES } from './layout.ts';
import { CompactMachine, type Machine } from './machine.ts';
import { momentsOn } from './moments.ts';
import { WasmProgram } from './program.ts';

/**
 * Runs one layer at a time, as a network of one layer, by the plan, packing and stages of whole
 * networks. The kernels have a memory of their own, a few MB, that holds one layer's weights and
 * rows at a time. Nothing is fused between layers; inside a block everything is that the plan
 * fuses. It is always f32: which stages of a `fast` network have 16-bit products depends on the
 * whole of it.
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
  const machine: Machine = { memory, kernels: recorded(kernels, called) };
  return {
    add(a, b) {
      memory.release(empty);
      called.clear();
      return add(machine, a, b);
    },
    compile(bound, tallest) {
      memory.release(empty);
      called.clear();
      if (bound.layer.kind === 'groupNorm') return referenceBackend.compile([bound]);
      const program = new WasmProgram(machine, [bound], 'f32', tallest);
      // The kernels that pack weights are not part of the layer.
      called.clear();
      if (!needsWholeMap(bound.layer)) return program;
      return {
        *run(source, sink, wanted) {
          const folded = yield* foldPool(bound, source, momentsOn(machine));
          yield* program.run(source, sink, wanted, folded);
        },
      };
    },
    called: () => [...called],
  };
}

function add({ memory, kernels }: Machine, a: Tensor, b: Tensor): Tensor {
  const count = Math.ceil(a.data.length / 4) * 4;
  const [aPtr, bPtr] = [a, b].map(({ data }) => {
    const ptr = memory.allocate('operands', count * F32_BYTES);
    memory.f32(ptr, data.length).set(data);
    return ptr;
  });
  kernels.add(aPtr, bPtr, count);
  return { shape: a.shape, data: memory.f32(aPtr, a.data.length).slice() };
}

/** Wraps kernels: each call adds the kernel's name to `called`, so that a step reports what ran. */
function recorded(kernels: Kernels, called: Set<KernelName>): Kernels {
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
