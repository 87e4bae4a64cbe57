import { expect, test } from 'vitest';
import { cut } from '../../src/backend/barriers.ts';
import { planNetwork } from '../../src/backend/plan.ts';
import { WASM_RULES } from '../../src/backend/wasm/plan-rules.ts';
import { productsRule } from '../../src/backend/wasm/products.ts';
import type { Network } from '../../src/model/layers.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import type { Precision } from '../../src/options/types.ts';

/*
 * The convolutions that multiply in 16 bits in `fast`. They decide speed and accuracy: a change
 * here must be meant, and measured on the golden pictures.
 */

const LETTERS = { f32: 'F', i16: 'i', 'i16 but flat': 'f' };

/**
 * The Winograd convolutions of a network in order, a letter each: F in f32, i in 16 bits, f in 16
 * bits but for the flat point. Segments that barriers cut are apart.
 */
async function productsOf(network: Network, precision: Precision): Promise<string> {
  const bound = network.map((layer) => ({ layer, weights: new Map() }));
  const segments = await cut(bound, precision);
  const texts = segments.map((segment) => {
    const layers = segment.network.map(({ layer }) => layer);
    const plan = planNetwork(layers, WASM_RULES);
    const productsOf = productsRule(plan, segment.precision);
    return plan.stages.map((stage) =>
      stage.kind === 'conv' && stage.winograd ? LETTERS[productsOf(stage)] : '',
    );
  });
  return texts.map((letters) => letters.join('')).join(' ');
}

/** Shortens runs of a letter to their length: `F9 i24`. */
const shortened = (letters: string) =>
  letters.replace(/([A-Za-z])\1*/g, (run, letter) => `${letter}${run.length} `).trim();

const EXPECTED = {
  taesd: ['f23 F10', 'F9 i24'],
  taesdxl: ['f23 F10', 'F9 i24'],
  taesd3: ['f23 F11', 'F10 i24'],
  taef1: ['f23 F11', 'F10 i24'],
  'taef1-1.1': ['f23 F11', 'F10 i24'],
  taef2: ['f23 F1  F3  F3  F4', 'F1  F3  F3  F3 i24'],
  taesana: ['f4 F31', 'F30 i24'],
  taeqi2_1: ['f14 F1 f19 F1', 'F1 i9 F1 i9 F1 i14'],
  taew2_1: ['f31 F11', 'F1 i9 F1 i9 F2 i19'],
  nano: ['f11', 'i14'],
  // The encoders are those of their TAESDs.
  'nano-sdxl': ['f23 F10', 'i14'],
  'nano-sd3': ['f23 F11', 'i15'],
  'nano-flux1': ['f23 F11', 'i15'],
};

for (const [name, { networks }] of Object.entries(VARIANTS)) {
  test(`productsRule: ${name}, fast → the convolutions in f32 as listed, the others in 16 bits`, async () => {
    const halves = [networks.encoder, networks.decoder];
    const found = await Promise.all(
      halves.map(async (network) => shortened(await productsOf(network, 'fast'))),
    );
    expect(found).toEqual(EXPECTED[name as keyof typeof EXPECTED]);
  });
}

test('productsRule: nano, f32 → all in f32', async () => {
  const { encoder, decoder } = VARIANTS.nano.networks;
  expect(await productsOf(encoder, 'f32')).toBe('F'.repeat(11));
  expect(await productsOf(decoder, 'f32')).toBe('F'.repeat(14));
});
