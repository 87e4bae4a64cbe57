import type { Area, Half, Picture, Position, Step, Taesd, Tensor } from 'taesd-wasm';
import { Inside } from './inside.ts';
import { layerOf, placeOf } from './names.ts';
import { nextTask } from './next-task.ts';
import type {
  ChannelView,
  NumbersAsked,
  NumbersView,
  PixelView,
  StepView,
  Window,
  WithoutView,
} from './protocol.ts';
import { summarise } from './summarise.ts';
import { view } from './view.ts';
import { pictureOf, runWithout } from './without.ts';

/** The start of a walk, and the functions that it tells. */
export interface WalkAsked {
  readonly picture: Picture;
  /** Those that the decoder's layers start from. Defaults to the encoder's. */
  readonly latents: Tensor | undefined;
  readonly onStep: (step: StepView) => void;
  /** Called with the encoder's latents, if none are given. */
  readonly onLatents: (latents: Tensor) => void;
}

/**
 * The steps of both halves and the inside of one block, with their maps, for as long as the page
 * shows them.
 */
export class Walks {
  readonly #taesd: Taesd;
  readonly #steps = new Map<string, Step>();
  #abort = new AbortController();
  /** The start of the walk, and its end. */
  #walk: { picture: Picture; latents: Promise<Tensor>; done: Promise<void> } | undefined;
  /** The inside of the block that was asked for last. */
  #inside: Inside | undefined;
  /** All whose work goes on. */
  readonly #insides = new Set<Inside>();
  /** How many requests of the pointer are being answered. */
  #urgent = 0;
  #onQuiet: (() => void)[] = [];

  constructor(taesd: Taesd) {
    this.#taesd = taesd;
  }

  /**
   * Goes through both halves. A later call ends an earlier one.
   *
   * @returns the latents that the decoder's layers started from
   */
  async run({ picture, latents, onStep, onLatents }: WalkAsked): Promise<Tensor> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#steps.clear();
    for (const inside of this.#insides) inside.end();
    this.#inside = undefined;
    const through = async (input: Picture | Tensor, part: Half): Promise<Tensor> => {
      let output: Tensor | undefined;
      for await (const step of this.#taesd.steps(input, { part, signal })) {
        if (signal.aborted) break;
        this.#steps.set(step.name, step);
        onStep(view(step, undefined));
        output = step.output;
      }
      if (output === undefined || signal.aborted) throw new Ended('a newer walk has begun');
      return output;
    };
    const encoded = through(picture, 'encoder');
    const started = encoded.then((made) => {
      if (latents === undefined) onLatents(made);
      return latents ?? made;
    });
    const done = started.then((input) => through(input, 'decoder')).then(() => undefined);
    this.#walk = { picture, latents: started, done };
    await done;
    return started;
  }

  /** Returns the operations inside a block. */
  open(name: string): Promise<readonly StepView[]> {
    return this.#first(async () => {
      const outer = this.#step(name);
      const inside = this.#insideOf(name, true);
      inside.isOpening = true;
      await inside.done;
      const kept = await inside.views();
      if (kept !== undefined) return kept;
      const views: StepView[] = [];
      for await (const step of outer.inner({ signal: inside.signal })) views.push(view(step, name));
      return views;
    });
  }

  /** Computes what is inside a block, so that it is there for a pixel. */
  prepare(name: string): Promise<void> {
    return this.#first(async () => {
      const block = layerOf(name);
      if (hasInside(this.#step(block))) await this.#insideOf(block).done;
    });
  }

  channel(name: string, channel: number): Promise<ChannelView> {
    return this.#first(async () => {
      const { output } = await this.#find(name);
      const [, , height, width] = output.shape;
      const area = height * width;
      const data = output.data.slice(channel * area, (channel + 1) * area);
      return { name, channel, width, height, data, summary: summarise(data) };
    });
  }

  numbers({ name, channel, area, side }: NumbersAsked): Promise<NumbersView> {
    return this.#first(async () => {
      const step = await this.#find(name);
      const { shape, data } = side === 'input' ? step.inputs[0] : step.output;
      const [, , height, width] = shape;
      const [left, top] = [Math.max(area.x, 0), Math.max(area.y, 0)];
      const across = Math.max(Math.min(area.x + area.width, width) - left, 0);
      const down = Math.max(Math.min(area.y + area.height, height) - top, 0);
      const out = new Float32Array(across * down);
      for (let y = 0; y < down; y++) {
        const from = (channel * height + top + y) * width + left;
        out.set(data.subarray(from, from + across), y * across);
      }
      return { area: { x: left, y: top, width: across, height: down }, data: out };
    });
  }

  /** How a number came about, and what of the picture it depends on. */
  pixel(name: string, position: Position): Promise<PixelView> {
    return this.#first(() => this.#pixel(name, position));
  }

  /** Decodes with one block switched off, when the walk has ended and nothing else is asked for. */
  async without(name: string): Promise<WithoutView> {
    const { signal } = this.#abort;
    const walk = this.#walk;
    if (walk === undefined) throw new Outdated('there is no walk yet');
    await walk.done;
    await this.#quiet();
    if (signal.aborted) throw new Ended('a newer walk has begun');
    const block = this.#step(name);
    if (block.layer.kind !== 'block' && block.layer.kind !== 'memBlock') {
      throw new Error(`${name} is no block: it has no skip connection that would be left.`);
    }
    const { picture } = walk;
    const { width, height } = picture;
    const started = performance.now();
    const walked = { picture, latents: await walk.latents, steps: this.#steps };
    const output = await runWithout(this.#taesd, walked, block, {
      signal,
      quiet: () => this.#quiet(),
    });
    if (block.part === 'decoder') {
      const elapsedMs = performance.now() - started;
      return { name, picture: pictureOf(output, width, height), latents: undefined, elapsedMs };
    }
    const decoded = await this.#taesd.decode(output, { width, height, signal });
    const elapsedMs = performance.now() - started;
    return { name, picture: decoded, latents: output, elapsedMs };
  }

  async #pixel(name: string, position: Position): Promise<PixelView> {
    const step = await this.#find(name);
    const { channel, y, x } = position;
    const [, , height, width] = step.shape;
    const kernelValue = step.output.data[(channel * height + y) * width + x];
    const area = { x, y, width: 1, height: 1 };
    const fields = this.#fieldsOf(name, step, area);
    const nextRelu = this.#isBeforeRelu(name) ? Math.max(kernelValue, 0) : undefined;
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
    // One frame of a memory block is the later one; one frame of two convolutions has the first's
    // name.
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
    const outer = this.#step(block);
    const inside = this.#insideOf(block);
    await inside.done;
    const found = inside.kept(name);
    if (found !== undefined) return found;
    if (inside.has(name)) {
      for await (const step of outer.inner({ signal: inside.signal })) {
        if (step.name === name) return step;
      }
    }
    throw new Outdated(`there is no ${name}`);
  }

  /** The steps inside a block that its numbers are the sum of, by their place in it. */
  async #innerSteps(block: string): Promise<(place: string) => Step> {
    const inside = this.#insideOf(block);
    await inside.done;
    return (place) => inside.kept(`${block}.${place}`) as Step;
  }

  /**
   * The inside of a block takes the place of another block's, whose computation is ended.
   */
  #insideOf(block: string, wantsViews = false): Inside {
    const last = this.#inside;
    if (last?.block === block && !last.signal.aborted) return last;
    if (last !== undefined && !last.isOpening) last.end();
    const inside = new Inside(this.#step(block), wantsViews);
    this.#inside = inside;
    this.#insides.add(inside);
    const settled = (hasFailed: boolean) => {
      this.#insides.delete(inside);
      if (hasFailed && this.#inside === inside) this.#inside = undefined;
    };
    inside.done.then(
      () => settled(false),
      () => settled(true),
    );
    return inside;
  }

  /** Answers a request of the pointer, before blocks are switched off. */
  async #first<R>(answer: () => Promise<R>): Promise<R> {
    this.#urgent++;
    try {
      return await answer();
    } finally {
      this.#urgent--;
      if (this.#urgent === 0) for (const go of this.#onQuiet.splice(0)) go();
    }
  }

  /** Lets requests in, and waits until they are answered. */
  async #quiet(): Promise<void> {
    await nextTask();
    while (this.#urgent > 0) await new Promise<void>((resolve) => this.#onQuiet.push(resolve));
  }

  /** Step by step back to the latents and the picture. */
  #fieldsOf(name: string, step: Step, area: Area) {
    const { part } = step;
    const onInput = step.inputArea(area);
    const layer = layerOf(name);
    // Inside a block the operations follow each other; the skip connection sees no more than they
    // do.
    const outer = this.#step(layer);
    const reach = layer === name ? undefined : innerRadius(placeOf(name).place ?? '', outer.layer);
    const reached = (radius: number) => grown(area, radius, outer.inputs[0].shape);
    const isWhole = reach === undefined || outer.layer.kind === 'frameConv';
    const onLayer = isWhole ? outer.inputArea(area) : reached(reach);
    const field = this.#back(part, layer, onLayer);
    const wholeMap = this.#wholeMapBefore(outer, reach);
    if (part === 'encoder') return { onInput, onLatents: undefined, onPicture: field, wholeMap };
    const onPicture = this.#back('encoder', undefined, field);
    return { onInput, onLatents: field, onPicture, wholeMap };
  }

  /**
   * The last layer that needs the map before it whole, up to a step that reaches so far into its
   * block.
   */
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

  /** Whether a ReLU comes right after a step, and reads what it has made. */
  #isBeforeRelu(name: string): boolean {
    const outer = layerOf(name);
    if (outer !== name) return this.#inside?.block === outer && this.#inside.isBeforeRelu(name);
    const { part, index } = this.#step(name);
    return this.#steps.get(`${part}.${index + 1}`)?.layer.kind === 'relu';
  }
}

/**
 * Something was asked for that is gone, or not there yet: a new picture has come. The page asks
 * again when it has it.
 */
class Outdated extends Error {
  readonly code = 'ENDED';
}

const hasPool = (layer: Step['layer']): boolean => layer.kind === 'block' && layer.pool;

/**
 * How far an operation inside a block reaches into the block's input: one for each 3×3 convolution
 * up to it, everywhere where a pool comes before it.
 */
function innerRadius(innerPlace: string, block: Step['layer']): number {
  const [place, n] = innerPlace.split('.');
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

/** A newer request has ended this one. */
class Ended extends Error {
  readonly code = 'ABORTED';
}

const hasInside = ({ layer }: Step): boolean => layer.kind === 'block' || 'from' in layer;
