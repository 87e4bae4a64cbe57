import { type Step, type Taesd, VARIANTS } from 'taesd-wasm';
import { layerOf, placeOf } from './names.ts';
import type { FiltersView } from './protocol.ts';

type Layers = ReadonlyMap<string, Pick<Step, 'layer' | 'weights'>>;

/** The weights of convolutions, without a picture. */
export class Filters {
  readonly #taesd: Taesd;
  readonly #halves = new Map<string, Promise<Layers>>();

  constructor(taesd: Taesd) {
    this.#taesd = taesd;
  }

  /** @param name  a convolution, one inside a block, or a block, whose last one is meant */
  async of(name: string): Promise<FiltersView | undefined> {
    const half = name.split('.')[0];
    if (half !== 'encoder' && half !== 'decoder') return undefined;
    let layers = this.#halves.get(half);
    if (layers === undefined) {
      layers = this.#walk(half);
      this.#halves.set(half, layers);
      layers.catch(() => this.#halves.delete(half));
    }
    const outer = layerOf(name);
    const found = (await layers).get(outer);
    if (found === undefined) return undefined;
    const { layer, weights } = found;
    const place = placeOf(name).place ?? lastPlace(layer);
    const weight = weights[place === '' ? 'weight' : `${place}.weight`];
    if (place === undefined || weight?.shape.length !== 4) return undefined;
    const [cout, cin, kernel] = weight.shape;
    const bias = weights[place === '' ? 'bias' : `${place}.bias`];
    return {
      name: name === outer && place !== '' ? `${outer}.${frameBefore(layer)}${place}` : name,
      ...{ cin, cout, kernel },
      stride: layer.kind === 'conv' ? layer.stride : 1,
      // Copies: the answer is the page's.
      weight: weight.data.slice(),
      bias: bias?.data.slice(),
    };
  }

  /** Runs a half on a picture of 2×2 latents, whose steps have the weights. */
  async #walk(half: 'encoder' | 'decoder'): Promise<Layers> {
    const { downscale, latentChannels } = VARIANTS[this.#taesd.info.model];
    const side = 2 * downscale;
    const picture = { width: side, height: side, data: new Uint8ClampedArray(4 * side * side) };
    const latents = {
      shape: [1, latentChannels, 2, 2],
      data: new Float32Array(4 * latentChannels),
    };
    const layers = new Map<string, Pick<Step, 'layer' | 'weights'>>();
    const input = half === 'encoder' ? picture : latents;
    for await (const { name, layer, weights } of this.#taesd.steps(input, { part: half })) {
      layers.set(name, { layer, weights });
    }
    return layers;
  }
}

/** The place of a layer's last convolution; the empty text for a convolution itself. */
function lastPlace(layer: Step['layer']): string | undefined {
  switch (layer.kind) {
    case 'conv':
      return '';
    case 'block':
    case 'memBlock':
      return 'conv.4';
    case 'frameConv':
      return '1';
    default:
      return undefined;
  }
}

/** The part of a name that says the later frame, in layers on frames. */
function frameBefore(layer: Step['layer']): string {
  if (!('to' in layer)) return '';
  return layer.kind === 'frameConv' && layer.to === 1 ? 'frame0.' : 'frame1.';
}
