import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { shapeText } from '../tensor.ts';
import { axesReadings, shapeBy } from './axes.ts';
import { patchGrid, type Size } from './packed.ts';
import { FOUR_AXES, type View } from './view.ts';

/** Rows from which [16, h, 64] may be packed: the patches of a picture of 256×256. */
const MIN_AMBIGUOUS = 256;

const PACKED_CHANNELS = 16;

/** The search for the rows of patches takes time for their square root. */
const MAX_PATCHES = 2 ** 31;

/** A view and the shape [N, C, h, w] of its numbers. Packed latents have six axes in the view. */
export interface Placed {
  readonly view: View;
  readonly shape: readonly number[];
}

/** The view of a whole tensor. That of packed latents has the axes [N, C, h/2, 2, w/2, 2]. */
interface Arranged extends Placed {
  readonly isPacked: boolean;
}

/**
 * Finds the axes of a tensor.
 *
 * @param layout    as the tensor declares it
 * @param channels  the numbers of channels that the call takes
 * @param size      the picture's size by the options
 * @throws TaesdError ARG (an unknown layout), SHAPE (not such axes, an ambiguous shape)
 */
export function arrange(
  what: string,
  view: View,
  layout: unknown,
  channels: readonly number[],
  size: Size,
): Arranged {
  if (layout !== undefined && !['NCHW', 'NHWC', 'packed'].includes(layout as string)) {
    throw expected('ARG', `${what} layout`, "'NCHW', 'NHWC' or 'packed'", describe(layout));
  }
  if (isPacked(what, view, layout, channels)) return unpack(what, view, size);
  const readings = axesReadings(view.sizes, layout === 'NHWC');
  const axes = readings.find(([, c]) => channels.includes(view.sizes[c])) ?? readings[0];
  if (axes === undefined) {
    throw expected('SHAPE', what, FOUR_AXES, shapeText(view.sizes));
  }
  const sizes = shapeBy(axes, view.sizes);
  return {
    view: { sizes, strides: shapeBy(axes, view.strides), first: view.first },
    shape: sizes,
    isPacked: false,
  };
}

function isPacked(
  what: string,
  { sizes }: View,
  layout: unknown,
  channels: readonly number[],
): boolean {
  const fits =
    sizes.length === 3 &&
    sizes[1] < MAX_PATCHES &&
    sizes[2] === 4 * PACKED_CHANNELS &&
    channels.includes(PACKED_CHANNELS);
  if (layout === 'packed') {
    if (fits) return true;
    const rule = 'packed latents [N,P,64] of a model of 16 channels';
    throw expected('SHAPE', what, rule, shapeText(sizes));
  }
  if (layout !== undefined || !fits) return false;
  if (!channels.includes(sizes[0])) return true;
  if (sizes[0] !== PACKED_CHANNELS || sizes[1] < MIN_AMBIGUOUS) return false;
  const rule = "a batch axis, or layout: 'NCHW' or 'packed'";
  const hint = 'one latent [C,h,w], or 16 packed ones?';
  throw expected('SHAPE', what, rule, shapeText(sizes), { hint });
}

/** Source: diffusers' `FluxPipeline._pack_latents`, [N, h/2, w/2, C, 2, 2] made [N, P, 64]. */
function unpack(what: string, { sizes, strides, first }: View, size: Size): Arranged {
  const [batch, patches] = sizes;
  const [rows, columns] = patchGrid(what, patches, size);
  const [n, p, c] = strides;
  return {
    view: {
      sizes: [batch, PACKED_CHANNELS, rows, 2, columns, 2],
      strides: [n, 4 * c, columns * p, 2 * c, p, c],
      first,
    },
    shape: [batch, PACKED_CHANNELS, 2 * rows, 2 * columns],
    isPacked: true,
  };
}
