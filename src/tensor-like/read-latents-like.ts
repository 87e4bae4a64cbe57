import { isPromise } from '../builtins/tags.ts';
import { expected } from '../errors.ts';
import { otherModel, type Variant, variantNamed } from '../model/variants.ts';
import { type Size, withinPatches } from './packed.ts';
import { type ReadTensor, reading, readTensor, type TensorNeeds } from './read-tensor.ts';
import { checkSpace } from './space.ts';
import type { LatentsWithOrigin, Space } from './types.ts';

/** A copy of latents, and the space and size that came with them. */
export interface ReadLatents extends Pick<ReadTensor, 'tensor'> {
  readonly space: Space;
  /** The picture's size by the options, or by the latents' origin. */
  readonly size: Size;
}

interface SpaceNeeds {
  readonly space?: Space | undefined;
}

/**
 * Copies latents, or the `latents` of an object that says where they come from. The numbers stay in
 * their space.
 *
 * @returns a promise if the numbers have to be read from a GPU
 * @throws TaesdError as `readTensor`; ARG (a wrong space, latents of another model)
 */
export const readLatentsLike = (
  value: unknown,
  needs: TensorNeeds & SpaceNeeds,
  variant: Variant,
): ReadLatents | Promise<ReadLatents> => reading(needs.what, () => read(value, needs, variant));

function read(
  value: unknown,
  { space, ...wanted }: TensorNeeds & SpaceNeeds,
  variant: Variant,
): ReadLatents | Promise<ReadLatents> {
  const given = (value ?? {}) as Partial<LatentsWithOrigin>;
  const found: Partial<LatentsWithOrigin> =
    given.latents === undefined ? { space: given.space } : given;
  if (found.model !== undefined) checkModel(found.model, variant);
  const own = checkSpace(space ?? found.space ?? 'diffusion');
  const { width, height } = wanted;
  const isSized = width !== undefined || height !== undefined;
  const size = isSized ? { width, height } : { width: found.width, height: found.height };
  const copy = readTensor(found.latents ?? value, { ...wanted, ...size, variant });
  const withOrigin = ({ tensor, isPacked }: ReadTensor) => ({
    tensor,
    space: own,
    size: isPacked ? withinPatches(size, tensor.shape, variant) : size,
  });
  return isPromise(copy) ? copy.then(withOrigin) : withOrigin(copy);
}

function checkModel(model: unknown, variant: Variant): void {
  const { name, space } = variantNamed(model);
  if (space === variant.space) return;
  const rule = `latents of ${variant.space} for model ${variant.name}`;
  const remedy = otherModel([name], true);
  throw expected('ARG', 'latents', rule, `latents of ${name}`, { remedy });
}
