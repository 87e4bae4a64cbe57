import { expected } from '../errors.ts';
import type { Variant } from '../model/variants.ts';
import type { ModelTensors } from './key-names.ts';

/** As BF16 a number is off by up to 0.4 %; the models' scales differ by 28 % and more. */
const TOLERANCE = 0.01;

/**
 * ComfyUI's combined files carry scale and shift: a second sign of the model beside the shapes.
 *
 * @throws TaesdError ARG where what the file carries is not the model's
 */
export function checkVaeScale(
  { name, scale, shift }: Variant,
  { vaeScale, vaeShift }: ModelTensors,
): void {
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

/** A shift of 0 has no per cents; it is as good as 0 up to 0.0001. */
const isNear = (rule: number, got = rule): boolean =>
  Math.abs(got - rule) <= TOLERANCE * Math.max(rule, TOLERANCE);
