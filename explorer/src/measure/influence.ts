import type { Area, Layer } from 'taesd-wasm';

/** A layer of a network, and the shape [1, C, H, W] of what it makes. */
export interface LayerMade {
  readonly name: string;
  readonly layer: Layer | { readonly kind: 'add' };
  readonly shape: readonly number[];
}

export interface Influence {
  /** In pixels of the last layer's map. */
  readonly area: Area;
  /** The layers that look at their whole map: after one of them every place is reached. */
  readonly wholeMap: readonly string[];
}

/** How far the three 3×3 convolutions of a block reach. */
const BLOCK_REACH = 3;

/**
 * Returns the part of the last layer's map that an area of the first layer's input can change, by
 * the geometry of the layers alone: the mirror of the receptive field.
 *
 * @param area    in numbers of the first layer's input
 * @param layers  that follow each other
 */
export function influenceOf(area: Area, layers: readonly LayerMade[]): Influence {
  const wholeMap: string[] = [];
  const reached = layers.reduce((now, { name, layer, shape }) => {
    const [, , height, width] = shape;
    if (looksAtAll(layer)) {
      wholeMap.push(name);
      return { x: 0, y: 0, width, height };
    }
    const [left, right] = forwards(layer, now.x, now.x + now.width - 1);
    const [top, bottom] = forwards(layer, now.y, now.y + now.height - 1);
    const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
    return {
      ...{ x, y },
      width: Math.min(right + 1, width) - x,
      height: Math.min(bottom + 1, height) - y,
    };
  }, area);
  return { area: reached, wholeMap };
}

/** True for a layer of which each number depends on its whole map. */
export const looksAtAll = (layer: LayerMade['layer']): boolean =>
  layer.kind === 'groupNorm' || (layer.kind === 'block' && layer.pool);

/**
 * The first and the last place of the output, of one side, that places from `first` to `last`
 * reach.
 */
function forwards(layer: LayerMade['layer'], first: number, last: number): [number, number] {
  switch (layer.kind) {
    case 'conv': {
      const reach = (layer.kernel - 1) / 2;
      const { stride } = layer;
      return [Math.ceil((first - reach) / stride), Math.floor((last + reach) / stride)];
    }
    case 'frameConv':
      return forwards(layer.conv, first, last);
    case 'block':
    case 'memBlock':
      return [first - BLOCK_REACH, last + BLOCK_REACH];
    case 'upsample2x':
      return [2 * first, 2 * last + 1];
    case 'pixelShuffle':
      return [layer.factor * first, layer.factor * (last + 1) - 1];
    case 'pixelUnshuffle':
      return [Math.floor(first / layer.factor), Math.floor(last / layer.factor)];
    case 'relu':
    case 'clamp':
    case 'groupNorm':
    case 'add':
      return [first, last];
  }
}
