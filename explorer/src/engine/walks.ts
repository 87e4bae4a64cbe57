import type { Area, Half, Picture, Position, Step, Taesd, Tensor } from 'taesd-wasm';
import type { ChannelView, PixelView, StepView, Window } from './protocol.ts';
import { channelRanges, summarise, thumbnails } from './summarise.ts';

/** The most bytes of maps from inside a block that are kept; a block's are computed again when they are asked for. */
const INNER_BYTES = 160 * 2 ** 20;

/** The steps of both halves and of one opened block, with their maps, for as long as the page shows them. */
export class Walks {
  readonly #taesd: Taesd;
  readonly #steps = new Map<string, Step>();
  #abort = new AbortController();
  /** Of the block that was opened last; undefined where a map had to be dropped. */
  #inner: { block: string; steps: (Step | undefined)[] } | undefined;

  constructor(taesd: Taesd) {
    this.#taesd = taesd;
  }

  /** Goes through both halves, the decoder from the given latents. A later call ends an earlier one. */
  async run(picture: Picture, latents: Tensor, onStep: (step: StepView) => void): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#steps.clear();
    this.#inner = undefined;
    for (const input of [picture, latents]) {
      for await (const step of this.#taesd.steps(input, { signal })) {
        if (signal.aborted) return;
        this.#steps.set(step.name, step);
        onStep(view(step, undefined));
      }
    }
  }

  /** What is inside a block. */
  async open(name: string): Promise<StepView[]> {
    const views: StepView[] = [];
    const steps: (Step | undefined)[] = [];
    let bytes = 0;
    for await (const step of this.#step(name).inner()) {
      views.push(view(step, name));
      bytes += step.output.data.byteLength;
      steps.push(bytes <= INNER_BYTES ? step : undefined);
    }
    this.#inner = { block: name, steps };
    return views;
  }

  async channel(name: string, channel: number): Promise<ChannelView> {
    const { output } = await this.#find(name);
    const [, , height, width] = output.shape;
    const area = height * width;
    const data = output.data.slice(channel * area, (channel + 1) * area);
    return { name, channel, width, height, data, summary: summarise(data) };
  }

  /** How a number came about, and what of the picture it depends on. */
  async pixel(name: string, position: Position): Promise<PixelView> {
    const step = await this.#find(name);
    const { channel, y, x } = position;
    const [, , height, width] = step.shape;
    const kernelValue = step.output.data[(channel * height + y) * width + x];
    const area = { x, y, width: 1, height: 1 };
    const fields = this.#fieldsOf(name, step, area);
    const nextRelu = await this.#nextRelu(name, position);
    const common = { name, position, kernelValue, nextRelu, ...fields };
    const { layer } = step;
    if ('from' in layer) return { ...common, ...(await this.#inFrames(name, step, position)) };
    if (layer.kind !== 'block') {
      const { products, sum, bias, value } = step.arithmetic(position);
      const parts = { windows: windowsOf(products), sum, bias, value };
      const source = { source: name, sourceKind: step.layer.kind };
      return { ...common, ...parts, ...source, skip: undefined, beforeRelu: undefined };
    }
    // A block's number: its last convolution, plus the skip connection, through the last ReLU.
    const inner = await this.#innerSteps(name);
    const [conv, add] = [inner('conv.4'), inner('add')];
    const { products, sum, bias } = conv.arithmetic(position);
    const skip = add.arithmetic(position).products[1].value;
    const beforeRelu = sum + bias + skip;
    const source = { source: conv.name, sourceKind: 'conv' };
    const parts = { windows: windowsOf(products), sum, bias, skip, beforeRelu };
    return { ...common, ...source, ...parts, value: Math.max(beforeRelu, 0) };
  }

  /**
   * A number of a layer on frames: its last convolution, and what is added to it. The frames'
   * channels lie one after the other.
   */
  async #inFrames(name: string, { layer, shape }: Step, position: Position) {
    const { to } = layer as Extract<Step['layer'], { to: number }>;
    const channels = shape[1] / to;
    const { channel, y, x } = position;
    const own = { channel: channel % channels, y, x };
    const frame = Math.floor(channel / channels);
    const inner = await this.#innerSteps(name);
    const isBlock = layer.kind === 'memBlock';
    // One frame of a memory block is the later one; one frame of two convolutions has the first's name.
    const last = isBlock
      ? `frame${to === 1 ? 1 : frame}.conv.4`
      : `frame${frame}.${to === 1 ? 1 : frame}`;
    const conv = inner(last);
    const sum = isBlock ? inner(last.replace('conv.4', 'add')) : inner(`frame0.x+past`);
    const made = conv.arithmetic(own);
    const skip = isBlock || to === 1 ? sum.arithmetic(own).products[1].value : undefined;
    const total = made.sum + made.bias + (skip ?? 0);
    return {
      windows: windowsOf(made.products),
      ...{ sum: made.sum, bias: made.bias, skip },
      beforeRelu: isBlock ? total : undefined,
      value: isBlock ? Math.max(total, 0) : total,
      ...{ source: conv.name, sourceKind: 'conv' as const },
    };
  }

  #step(name: string): Step {
    const step = this.#steps.get(name);
    if (step === undefined) throw new Outdated(`${name} has not been computed yet`);
    return step;
  }

  /** A step of a half, or one inside a block, which is computed again where it was dropped. */
  async #find(name: string): Promise<Step> {
    const block = layerOf(name);
    if (block === name) return this.#step(name);
    const kept = this.#inner?.block === block ? this.#inner.steps : [];
    const found = kept.find((step) => step?.name === name);
    if (found !== undefined) return found;
    for await (const step of this.#step(block).inner()) if (step.name === name) return step;
    throw new Outdated(`there is no ${name}`);
  }

  /** The steps inside a block, by their place in it: those that are kept, or computed for the moment. */
  async #innerSteps(block: string): Promise<(place: string) => Step> {
    const kept = this.#inner?.block === block ? this.#inner.steps : [undefined];
    const steps = kept.filter((step) => step !== undefined);
    if (steps.length < kept.length) {
      steps.length = 0;
      for await (const step of this.#step(block).inner()) steps.push(step);
    }
    return (place) => steps.find((step) => step.name === `${block}.${place}`) as Step;
  }

  /** Step by step back to the latents and the picture. */
  #fieldsOf(name: string, step: Step, area: Area) {
    const { part } = step;
    const onInput = step.inputArea(area);
    const layer = layerOf(name);
    // Inside a block the operations follow each other; the skip connection sees no more than they do.
    const outer = this.#step(layer);
    const reach = layer === name ? undefined : innerRadius(name, outer.layer);
    const reached = (radius: number) => grown(area, radius, outer.inputs[0].shape);
    const isWhole = reach === undefined || outer.layer.kind === 'frameConv';
    const onLayer = isWhole ? outer.inputArea(area) : reached(reach);
    const field = this.#back(part, layer, onLayer);
    const wholeMap = this.#wholeMapBefore(outer, reach);
    if (part === 'encoder') return { onInput, onLatents: undefined, onPicture: field, wholeMap };
    const onPicture = this.#back('encoder', undefined, field);
    return { onInput, onLatents: field, onPicture, wholeMap };
  }

  /** The last layer that needs the map before it whole, up to a step that reaches so far into its block. */
  #wholeMapBefore({ name, layer }: Step, reach: number | undefined): string | undefined {
    const steps = [...this.#steps.values()];
    const isOwn = reach === undefined ? hasPool(layer) : reach === Infinity;
    if (isOwn) return name;
    const before = steps.slice(
      0,
      steps.findIndex((step) => step.name === name),
    );
    return before.findLast((step) => hasPool(step.layer))?.name;
  }

  /** From a layer's input, or from a half's end, to the half's input. */
  #back(part: Half, before: string | undefined, area: Area): Area {
    const steps = [...this.#steps.values()].filter((step) => step.part === part);
    const end = before === undefined ? steps.length : this.#step(before).index;
    return steps.slice(0, end).reduceRight((field: Area, step) => step.inputArea(field), area);
  }

  /** What the ReLU right after a convolution makes of its number. */
  async #nextRelu(name: string, { channel, y, x }: Position): Promise<number | undefined> {
    const next = await this.#stepAfter(name);
    if (next?.layer.kind !== 'relu') return undefined;
    const [, , height, width] = next.shape;
    return next.output.data[(channel * height + y) * width + x];
  }

  async #stepAfter(name: string): Promise<Step | undefined> {
    const outer = layerOf(name);
    if (outer !== name && 'from' in this.#step(outer).layer) return this.#readerInFrames(name);
    const after = this.#nameAfter(name);
    return after === undefined ? undefined : this.#find(after);
  }

  /** The operation right after one inside a layer on frames, if it reads what that one made. */
  #readerInFrames(name: string): Step | undefined {
    const steps = this.#inner?.block === layerOf(name) ? this.#inner.steps : [];
    const at = steps.findIndex((step) => step?.name === name);
    const next = at < 0 ? undefined : steps[at + 1];
    return next?.inputs[0] === steps[at]?.output ? next : undefined;
  }

  #nameAfter(name: string): string | undefined {
    const [part, index, place, n] = name.split('.');
    const last = place === 'conv' ? '4' : '3';
    if (place === 'conv' || place === 'pool') {
      return n === last ? undefined : `${part}.${index}.${place}.${Number(n) + 1}`;
    }
    if (place !== undefined) return undefined;
    const next = `${part}.${Number(index) + 1}`;
    return this.#steps.has(next) ? next : undefined;
  }
}

/** Something was asked for that is gone, or not there yet: a new picture has come. The page asks again when it has it. */
class Outdated extends Error {
  readonly code = 'ENDED';
}

/** The layer that a step is, or is inside of. */
const layerOf = (name: string): string => name.split('.').slice(0, 2).join('.');

const hasPool = (layer: Step['layer']): boolean => layer.kind === 'block' && layer.pool;

/**
 * How far an operation inside a block reaches into the block's input: one for each 3×3 convolution up to it, everywhere
 * where a pool comes before it.
 */
function innerRadius(name: string, block: Step['layer']): number {
  const [place, n] = name.replace(/^\w+\.\d+\.(?:frame\d\.)?/, '').split('.');
  if (['past', 'x+past', 'relu'].includes(place)) return 1;
  if (place === 'pool' && n === '0') return 0;
  if (hasPool(block)) return Infinity;
  if (place === 'conv') return Math.floor(Number(n) / 2) + 1;
  return place === 'skip' ? 0 : 3;
}

function grown({ x, y, width, height }: Area, radius: number, shape: readonly number[]): Area {
  const [, , rows, columns] = shape;
  const [left, top] = [Math.max(x - radius, 0), Math.max(y - radius, 0)];
  return {
    x: left,
    y: top,
    width: Math.min(x + width + radius, columns) - left,
    height: Math.min(y + height + radius, rows) - top,
  };
}

function windowsOf(products: readonly Window['products'][number][]): Window[] {
  const windows = new Map<string, Window['products'][number][]>();
  for (const product of products) {
    const key = `${product.input}.${product.channel}`;
    const window = windows.get(key);
    if (window === undefined) windows.set(key, [product]);
    else window.push(product);
  }
  return [...windows.values()].map((list) => ({
    channel: list[0].channel,
    products: list,
    sum: list.reduce((sum, { product }) => sum + product, 0),
  }));
}

/** A step without its maps. */
function view(step: Step, block: string | undefined): StepView {
  const { name, part, index, module, layer, shape, parameters, multiplyAdds } = step;
  return {
    ...{ name, part, index, block, module, layer, shape, parameters, multiplyAdds },
    inputShape: step.inputs[0].shape,
    kernels: step.kernels,
    elapsedMs: step.elapsedMs,
    summary: summarise(step.output.data),
    channels: channelRanges(step.output),
    thumbnails: thumbnails(step.output),
  };
}
