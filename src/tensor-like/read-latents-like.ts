import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { fromVae, type Variant, variantNamed } from '../model/variants.ts';
import type { Size } from './packed.ts';
import { type ReadTensor, readTensor, type Wanted } from './read-tensor.ts';
import type { LatentsFound, Space } from './types.ts';

/** A copy of latents, and the space and size that came with them. */
export interface ReadLatents extends ReadTensor {
  readonly space: Space;
  /** The picture's size by the options, or by the latents' origin. */
  readonly size: Size;
}

/** @throws TaesdError ARG (neither space) */
export function checkSpace(space: unknown): Space {
  if (space === 'diffusion' || space === 'vae') return space;
  throw expected('ARG', 'space', "'diffusion' or 'vae'", describe(space));
}

/**
 * Copies latents, or the `latents` of an object that says where they come from. The numbers stay in
 * their space.
 *
 * @returns a promise if the numbers have to be read from a GPU
 * @throws TaesdError as `readTensor`; ARG (a wrong space, latents of another model)
 */
export function readLatentsLike(
  value: unknown,
  { space, ...wanted }: Wanted & { readonly space?: Space | undefined },
  variant: Variant,
): ReadLatents | Promise<ReadLatents> {
  const given = (value ?? {}) as Partial<LatentsFound>;
  const found: Partial<LatentsFound> = given.latents === undefined ? {} : given;
  if (found.model !== undefined) checkModel(found.model, variant);
  const own = checkSpace(space ?? found.space ?? 'diffusion');
  const { width, height } = wanted;
  const isSized = width !== undefined || height !== undefined;
  const size = isSized ? { width, height } : { width: found.width, height: found.height };
  const read = readTensor(found.latents ?? value, { ...wanted, ...size });
  const withOrigin = (copy: ReadTensor) => ({ ...copy, space: own, size });
  return read instanceof Promise ? read.then(withOrigin) : withOrigin(read);
}

function checkModel(model: unknown, variant: Variant): void {
  if (variantNamed(model).space === variant.space) return;
  const rule = `latents of ${variant.space} for model ${variant.name}`;
  throw expected('ARG', 'latents', rule, `latents of ${model}`);
}

/** Converts a copy of latents to the space the networks work in: `(z − shift) · scale`. */
export function toDiffusion({ tensor, space }: ReadLatents, variant: Variant): void {
  if (space === 'diffusion') return;
  const { data } = tensor;
  for (let i = 0; i < data.length; i++) data[i] = fromVae(data[i], variant);
}
