import { beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { referenceBackend } from '../../src/backend/reference.ts';
import { createWasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import {
  block,
  clamp,
  conv3x3,
  type Network,
  pixelShuffle,
  relu,
  upsample2x,
} from '../../src/model/layers.ts';
import { smallerDecoder } from '../../src/model/smaller.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import type { Tensor } from '../../src/tensor.ts';
import { expectClose } from '../compare.ts';
import { randomInput, randomNetwork } from '../conformance/random-networks.ts';
import { runNetwork } from '../run-program.ts';
import { meansOf } from '../squares.ts';

/*
 * The networks of smaller pictures. Where they are exact, the oracle is the whole network's output,
 * of which each square becomes its mean.
 */

const PARTS = [1 / 2, 1 / 4, 1 / 8];
const [FIRST, UP, LAST, SHUFFLE] = [conv3x3(4, 4), upsample2x(), conv3x3(4, 3), pixelShuffle(4)];

/** Networks whose smaller forms are exact, and the parts for which they are. */
const EXACT: readonly [name: string, network: Network, parts: readonly number[]][] = [
  ['an upsampling and a convolution', [FIRST, relu(), UP, LAST], [1 / 2]],
  ['two upsamplings and a convolution', [FIRST, clamp(), UP, UP, LAST], [1 / 4]],
  ['three upsamplings and a convolution', [FIRST, UP, UP, UP, LAST], [1 / 8]],
  ['a shuffle of 16 pixels', [FIRST, conv3x3(4, 48), SHUFFLE], [1 / 2, 1 / 4]],
  ['a shuffle behind another', [conv3x3(4, 16), pixelShuffle(2), conv3x3(4, 48), SHUFFLE], PARTS],
  ['a shuffle with alpha', [FIRST, relu(), conv3x3(4, 16), pixelShuffle(2)], [1 / 2]],
];

describe('smallerDecoder', () => {
  let backends: Backend[];
  beforeAll(async () => {
    backends = [referenceBackend, await createWasmBackend()];
  });

  for (const [name, network, parts] of EXACT) {
    test(`${name} → the mean of each square, also at the edges`, async () => {
      const bound = randomNetwork(network, 7);
      const input = randomInput(network, 3, 5);
      const whole = await runNetwork(referenceBackend, bound, input);
      for (const part of parts) {
        const wanted = meansOf(whole, 1 / part);
        for (const backend of backends) {
          const got = await runNetwork(backend, smallerDecoder(bound, part), input);
          expectClose(got, wanted, 1e-5);
        }
      }
    });
  }

  test('every model, at each part → an output of that size', () => {
    for (const { name, networks } of Object.values(VARIANTS)) {
      const bound = networks.decoder.map((layer) => ({ layer, weights: new Map() }));
      for (const part of PARTS) {
        const smaller = smallerDecoder(bound, part);
        const kinds = smaller.map(({ layer }) => layer.kind);
        const ups = kinds.filter((kind) => kind === 'upsample2x').length;
        const factor = smaller.reduce((times, { layer }) => {
          if (layer.kind === 'pixelShuffle') return times * layer.factor;
          return layer.kind === 'pixelUnshuffle' ? times / layer.factor : times;
        }, 2 ** ups);
        expect([name, part, factor]).toEqual([name, part, VARIANTS[name].downscale * part]);
      }
    }
  });

  test('a layer behind an upsampling left out → only its 3×3 weights read closer pixels; the given ones stay as they are', () => {
    const network = [UP, block(2, 3)];
    const bound = randomNetwork(network, 3);
    const old = bound[1].weights;
    const before = [...old.values()].map(({ data }) => data.slice());
    const [{ weights }] = smallerDecoder(bound, 1 / 2);
    expect([...old.values()].map(({ data }) => data)).toEqual(before);
    expect([...weights.keys()]).toEqual([...old.keys()]);
    for (const [name, { shape, data }] of weights) {
      const from = old.get(name) as Tensor;
      if (shape[3] !== 3) {
        expect(data).toEqual(from.data);
        continue;
      }
      // The sum of a kernel stays: a flat map gives what it gave.
      for (let first = 0; first < data.length; first += 9) {
        const [sum, sumBefore] = [data, from.data].map((all) =>
          all.subarray(first, first + 9).reduce((a, b) => a + b, 0),
        );
        expect(Math.abs(sum - sumBefore)).toBeLessThan(1e-6);
        expect(data[first]).toBe(from.data[first] / 4);
      }
    }
  });
});
