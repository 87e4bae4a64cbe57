import { expect, test } from 'vitest';
import { latentSpaces, VARIANTS } from '../../src/model/variants.ts';
import { checkVaeScale } from '../../src/weights/vae-scale.ts';
import { expectError } from '../thrown-by.ts';

const NO_TENSORS = { encoder: undefined, decoder: undefined };
const check = (model: keyof typeof VARIANTS, carried: { vaeScale?: number; vaeShift?: number }) =>
  checkVaeScale(VARIANTS[model], { ...NO_TENSORS, ...carried });

/** The numbers of a model's own file: 1 and 0 if its VAE has no single scale. */
function carriedBy(model: keyof typeof VARIANTS) {
  const { fromVae } = VARIANTS[model];
  return 'scale' in fromVae ? fromVae : { scale: 1, shift: 0 };
}

test.each(latentSpaces())(
  'checkVaeScale: %s, its own numbers, rounded to BF16, none → fine',
  (model) => {
    const { scale, shift } = carriedBy(model);
    check(model, {});
    check(model, { vaeScale: scale, vaeShift: shift });
    check(model, { vaeScale: scale * (1 + 2 ** -8), vaeShift: shift * (1 - 2 ** -8) });
  },
);

test('checkVaeScale: both of another model → ARG with both', () => {
  const message =
    '"vae_scale, vae_shift" expected 0.3611 and 0.1159 for model taef1, got 1.5305 and 0.0609 (weights of another model?)';
  expectError(() => check('taef1', { vaeScale: 1.5305, vaeShift: 0.0609 }), 'ARG', message);
});

test('checkVaeScale: one number alone, of another model → ARG with that one', () => {
  const scale =
    '"vae_scale" expected 0.18215 for model taesd, got 0.13025 (weights of another model?)';
  expectError(() => check('taesd', { vaeScale: 0.13025 }), 'ARG', scale);
  const shift = '"vae_shift" expected 0 for model taesd, got 0.0609 (weights of another model?)';
  expectError(() => check('taesd', { vaeShift: 0.0609 }), 'ARG', shift);
});

test.each([4, 16])(
  'checkVaeScale: spaces of %i channels, of one scale each → scales differ by 28 % and more',
  (channels) => {
    const scales = latentSpaces(channels)
      .filter((name) => 'scale' in VARIANTS[name].fromVae)
      .map((name) => carriedBy(name).scale)
      .sort((a, b) => a - b);
    expect(scales).toHaveLength(2);
    for (const [i, scale] of scales.slice(1).entries()) {
      expect(1 - scales[i] / scale).toBeGreaterThan(0.28);
    }
  },
);
