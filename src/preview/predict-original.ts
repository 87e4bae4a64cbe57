import { hasOwn } from '../builtins/newer.ts';
import { isPromise } from '../builtins/tags.ts';
import { checkNames, describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { shapeText, type Tensor } from '../tensor.ts';
import { copyWhole, shapeOf } from '../tensor-like/copy-whole.ts';
import { reading } from '../tensor-like/read-tensor.ts';
import type { TensorLike } from '../tensor-like/types.ts';

/** The model's kind of prediction, its sample's part of noise, and its velocity's direction. */
export interface PredictionOptions {
  /**
   * The quantity the model was trained to predict: the noise, Salimans and Ho's velocity v, the
   * latents themselves, or the velocity of a flow.
   */
  readonly prediction: 'epsilon' | 'v' | 'sample' | 'flow';
  /**
   * The part of the sample's variance that is the picture's, in a variance-preserving schedule:
   * `alphas_cumprod[timestep]` in diffusers. From 0 to 1, and above 0 for `epsilon`. Exactly one of
   * `alphaCumprod` and `sigma` is given.
   */
  readonly alphaCumprod?: number | undefined;
  /** The noise's standard deviation in k-diffusion, at least 0; a flow's part of noise, 0 … 1. */
  readonly sigma?: number | undefined;
  /** −1 for models whose velocity points from the noise to the picture. Defaults to 1. */
  readonly sign?: 1 | -1 | undefined;
}

/** A step of a diffusion loop: the model's output, and what `predictOriginal` takes beside it. */
export interface PredictionStep extends PredictionOptions {
  /** The model's output for the sample, after guidance, of the sample's shape. */
  readonly output: TensorLike;
  /** Any number, passed to `onFrame` with the picture. */
  readonly step?: number | undefined;
}

/**
 * Predicts the latents x₀ that a diffusion model believes its noisy sample x to hold.
 *
 * With o for the model's output, ᾱ for `alphaCumprod` and σ for `sigma`:
 *
 * | prediction | alphaCumprod: x = √ᾱ·x₀ + √(1−ᾱ)·ε | sigma: x = x₀ + σ·ε           |
 * | ---------- | ----------------------------------- | ----------------------------- |
 * | epsilon    | (x − √(1−ᾱ)·o) / √ᾱ, not for ᾱ = 0  | x − σ·o                       |
 * | v          | √ᾱ·x − √(1−ᾱ)·o                     | x / (σ²+1) − σ / √(σ²+1) · o  |
 * | sample     | o                                   | o                             |
 * | flow       | impossible: ARG                     | x − σ·o, of x = (1−σ)·x₀ + σ·ε |
 *
 * A sample with `sigma` is the one the sampler keeps, before its division by √(σ²+1) for the model
 * (`scale_model_input` in diffusers). The divided one goes with `alphaCumprod: 1 / (σ² + 1)`.
 *
 * The velocities are v = √ᾱ·ε − √(1−ᾱ)·x₀ and, of a flow, ε − x₀: both point to the noise. With
 * `sign: -1` the output is their opposite, as Lumina-Image 2.0 and Z-Image compute it. Their time
 * runs from noise to picture, so `sigma` is 1 − t.
 *
 * The numbers of both tensors are taken as f32. Each result is computed in f64 and rounded once.
 * NaN and infinity pass; `decode` refuses them.
 *
 * Sources: Ho et al. 2020, eq. 15 (arXiv 2006.11239); Salimans and Ho 2022, appendix D (arXiv
 * 2202.00512); Karras et al. 2022 (arXiv 2206.00364) with k-diffusion's `VDenoiser`; Liu et al.
 * 2022 (arXiv 2209.03003); Lin et al. 2023 for ᾱ = 0 (arXiv 2305.08891).
 *
 * @param sample  the sampler's latents of this step, of any shape; not written to
 * @param output  the model's output for them, after guidance, of that shape; not written to
 * @returns f32 of the sample's shape; a promise if either tensor has to be read from a GPU
 * @throws TaesdError ARG (not a tensor, wrong option, an impossible cell of the table), SHAPE (the
 *   shapes differ, the wrong count of numbers)
 */
export function predictOriginal(sample: Tensor, output: Tensor, options: PredictionOptions): Tensor;
export function predictOriginal(
  sample: TensorLike,
  output: TensorLike,
  options: PredictionOptions,
): Tensor | Promise<Tensor>;
export function predictOriginal(
  sample: TensorLike,
  output: TensorLike,
  options: PredictionOptions,
): Tensor | Promise<Tensor> {
  return inCall('predictOriginal', () => {
    checkNames(options, NAMES, 'an object { prediction, … }');
    return mixed(sample, output, mixOf(options));
  });
}

/** `predictOriginal` for a step that the previewer takes. */
export function predictedStep(sample: TensorLike, step: PredictionStep): Tensor | Promise<Tensor> {
  checkNames(step, ['output', 'step', ...NAMES]);
  if (step.output === undefined) {
    const hint = 'push(latents, 3) shows the latents themselves';
    throw expected('ARG', 'output', "the model's output for the sample", 'none', { hint });
  }
  return mixed(sample, step.output, mixOf(step));
}

const NAMES = Object.keys({
  prediction: true,
  alphaCumprod: true,
  sigma: true,
  sign: true,
} satisfies Record<keyof PredictionOptions, true>);

/** The factors of sample and output. Every cell of the table is their sum. */
type Mix = readonly [sample: number, output: number];

interface Cells {
  /** The factors for ᾱ; undefined if the cell is impossible. */
  readonly alphaCumprod?: (alpha: number) => Mix;
  readonly sigma: (sigma: number) => Mix;
  readonly isVelocity?: boolean;
}

/** The table of {@link predictOriginal}. */
const TABLE: Readonly<Record<PredictionOptions['prediction'], Cells>> = {
  epsilon: {
    alphaCumprod: (alpha) => [1 / Math.sqrt(alpha), -Math.sqrt((1 - alpha) / alpha)],
    sigma: (sigma) => [1, -sigma],
  },
  v: {
    alphaCumprod: (alpha) => [Math.sqrt(alpha), -Math.sqrt(1 - alpha)],
    sigma: (sigma) => {
      // `hypot` does not overflow where σ² would.
      const root = Math.hypot(sigma, 1);
      return [1 / root / root, -sigma / root];
    },
    isVelocity: true,
  },
  sample: { alphaCumprod: () => [0, 1], sigma: () => [0, 1] },
  flow: { sigma: (sigma) => [1, -sigma], isVelocity: true },
};

function mixOf({ prediction, alphaCumprod, sigma, sign = 1 }: PredictionOptions): Mix {
  if (typeof prediction !== 'string' || !hasOwn(TABLE, prediction))
    throw wrongPrediction(prediction);
  const cells = TABLE[prediction];
  checkSign(sign, prediction, cells);
  if ((alphaCumprod === undefined) === (sigma === undefined)) {
    const got = sigma === undefined ? 'neither' : 'both';
    throw expected('ARG', 'alphaCumprod, sigma', 'exactly one of the two', got);
  }
  const [ofSample, ofOutput] =
    alphaCumprod === undefined
      ? cells.sigma(checkSigma(sigma, prediction))
      : preserving(cells, prediction, alphaCumprod)(checkAlpha(alphaCumprod, prediction));
  return [ofSample, ofOutput * sign];
}

/** Returns the cell for ᾱ. @throws TaesdError ARG (an impossible cell) */
function preserving(
  { alphaCumprod: cell }: Cells,
  name: string,
  alpha: unknown,
): (alpha: number) => Mix {
  if (cell !== undefined) return cell;
  const hint = 'a flow has no alphaCumprod: give its sigma, 0 … 1';
  const rule = `no value for prediction '${name}'`;
  throw expected('ARG', 'alphaCumprod', rule, describe(alpha), { hint });
}

function wrongPrediction(prediction: unknown) {
  const [, known] = /^(v|flow)_prediction$/.exec(`${describe(prediction)}`.slice(1, -1)) ?? [];
  const hint = known && `write '${known}'`;
  const rule = "'epsilon', 'v', 'sample' or 'flow'";
  return expected('ARG', 'prediction', rule, describe(prediction), { hint });
}

function checkSign(sign: unknown, prediction: string, { isVelocity = false }: Cells): void {
  if (sign === 1 || (sign === -1 && isVelocity)) return;
  if (sign !== -1) throw expected('ARG', 'sign', '1 or -1', describe(sign));
  const hint = "only the velocities 'v' and 'flow' have a direction";
  throw expected('ARG', 'sign', `1 for prediction '${prediction}'`, '-1', { hint });
}

function checkSigma(sigma: unknown, prediction: string): number {
  const isFlow = prediction === 'flow';
  const max = isFlow ? 1 : Number.MAX_VALUE;
  if (typeof sigma === 'number' && sigma >= 0 && sigma <= max) return sigma;
  const rule = isFlow
    ? "a number from 0 to 1 for prediction 'flow'"
    : 'a finite number, at least 0';
  const isTime = isFlow && typeof sigma === 'number' && sigma > 1 && sigma <= 1000;
  const hint = isTime ? 'a timestep up to 1000? divide it by 1000' : undefined;
  throw expected('ARG', 'sigma', rule, describe(sigma), { hint });
}

function checkAlpha(alpha: unknown, prediction: string): number {
  const isNumber = typeof alpha === 'number' && alpha >= 0 && alpha <= 1;
  // Pure noise holds no picture, so its noise does not reveal one. A velocity of it does.
  if (isNumber && (alpha > 0 || prediction !== 'epsilon')) return alpha;
  const rule =
    prediction === 'epsilon'
      ? "a number above 0, up to 1, for prediction 'epsilon'"
      : 'a number from 0 to 1';
  const isTime = typeof alpha === 'number' && alpha > 1;
  const hint = isTime ? 'alphas_cumprod at the timestep, not the timestep' : undefined;
  throw expected('ARG', 'alphaCumprod', rule, describe(alpha), { hint });
}

function mixed(sample: TensorLike, output: TensorLike, mix: Mix): Tensor | Promise<Tensor> {
  checkSameShape(shapeOf('sample', sample), shapeOf('output', output));
  const layouts = [sample, output].map((tensor, i) =>
    reading(i === 0 ? 'sample' : 'output', () => tensor.layout),
  );
  if (layouts[0] !== layouts[1]) {
    const rule = `the sample's layout ${describe(layouts[0])}`;
    throw expected('ARG', 'output layout', rule, describe(layouts[1]));
  }
  const x = copyWhole('sample', sample);
  // If the output cannot be read, an error of the sample's promise has no other handler.
  if (isPromise(x)) x.catch(() => {});
  const o = copyWhole('output', output);
  if (isPromise(x) || isPromise(o)) {
    return Promise.all([x, o]).then(([read, predicted]) => mixInto(read, predicted, mix));
  }
  return mixInto(x, o, mix);
}

function checkSameShape(sample: readonly number[], output: readonly number[]): void {
  const [wanted, got] = [shapeText(sample), shapeText(output)];
  if (wanted === got) return;
  const hint = output[0] === 2 * sample[0] ? 'give it after guidance' : undefined;
  throw expected('SHAPE', 'output', `the sample's shape ${wanted}`, got, { hint });
}

/** Overwrites the sample, which is a copy. */
function mixInto(sample: Tensor, { data: o }: Tensor, [ofSample, ofOutput]: Mix): Tensor {
  const x = sample.data;
  // A sample with factor 0 must not spoil the output: NaN times 0 is NaN.
  if (ofSample === 0) x.fill(0);
  for (let i = 0; i < x.length; i++) x[i] = ofSample * x[i] + ofOutput * o[i];
  return sample;
}
