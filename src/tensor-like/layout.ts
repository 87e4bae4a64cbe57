import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { PACKED_NUMBERS, type Variant } from '../model/variants.ts';
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
  readonly variant?: Pick<Variant, 'name' | 'latentChannels' | 'downscale' | 'packed'> | undefined;
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
  if (variant !== undefined && isTokens(what, view, layout, needs)) {
    const grid = patchGrid(what, view.sizes[1], needs, variant);
    return { ...unpackTokens(view, grid), isPacked: true };
  }
  const readings = axesReadings(view.sizes, layout === 'NHWC');
  const plain = readings.find(([, c]) => channels.includes(view.sizes[c]));
  const isPlain = plain !== undefined && layout !== 'packed';
  const map = isPlain ? undefined : mapAxes(readings, view, needs);
  if (map !== undefined) return { ...unpackMap(byAxes(map, view)), isPacked: true };
  if (layout === 'packed') throw expected('SHAPE', what, PACKED, shapeText(view.sizes));
  const axes = plain ?? readings[0];
  if (axes === undefined) throw expected('SHAPE', what, FOUR_AXES, shapeText(view.sizes));
  const nchw = byAxes(axes, view);
  return { view: nchw, shape: nchw.sizes, isPacked: false };
}

const byAxes = (axes: readonly number[], { sizes, strides, first }: View): View => ({
  sizes: shapeBy(axes, sizes),
  strides: shapeBy(axes, strides),
  first,
});

/** The channels of packed latents; 0 for a model whose latents have no such form. */
const packedChannels = ({ variant }: AxesNeeds, form: 'tokens' | 'map'): number =>
  variant?.packed.includes(form) ? PACKED_NUMBERS * variant.latentChannels : 0;

/** Returns true for tokens [N, P, 4·C]. @throws TaesdError SHAPE (an ambiguous shape) */
function isTokens(what: string, { sizes }: View, layout: unknown, needs: AxesNeeds): boolean {
  const { channels } = needs;
  const fits =
    sizes.length === 3 && sizes[1] < MAX_PATCHES && sizes[2] === packedChannels(needs, 'tokens');
  if (!fits || layout === 'packed') return fits;
  if (layout !== undefined) return false;
  const isMap = sizes[0] === packedChannels(needs, 'map');
  if (!channels.includes(sizes[0]) && !isMap) return true;
  const isLatent = isMap || sizes[0] === needs.variant?.latentChannels;
  if (!isLatent || sizes[1] < MIN_AMBIGUOUS) return false;
  const rule = "a batch axis, or layout: 'NCHW' or 'packed'";
  const hint = `one latent [C,h,w], or ${sizes[0]} packed ones?`;
  throw expected('SHAPE', what, rule, shapeText(sizes), { hint });
}

/**
 * Returns the axes of a map [N, 4·C, h/2, w/2]. The latents of videos with as many channels have a
 * fifth axis.
 */
function mapAxes(
  readings: readonly (readonly number[])[],
  { sizes }: View,
  needs: AxesNeeds,
): readonly number[] | undefined {
  const numbers = packedChannels(needs, 'map');
  return sizes.length > 4 ? undefined : readings.find(([, c]) => sizes[c] === numbers);
}

const PACKED = 'packed latents [N,P,4·C], or [N,4·C,h,w] of FLUX.2, for a model of C channels';
