import type { Backend, Program } from './backend/backend.ts';
import { drive, type Progress } from './backend/drive.ts';
import { referenceBackend } from './backend/reference.ts';
import { createWasmBackend, type KernelSource } from './backend/wasm/index.ts';
import { expected } from './errors.ts';
import {
  type AlphaOptions,
  checkSize,
  crop,
  type ImageLike,
  imageToTensor,
  type Picture,
  tensorToPicture,
} from './image.ts';
import { bindNetwork } from './model/bind.ts';
import type { Network } from './model/layers.ts';
import { type Chw, describeNetwork } from './model/measure.ts';
import {
  checkLatentChannels,
  LATENT_SCALE,
  type ModelName,
  modelNames,
  networkOf,
  type Part,
  type Variant,
  variantNamed,
} from './model/variants.ts';
import {
  checkTensor4d,
  describe,
  firstNonFinite,
  picturesOf,
  shapeText,
  stack,
  type Tensor,
} from './tensor.ts';
import type { ModelTensors } from './weights/key-names.ts';
import { locateWeights, type WeightSource } from './weights/locate.ts';

/** What `Taesd.load` takes. */
export interface LoadOptions {
  /** Which diffusion model's latents are spoken; `taesd` (Stable Diffusion 1 and 2) unless said. */
  readonly model?: ModelName | undefined;
  /** A folder, a URL, or bytes; unless said, the folder that the environment variable TAESD_WEIGHTS names. */
  readonly weights?: WeightSource | undefined;
  /** `wasm` unless said; `reference` is plain loops, slow, to compare with. */
  readonly backend?: 'wasm' | 'reference' | undefined;
  /** Load this half alone; both unless said. */
  readonly only?: Part | undefined;
  /** The kernels (`taesd-wasm/taesd.wasm`), compiled or as bytes, where the package's file cannot be loaded. */
  readonly wasm?: KernelSource | undefined;
  /** The most bytes that the kernels' memory, weights included, may grow to; 4 GiB unless said. */
  readonly maxMemory?: number | undefined;
}

/** What encoding and decoding have in common. */
export interface RunOptions {
  /** Called some 80 times a second at most while the work goes on, and once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Let NaN and infinity in the input pass into the network instead of refusing them. */
  readonly allowNonFinite?: boolean | undefined;
}

/** What `encode` takes beside the picture. */
export type EncodeOptions = RunOptions & AlphaOptions;

/** What `decode` takes beside the latents. */
export interface DecodeOptions extends RunOptions {
  /** The picture's true size, where the latent was rounded up: the rest is cropped. 8 times the latent unless said. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** `image` (default): one picture. `images`: one for each latent of the batch. `tensor`: f32, not clamped. */
  readonly output?: 'image' | 'images' | 'tensor' | undefined;
}

/** What `taesd.info` tells. */
export interface Info {
  readonly model: ModelName;
  readonly backend: 'wasm' | 'reference';
  /** The halves that are loaded. */
  readonly parts: readonly Part[];
}

/** A half of the model, ready to run. */
interface Half {
  readonly network: Network;
  readonly program: Program;
}

const BOTH: readonly Part[] = ['encoder', 'decoder'];

/**
 * TAESD: pictures to latents and back.
 *
 * Calls may overlap: each waits for its turn and works on the input as it was when it was called. The event loop
 * gets a turn every few milliseconds. After an error the instance works on.
 */
export class Taesd {
  readonly info: Info;
  readonly #variant: Variant;
  readonly #halves: ReadonlyMap<Part, Half>;
  readonly #backend: Backend;
  /** Settled when the last call that was made is done. */
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(variant: Variant, backend: Backend, halves: ReadonlyMap<Part, Half>) {
    this.#variant = variant;
    this.#backend = backend;
    this.#halves = halves;
    this.info = { model: variant.name, backend: backend.name, parts: [...halves.keys()] };
  }

  /**
   * Reads the weights, checks them against the model's layers, and makes the networks ready.
   *
   * @throws TaesdError ARG (an unknown option, files not found), FORMAT, TRUNCATED, LIMIT, UNSUPPORTED (weights
   *   that cannot be read, a runtime without WASM SIMD), SHAPE (weights of another model, every fault listed),
   *   NONFINITE (damaged weights), OOM
   */
  static async load(options: LoadOptions = {}): Promise<Taesd> {
    const where = 'Taesd.load';
    const { backend = 'wasm', only, wasm, maxMemory } = options;
    const variant = variantNamed(where, options.model ?? 'taesd');
    if (backend !== 'wasm' && backend !== 'reference') {
      throw expected('ARG', where, 'backend', "'wasm' or 'reference'", describe(backend));
    }
    if (only !== undefined && !BOTH.includes(only)) {
      throw expected('ARG', where, 'only', "'encoder' or 'decoder'", describe(only));
    }
    if (maxMemory !== undefined && !(Number.isFinite(maxMemory) && maxMemory > 0)) {
      throw expected('ARG', where, 'maxMemory', 'a number of bytes', describe(maxMemory));
    }
    const parts = only === undefined ? BOTH : [only];
    const tensors = await locateWeights(where, variant, options.weights, parts);
    checkVaeScale(where, variant, tensors);
    const place =
      backend === 'wasm' ? await createWasmBackend({ kernels: wasm, maxMemory }) : referenceBackend;
    const halves = new Map<Part, Half>();
    for (const part of parts) {
      const network = networkOf(variant, part);
      const weights = tensors[part];
      if (weights === undefined) continue;
      const hint = (name: string, shape: readonly number[]) => otherModel(part, name, shape);
      const bound = bindNetwork(where, part, network, weights, hint);
      halves.set(part, { network, program: place.compile(bound) });
    }
    return new Taesd(variant, place, halves);
  }

  /**
   * Pictures → latents, in the space that diffusion works in (scale 1; see `toVaeLatents`).
   *
   * @param image  `{ width, height, data }` with RGB or RGBA bytes, such as ImageData, or a tensor
   *   [N, 3, H, W] with values in [0, 1]; any size from 1×1
   * @returns f32 [N, C, ⌈H/8⌉, ⌈W/8⌉], values mostly in [−3, 3]
   * @throws TaesdError ARG (not a picture, a wrong option, no encoder loaded, disposed), SHAPE, NONFINITE (a
   *   tensor with NaN or infinity), LIMIT, OOM
   */
  async encode(image: ImageLike | Tensor, options: EncodeOptions = {}): Promise<Tensor> {
    const where = 'encode';
    const half = this.#half(where, 'encoder');
    const tensor = isTensorLike(image)
      ? snapshot(where, 'image', image, options)
      : imageToTensor(where, image, options);
    if (tensor.shape[1] !== 3) {
      const rule = 'shape [N,3,H,W], values in [0,1]';
      throw expected('SHAPE', where, 'image', rule, shapeText(tensor.shape));
    }
    return this.#run(where, half, tensor, options);
  }

  /**
   * Latents → pictures. The network clamps nothing at its end: bytes are clamped and rounded to the nearest, while
   * `output: 'tensor'` gives the raw values.
   *
   * @param latents  f32 [N, C, h, w] with the model's channels, any size from 1×1; not written to
   * @returns the picture (RGBA, alpha 255); with `output: 'images'` one for each of the batch; with
   *   `output: 'tensor'` f32 [N, 3, H, W]
   * @throws TaesdError ARG (not a tensor, a wrong option, no decoder loaded, disposed), SHAPE (another model's
   *   latents, a batch where one picture is asked for), NONFINITE, LIMIT, OOM
   */
  async decode(latents: Tensor, options: DecodeOptions & { output: 'tensor' }): Promise<Tensor>;
  async decode(latents: Tensor, options: DecodeOptions & { output: 'images' }): Promise<Picture[]>;
  async decode(latents: Tensor, options?: DecodeOptions & { output?: 'image' }): Promise<Picture>;
  async decode(
    latents: Tensor,
    options: DecodeOptions = {},
  ): Promise<Tensor | Picture | Picture[]> {
    const where = 'decode';
    const half = this.#half(where, 'decoder');
    const { output = 'image' } = options;
    if (!['image', 'images', 'tensor'].includes(output)) {
      throw expected('ARG', where, 'output', "'image', 'images' or 'tensor'", describe(output));
    }
    const tensor = snapshot(where, 'latents', latents, options);
    checkLatentChannels(where, tensor, this.#variant);
    const [batch, , latentHeight, latentWidth] = tensor.shape;
    if (output === 'image' && batch !== 1) {
      const hint = "output: 'images' gives one picture for each";
      throw expected('SHAPE', where, 'latents', 'a batch of 1', shapeText(tensor.shape), hint);
    }
    const height = croppedSize(where, 'height', options.height, latentHeight);
    const width = croppedSize(where, 'width', options.width, latentWidth);
    const decoded = crop(await this.#run(where, half, tensor, options), height, width);
    if (output === 'tensor') return decoded;
    const pictures = picturesOf(decoded).map(tensorToPicture);
    return output === 'image' ? pictures[0] : pictures;
  }

  /** Gives the memory back. Calls that wait, and later ones, fail with ARG; calling it twice is fine. */
  dispose(): void {
    this.#disposed = true;
    this.#backend.dispose();
  }

  /** The half that does the work, if it was loaded and not disposed. */
  #half(where: string, part: Part): Half {
    this.#checkAlive(where);
    const half = this.#halves.get(part);
    if (half === undefined) {
      const rule = `an instance with its ${part}`;
      const got = `one with the ${this.info.parts.join(' and ')} alone`;
      throw expected('ARG', where, part, rule, got, `load the weights of the ${part} too`);
    }
    return half;
  }

  #checkAlive(where: string): void {
    if (this.#disposed) {
      throw expected('ARG', where, 'instance', 'a live one', 'one that was disposed');
    }
  }

  /** Runs a batch picture by picture, after the calls that were made before. */
  #run(where: string, half: Half, input: Tensor, options: RunOptions): Promise<Tensor> {
    const [batch, ...chw] = input.shape;
    const rows = describeNetwork(half.network, chw as unknown as Chw);
    const total = batch * rows.reduce((sum, row) => sum + row.multiplyAdds, 0);
    const work = async () => {
      this.#checkAlive(where);
      return drive(runBatch(half.program, input), total, options.onProgress);
    };
    const result = this.#queue.then(work);
    // The queue goes on after a call that failed; its own caller gets the error.
    this.#queue = result.then(nothing, nothing);
    return result;
  }
}

const nothing = () => undefined;

function* runBatch(program: Program, input: Tensor): Generator<number, Tensor, void> {
  const outputs: Tensor[] = [];
  for (const picture of picturesOf(input)) outputs.push(yield* program.run(picture));
  return stack(outputs);
}

const isTensorLike = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'shape' in value;

/** A checked tensor's copy, which the caller can no longer change. */
function snapshot(where: string, what: string, value: Tensor, options: RunOptions): Tensor {
  const { shape, data } = checkTensor4d(where, what, value);
  if (options.allowNonFinite !== true) {
    const index = firstNonFinite(data);
    if (index >= 0) {
      const got = `${data[index]} at element ${index}`;
      const hint = 'allowNonFinite: true lets it pass';
      throw expected('NONFINITE', where, what, 'finite numbers', got, hint);
    }
  }
  return { shape: [...shape], data: data.slice() };
}

/** The size to crop to: one that rounds up to the latent's, or 8 times the latent. */
function croppedSize(where: string, what: string, size: number | undefined, latent: number) {
  const most = latent * LATENT_SCALE;
  if (size === undefined) return most;
  const least = most - LATENT_SCALE + 1;
  if (checkSize(where, what, size) < least || size > most) {
    const rule = `${least} to ${most}, which a latent of ${latent} stands for`;
    throw expected('ARG', where, what, rule, `${size}`);
  }
  return size;
}

/** The likely cause of a misshapen tensor: where the latent's channels are those of another model, its name. */
function otherModel(part: Part, name: string, shape: readonly number[]): string | undefined {
  const channels =
    part === 'encoder' && name === '14.weight'
      ? shape[0]
      : part === 'decoder' && name === '1.weight'
        ? shape[1]
        : undefined;
  const models = channels === undefined ? [] : modelNames(channels);
  return models.length > 0 ? `weights of ${models.join(' or ')}?` : undefined;
}

/** ComfyUI's combined files carry scale and shift: a second sign of the model beside the shapes. */
function checkVaeScale(where: string, variant: Variant, { vaeScale, vaeShift }: ModelTensors) {
  // As BF16 a number is off by up to 0.4 %; the models' scales differ by 30 % and more.
  const differs = (got: number | undefined, rule: number) =>
    got !== undefined && Math.abs(got - rule) > 0.01 * Math.max(rule, 0.01);
  if (differs(vaeScale, variant.scale) || differs(vaeShift, variant.shift)) {
    const rule = `${variant.scale} and ${variant.shift} for model ${variant.name}`;
    const got = `${vaeScale} and ${vaeShift}`;
    throw expected('ARG', where, 'vae_scale, vae_shift', rule, got, 'weights of another model?');
  }
}
