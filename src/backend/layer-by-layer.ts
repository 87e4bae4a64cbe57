import type { BoundLayer } from '../model/bind.ts';
import type { Layer } from '../model/layers.ts';
import type { Tensor } from '../tensor.ts';
import type { Program } from './backend.ts';
import { operators, referenceBackend } from './reference.ts';

/** A backend that runs one layer at a time, for callers who want to see the output of each. */
export interface LayerByLayer {
  /** Returns a + b, of one shape. Blocks add their skip connection so. */
  add(a: Tensor, b: Tensor): Tensor;
  /**
   * Makes one layer ready, and drops the one before.
   *
   * @param tallest  the height of the half's tallest map, as a multiple of the layer's input
   */
  compile(bound: BoundLayer, tallest: number): Program;
  /**
   * The kernels that were called since the last layer was made ready; on the reference, its
   * operators.
   */
  called(): readonly string[];
}

/** The reference, one layer at a time. */
export function referenceLayerByLayer(): LayerByLayer {
  let names: readonly string[] = [];
  return {
    add(a, b) {
      names = ['add'];
      return operators.add(a, b);
    },
    compile(bound) {
      names = operatorNames(bound.layer);
      return referenceBackend.compile([bound]);
    },
    called: () => names,
  };
}

/** The operators that the reference makes a layer of. */
function operatorNames(layer: Layer): readonly string[] {
  const { kind } = layer;
  if (kind === 'block') return ['conv2d', ...(layer.pool ? ['groupNorm'] : []), 'relu', 'add'];
  return kind === 'conv' ? ['conv2d'] : [kind];
}
