import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { packedChannels, type Variant } from '../model/variants.ts';
import { shapeText } from '../tensor.ts';
import { axesReadings, shapeBy } from './axes.ts';
import { type Placed, patchGrid, type Size, unpackMap, unpackTokens } from './packed.ts';
import { FOUR_AXES, type View } from './view.ts';

/** Patches from which [C, h, 4·C] may be tokens: those of a picture of 256×256. */
const MIN_AMBIGUOUS = 256;

/** The search for the rows of patches takes time for their square root. */
const MAX_PATCHES = 2 ** 31;

/** The axes that a call takes, and the picture's size by its options. */
export interface AxesNeeds extends Size {
  /** The numbers of channels. The call refuses others itself. */
  readonly channels: readonly number[];
  /** The model, for a call that takes its latents: they may come packed. */
  readonly variant?: Pick<Variant, 'latentChannels' | 'downscale' | 'packed'> | undefined;
}

/** The view of a whole tensor. That of packed latents has the axes [N, C, h/2, 2, w/2, 2]. */
interface Arranged extends Placed {
  readonly isPacked: boolean;
}

/**
 * Finds the axes of a tensor.
 *
 * @param layout  as the tensor declares it
 * @throws TaesdError ARG (an unknown layout), SHAPE (not such axes, an ambiguous shape)
 */
export function arrange(what: string, view: View, layout: unknown, needs: AxesNeeds): Arranged {
  if (layout !== undefined && !['NCHW', 'NHWC', 'packed'].includes(layout as string)) {
    throw expected('ARG', `${what} layout`, "'NCHW', 'NHWC' or 'packed'", describe(layout));
  }
  const { channels, variant } = needs;
  const { sizes } = view;
  if (variant !== undefined && isTokens(what, sizes, layout, variant, channels)) {
    const grid = patchGrid(what, sizes[1], needs, variant);
    return { ...unpackTokens(view, grid), isPacked: true };
  }
  const isPacked = layout === 'packed';
  const readings = axesReadings(sizes, layout === 'NHWC');
  const withChannels = (fitting: readonly (number | undefined)[]) =>
    readings.find(([, c]) => fitting.includes(sizes[c]));
  const plain = isPacked ? undefined : withChannels(channels);
  // The latents of videos with as many channels as a map have a fifth axis.
  const mayBeMap = plain === undefined && variant !== undefined && sizes.length < 5;
  const map = mayBeMap ? withChannels([packedChannels(variant, 'map')]) : undefined;
  if (map !== undefined) return { ...unpackMap(byAxes(map, view)), isPacked: true };
  const axes = plain ?? (isPacked ? undefined : readings[0]);
  if (axes === undefined) {
    throw expected('SHAPE', what, isPacked ? PACKED : FOUR_AXES, shapeText(sizes));
  }
  const nchw = byAxes(axes, view);
  return { view: nchw, shape: nchw.sizes, isPacked: false };
}

const PACKED = "a model's packed latents, [N,P,4·C] or [N,4·C,h,w]";

const byAxes = (axes: readonly number[], { sizes, strides, first }: View): View => ({
  sizes: shapeBy(axes, sizes),
  strides: shapeBy(axes, strides),
  first,
});

/** Returns true for tokens [N, P, 4·C]. @throws TaesdError SHAPE (an ambiguous shape) */
function isTokens(
  what: string,
  sizes: readonly number[],
  layout: unknown,
  variant: NonNullable<AxesNeeds['variant']>,
  channels: readonly number[],
): boolean {
  const [first, patches] = sizes;
  const fits =
    sizes.length === 3 && patches < MAX_PATCHES && sizes[2] === packedChannels(variant, 'tokens');
  if (!fits || layout !== undefined) return fits && layout === 'packed';
  const isLatent = first === variant.latentChannels || first === packedChannels(variant, 'map');
  if (!isLatent || patches < MIN_AMBIGUOUS) return !isLatent && !channels.includes(first);
  const rule = "a batch axis, or layout: 'NCHW' or 'packed'";
  const hint = `one latent [C,h,w], or ${first} packed ones?`;
  throw expected('SHAPE', what, rule, shapeText(sizes), { hint });
}
