import { expect, test } from 'vitest';
import { bindNetwork } from '../../src/model/bind.ts';
import { block, conv3x3, relu } from '../../src/model/layers.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { networkTensors } from '../small-model.ts';

const NETWORK = [conv3x3(3, 8), relu(), block(8, 16)];

const tensorsFor = () => networkTensors(NETWORK, 1);

const bind = (tensors: Map<string, Tensor>) => bindNetwork('encoder', NETWORK, tensors);

test('bindNetwork: all tensors in their shapes → each layer has its own, by inner names', () => {
  const tensors = tensorsFor();
  const bound = bind(tensors);
  expect(bound.map(({ layer }) => layer)).toEqual(NETWORK);
  expect([...bound[0].weights.keys()]).toEqual(['weight', 'bias']);
  expect([...bound[1].weights.keys()]).toEqual([]);
  expect([...bound[2].weights.keys()]).toEqual([
    'conv.0.weight',
    'conv.0.bias',
    'conv.2.weight',
    'conv.2.bias',
    'conv.4.weight',
    'conv.4.bias',
    'skip.weight',
  ]);
  expect(bound[2].weights.get('skip.weight')).toBe(tensors.get('2.skip.weight'));
});

test('bindNetwork: one missing, one misshapen, one too many → SHAPE listing all three', () => {
  const tensors = tensorsFor();
  tensors.delete('0.bias');
  tensors.set('2.conv.0.weight', randomTensor(seededRandom(2), [16, 4, 3, 3]));
  tensors.set('7.weight', randomTensor(seededRandom(2), [1]));
  expect(() => bind(tensors)).toThrow(
    expect.objectContaining({
      code: 'SHAPE',
      message:
        '"encoder 0.bias" expected shape [8], got no such tensor; ' +
        '"encoder 2.conv.0.weight" expected shape [16,8,3,3], got [16,4,3,3]; ' +
        '"encoder 7.weight" expected no such tensor, got shape [1]',
    }),
  );
  expect(bind(tensorsFor()).length).toBe(3);
});

test('bindNetwork: nothing there → SHAPE listing eight and counting the rest', () => {
  expect(() => bind(new Map())).toThrow(/"encoder 2\.conv\.4\.bias" expected .*; and 1 more$/);
});

test('bindNetwork: a tensor of size 0 or rank 0 → SHAPE', () => {
  const tensors = tensorsFor();
  tensors.set('0.weight', { shape: [0, 3, 3, 3], data: new Float32Array(0) });
  tensors.set('0.bias', { shape: [], data: Float32Array.of(1) });
  expect(() => bind(tensors)).toThrow(
    expect.objectContaining({
      code: 'SHAPE',
      message:
        '"encoder 0.weight" expected shape [8,3,3,3], got [0,3,3,3]; ' +
        '"encoder 0.bias" expected shape [8], got []',
    }),
  );
});

for (const value of [NaN, Infinity, -Infinity]) {
  test(`bindNetwork: a weight of ${value} → NONFINITE naming tensor and element`, () => {
    const tensors = tensorsFor();
    tensors.get('2.conv.2.weight')?.data.set([value], 17);
    expect(() => bind(tensors)).toThrow(
      expect.objectContaining({
        code: 'NONFINITE',
        message: `"encoder 2.conv.2.weight" expected finite numbers, got ${value} at element 17 (a damaged file?)`,
      }),
    );
  });
}
