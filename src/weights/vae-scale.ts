import { expected } from '../errors.ts';
import type { Variant } from '../model/variants.ts';
import type { ModelTensors } from './weight-file.ts';

/**
 * The relative tolerance. BF16 rounds by up to 0.4 %. The scales of models whose shapes are equal
 * differ by 28 % and more.
 */
const TOLERANCE = 0.01;

/**
 * Checks the scale and shift in ComfyUI's combined files, which identify the model beside its
 * shapes. For a model whose VAE has no single scale they are 1 and 0, which change nothing.
 *
 * @throws TaesdError ARG (numbers of another model)
 */
export function checkVaeScale(
  { name, fromVae }: Variant,
  { vaeScale, vaeShift }: ModelTensors,
): void {
  const { scale, shift } = 'scale' in fromVae ? fromVae : { scale: 1, shift: 0 };
  const carried = [
    { what: 'vae_scale', rule: scale, got: vaeScale },
    { what: 'vae_shift', rule: shift, got: vaeShift },
  ].filter(({ got }) => got !== undefined);
  if (carried.every(({ rule, got }) => isNear(rule, got))) return;
  const what = carried.map((one) => one.what).join(', ');
  const rule = `${carried.map((one) => one.rule).join(' and ')} for model ${name}`;
  const got = carried.map((one) => one.got).join(' and ');
  throw expected('ARG', what, rule, got, { hint: 'weights of another model?' });
}

/** Compares with the relative tolerance. A shift of 0 is compared absolutely (0.0001). */
const isNear = (rule: number, got = rule): boolean =>
  Math.abs(got - rule) <= TOLERANCE * Math.max(rule, TOLERANCE);
