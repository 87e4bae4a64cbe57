import type { BoundLayer } from '../model/bind.ts';
import type { Layer } from '../model/layers.ts';
import type { Operators, Program } from './backend.ts';
import { operators, referenceBackend } from './reference.ts';

/** A backend that runs one layer at a time, for those who want to look at what each of them gives. */
export interface LayerByLayer {
  readonly operators: Operators;
  /** Makes one layer ready; the one before is forgotten. */
  compile(bound: BoundLayer): Program;
  /** The kernels, or of the reference the operators, that were called since the last layer was made ready. */
  called(): readonly string[];
}

/** The reference, one layer at a time. */
export function referenceLayerByLayer(): LayerByLayer {
  let names: readonly string[] = [];
  return {
    operators: {
      ...operators,
      add(a, b) {
        names = ['add'];
        return operators.add(a, b);
      },
    },
    compile(bound) {
      names = operatorNames(bound.layer);
      return referenceBackend.compile([bound]);
    },
    called: () => names,
  };
}

/** Of which operators the reference makes a layer. */
function operatorNames({ kind }: Layer): readonly string[] {
  if (kind === 'block') return ['conv2d', 'relu', 'add'];
  return kind === 'conv' ? ['conv2d'] : [kind];
}
