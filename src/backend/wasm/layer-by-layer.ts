import type { Tensor } from '../../tensor.ts';
import type { LayerByLayer } from '../layer-by-layer.ts';
import { instantiateKernels, type Kernels } from './kernels.ts';
import { Memory } from './memory.ts';
import { WasmProgram } from './program.ts';

/**
 * Runs one layer at a time by the plan, packing and stages that run whole networks, on networks of
 * one layer. The kernels have a memory of their own, a few MB, that holds one layer's weights and
 * rows at a time. Nothing is fused between layers; inside a block all that the plan fuses is.
 * Always f32: which stages of a `fast` network have 16-bit products depends on the whole of it.
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
  const kernels = recorded(await instantiateKernels(module, memory.wasm), called);
  return {
    add(a, b) {
      memory.release(empty);
      called.clear();
      return add(memory, kernels, a, b);
    },
    compile(bound) {
      memory.release(empty);
      const program = new WasmProgram(memory, kernels, [bound]);
      // The kernels that pack weights are not part of the layer.
      called.clear();
      return program;
    },
    called: () => [...called],
  };
}

function add(memory: Memory, kernels: Kernels, a: Tensor, b: Tensor): Tensor {
  const count = Math.ceil(a.data.length / 4) * 4;
  const [aPtr, bPtr] = [a, b].map(({ data }) => {
    const ptr = memory.allocate('operands', count * Float32Array.BYTES_PER_ELEMENT);
    memory.f32(ptr, data.length).set(data);
    return ptr;
  });
  kernels.add(aPtr, bPtr, count);
  return { shape: a.shape, data: memory.f32(aPtr, a.data.length).slice() };
}

/**
 * Wraps the kernels: each call adds the kernel's name to `called`, so that a step reports what ran.
 */
function recorded(kernels: Kernels, called: Set<string>): Kernels {
  const entries = Object.entries(kernels as unknown as Record<string, unknown>);
  const recordedEntries = entries.map(([name, kernel]) => {
    if (typeof kernel !== 'function') return [name, kernel];
    const call = (...args: number[]) => {
      called.add(name);
      return kernel(...args);
    };
    return [name, call];
  });
  return Object.fromEntries(recordedEntries);
}
