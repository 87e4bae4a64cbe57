import { orList } from '../checks.ts';
import { expected, TaesdError } from '../errors.ts';
import type { BoundNetwork } from '../model/bind.ts';
import { otherModel } from '../model/latent-channels.ts';
import type { Half } from '../model/layers.ts';
import type { WeightShapes } from '../model/measure.ts';
import { namedShapes, storedShapes } from '../model/stored.ts';
import { hasHalf, isNano, VARIANTS, type Variant } from '../model/variants.ts';
import { showNames } from '../safetensors/show-name.ts';
import type { Tensor } from '../tensor.ts';
import { channelsFirst } from './channels-last.ts';
import { bindHalf } from './fold-frames.ts';
import { groupsOf, splitByKeyNames, tensorsOfGroup } from './key-names.ts';
import { type OtherModel, otherModelWith } from './other-models.ts';
import type { FileTensor, ModelTensors, WeightFile } from './weight-file.ts';

/*
 * Weights whose names or shapes are not those of a model: read if they can be, otherwise explained.
 */

/**
 * Sorts a file's tensors by names other than exactly those of a model.
 *
 * @throws TaesdError UNSUPPORTED (a model that is not supported), and as `splitByKeyNames`
 */
export function readOtherNames(
  file: WeightFile,
  variant: Variant,
  half: Half | undefined,
  otherHint: string | undefined,
): ModelTensors {
  const others = otherModelsIn(file);
  const own = others.find((other) => half === undefined || other.half === half);
  if (own !== undefined) throw notSupported(own.model, variant);
  try {
    return splitByKeyNames(file, half, otherHint, variant);
  } catch (error) {
    throw others.length > 0 ? notSupported(others[0].model, variant) : error;
  }
}

/**
 * Binds weights that did not fit as they were.
 *
 * @returns the network, and what was done
 * @throws TaesdError UNSUPPORTED (a model that is not supported), SHAPE (anything else)
 */
export function mend(
  variant: Variant,
  half: Half,
  weights: ReadonlyMap<string, Tensor>,
  spare: readonly string[] = [],
): { bound: BoundNetwork; note: string } {
  const other = otherModelWith(weights);
  if (other !== undefined) throw notSupported(other.model, variant);
  const converted = channelsFirst(storedShapes(variant, half), weights);
  try {
    const tensors = converted?.tensors ?? weights;
    const bound = bindHalf(variant, half, tensors, hintOf(variant, half, tensors));
    const note = `the ${half} has channels last (${converted?.order}) and was converted`;
    return { bound, note };
  } catch (error) {
    if (!(error instanceof TaesdError) || error.code !== 'SHAPE' || spare.length === 0) throw error;
    throw new TaesdError('SHAPE', `${error.sentence}; spare in the file: ${showNames(spare)}`);
  }
}

/** Returns the hints for tensors of the wrong shape: once the models whose shapes all have. */
function hintOf(variant: Variant, half: Half, tensors: ReadonlyMap<string, Tensor>): HintFor {
  // Layers past the last one of the model are spare, and not among the tensors.
  const { length } = storedShapes(variant, half);
  const fitting = Object.values(VARIANTS).filter(
    (other) => hasHalf(other, half) && fits(storedShapes(other, half).slice(0, length), tensors),
  );
  const nameOf = ({ name, space }: Variant) => (isNano(name) ? name : space);
  let names = orList([...new Set(fitting.map(nameOf))]);
  if (names === '') return (name, shape) => otherModel(half, name, shape);
  return () => {
    const hint = names && `weights of ${names}?`;
    names = '';
    return hint || undefined;
  };
}

type HintFor = NonNullable<Parameters<typeof bindHalf>[3]>;

/** Returns true if tensors have the names and shapes of all layers. */
const fits = (layers: readonly WeightShapes[], tensors: ReadonlyMap<string, Tensor>): boolean =>
  namedShapes(layers).every(([name, shape]) => `${tensors.get(name)?.shape}` === `${shape}`);

/** A half of a model that is not supported. */
interface OtherHalf {
  readonly model: OtherModel;
  readonly half: Half;
  readonly tensors: ReadonlyMap<string, FileTensor>;
}

/**
 * Finds the halves of a file that are those of a model that is not supported, decoders first: some
 * models share their encoder.
 */
export function otherModelsIn(file: WeightFile): OtherHalf[] {
  const found = groupsOf(file).flatMap((group): OtherHalf[] => {
    const tensors = tensorsOfGroup(file, group);
    const other = otherModelWith(tensors);
    return other === undefined ? [] : [{ ...other, tensors }];
  });
  const of = (half: Half) => found.filter((other) => other.half === half);
  return [...of('decoder'), ...of('encoder')];
}

function notSupported({ name, speaks, trap }: OtherModel, variant: Variant): TaesdError {
  const hint = `not supported yet${trap === undefined ? '' : `; ${trap}`}`;
  const got = `those of ${name}, for ${speaks}`;
  return expected('UNSUPPORTED', 'weights', `those of ${variant.name}`, got, { hint });
}

/** Returns the sentence about spare tensors. */
export const spareNote = (spare: readonly string[]): string =>
  `spare tensors are not used: ${showNames(spare)}`;
