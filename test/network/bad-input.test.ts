import { describe, expect, test } from 'vitest';
import { conv3x3, loadNetwork, relu, runNetwork } from '../../src/network/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { networkTensors } from '../small-model.ts';

/*
 * Layers, weights, tensors and options that are refused: the code and the sentence of each.
 */

const LAYERS = [conv3x3(3, 4), relu(), conv3x3(4, 2)];
const WEIGHTS = networkTensors(LAYERS, 1);
const TENSOR = { shape: [1, 3, 2, 2], data: new Float32Array(12) };
const conv = { kind: 'conv', cin: 3, cout: 4, kernel: 3, stride: 1, bias: true };
const shuffle = (factor: unknown) => ({ kind: 'pixelShuffle', factor });
const unshuffle = (factor: unknown) => ({ kind: 'pixelUnshuffle', factor });

const KINDS = 'one of conv, relu, block, upsample2x, clamp, pixelShuffle, pixelUnshuffle';

const BAD_LAYERS: readonly [layers: unknown, code: string, sentence: string][] = [
  [undefined, 'ARG', '"layers" expected a list of 1 to 1024 layers, got undefined'],
  ['conv', 'ARG', '"layers" expected a list of 1 to 1024 layers, got "conv"'],
  [{ 0: conv }, 'ARG', '"layers" expected a list of 1 to 1024 layers, got { 0 }'],
  [[], 'ARG', '"layers" expected a list of 1 to 1024 layers, got 0'],
  [Array(1025).fill(conv), 'ARG', '"layers" expected a list of 1 to 1024 layers, got 1025'],
  [[conv, null], 'ARG', '"layer 1" expected an object such as { kind, … }, got null'],
  [Array(2), 'ARG', '"layer 0" expected an object such as { kind, … }, got undefined'],
  [['relu'], 'ARG', '"layer 0" expected an object such as { kind, … }, got "relu"'],
  [[conv, {}], 'ARG', `"layer 1 kind" expected ${KINDS}, got undefined`],
  [[{ kind: 'Conv2d' }], 'ARG', `"layer 0 kind" expected ${KINDS}, got "Conv2d"`],
  [[{ kind: 'constructor' }], 'ARG', `"layer 0 kind" expected ${KINDS}, got "constructor"`],
  [
    [{ kind: 'groupNorm', groups: 1, channels: 3, epsilon: 1e-5 }],
    'ARG',
    `"layer 0 kind" expected ${KINDS}, got "groupNorm"`,
  ],
  [
    [conv, { kind: 'memBlock', channels: 4, from: 2, to: 2 }],
    'ARG',
    `"layer 1 kind" expected ${KINDS}, got "memBlock" (layers of videos run as parts of their model alone)`,
  ],
  [[{ ...conv, kernel: 5 }], 'ARG', '"layer 0 kernel" expected 1 or 3, got 5'],
  [[{ ...conv, kernel: [3, 3] }], 'ARG', '"layer 0 kernel" expected 1 or 3, got { 0, 1 }'],
  [[conv, { ...conv, cin: 4, stride: 3 }], 'ARG', '"layer 1 stride" expected 1 or 2, got 3'],
  [[{ ...conv, stride: '2' }], 'ARG', '"layer 0 stride" expected 1 or 2, got "2"'],
  [[{ ...conv, bias: null }], 'ARG', '"layer 0 bias" expected true or false, got null'],
  [[{ ...conv, cin: 0 }], 'ARG', '"layer 0 cin" expected a whole number from 1 to 65536, got 0'],
  [
    [{ ...conv, cout: 1.5 }],
    'ARG',
    '"layer 0 cout" expected a whole number from 1 to 65536, got 1.5',
  ],
  [
    [{ ...conv, cout: 2 ** 32 }],
    'ARG',
    '"layer 0 cout" expected a whole number from 1 to 65536, got 4294967296',
  ],
  [
    [{ ...conv, dilation: 2 }],
    'ARG',
    '"layer 0" expected no properties of a conv but kind, cin, cout, kernel, stride, bias, got dilation',
  ],
  [
    [conv, { kind: 'relu', inplace: true }],
    'ARG',
    '"layer 1" expected no properties of a relu but kind, got inplace',
  ],
  [
    [{ kind: 'block', cin: 3, cout: 4 }],
    'ARG',
    '"layer 0 pool" expected true or false, got undefined',
  ],
  [
    [conv, { kind: 'clamp', magnitude: 0 }],
    'ARG',
    '"layer 1 magnitude" expected a finite number above 0, got 0',
  ],
  [
    [conv, { kind: 'clamp', magnitude: Number.NaN }],
    'ARG',
    '"layer 1 magnitude" expected a finite number above 0, got NaN',
  ],
  [[conv, shuffle(1)], 'ARG', '"layer 1 factor" expected a whole number from 2 to 64, got 1'],
  [[unshuffle(65), conv], 'ARG', '"layer 0 factor" expected a whole number from 2 to 64, got 65'],
  [
    [{ kind: 'relu' }, { kind: 'upsample2x' }],
    'ARG',
    '"layers" expected a conv or a block, which gives the channels, got none',
  ],
  [[conv, conv], 'SHAPE', '"layer 1 cin" expected 4, the channels before it, got 3'],
  [
    [conv, { kind: 'relu' }, { kind: 'block', cin: 5, cout: 5, pool: true }],
    'SHAPE',
    '"layer 2 cin" expected 4, the channels before it, got 5',
  ],
  [
    [unshuffle(4), { ...conv, cin: 50 }],
    'SHAPE',
    '"layer 1 cin" expected 48, the channels before it, got 50',
  ],
  [
    [conv, shuffle(3)],
    'SHAPE',
    '"layer 1 factor" expected a factor whose square divides 4, the channels before it, got 3',
  ],
  [
    [shuffle(2), unshuffle(2), conv],
    'SHAPE',
    '"layer 0 factor" expected a factor whose square divides 3, the channels before it, got 2',
  ],
  [
    [conv, unshuffle(64), unshuffle(64)],
    'LIMIT',
    '"layer 2" expected at most 65536 channels out of it, got 67108864',
  ],
  [
    [shuffle(64), shuffle(64), conv],
    'LIMIT',
    '"layers" expected at most 65536 channels into layer 0, got 50331648',
  ],
];

const without = (name: string) => new Map([...WEIGHTS].filter(([key]) => key !== name));
const withOne = (name: string, tensor: unknown) => new Map([...WEIGHTS, [name, tensor]]);

const BAD_WEIGHTS: readonly [weights: unknown, code: string, sentence: string][] = [
  [
    undefined,
    'ARG',
    '"weights" expected a Map of tensors by name, or the bytes of a safetensors file, got undefined',
  ],
  [
    'model.safetensors',
    'ARG',
    '"weights" expected a Map of tensors by name, or the bytes of a safetensors file, got "model.safetensors"',
  ],
  [
    { '0.weight': TENSOR },
    'ARG',
    '"weights" expected a Map of tensors by name, or the bytes of a safetensors file, got { 0.weight } (new Map(Object.entries(weights))?)',
  ],
  [new Map([[7, TENSOR]]), 'ARG', '"weights" expected names that are texts, got 7'],
  [without('2.bias'), 'SHAPE', '"network 2.bias" expected shape [2], got no such tensor'],
  [
    withOne('2.bias', { shape: [3], data: new Float32Array(3) }),
    'SHAPE',
    '"network 2.bias" expected shape [2], got [3]',
  ],
  [
    withOne('1.weight', { shape: [3], data: new Float32Array(3) }),
    'SHAPE',
    '"network 1.weight" expected no such tensor, got shape [3]',
  ],
  [
    withOne('0.bias', { shape: [4], data: Float32Array.of(0, 1, Infinity, 2) }),
    'NONFINITE',
    '"network 0.bias" expected finite numbers, got Infinity at element 2 (a damaged file?)',
  ],
  [
    withOne('0.bias', { shape: [4], data: new Float32Array(3) }),
    'SHAPE',
    '"network 0.bias" expected 4 numbers for shape [4], got 3',
  ],
  [
    withOne('0.bias', null),
    'ARG',
    '"network 0.bias" expected a tensor with data, and dims or shape [N,C,h,w], got null',
  ],
  [
    writeSafetensors(WEIGHTS).subarray(0, -1),
    'TRUNCATED',
    '"tensor 2.bias" expected data up to offset 744, got 743 (is the download complete?)',
  ],
  [new Uint8Array(3), 'TRUNCATED', '"header length" expected at least 8 bytes, got 3'],
];

const BAD_TENSORS: readonly [tensor: unknown, code: string, sentence: string][] = [
  [
    undefined,
    'ARG',
    '"tensor" expected a tensor with data, and dims or shape [N,C,h,w], got undefined',
  ],
  [
    { shape: [1, 4, 2, 2], data: new Float32Array(16) },
    'SHAPE',
    '"tensor" expected shape [N,3,h,w], got [1,4,2,2]',
  ],
  [
    { shape: [3, 4], data: new Float32Array(12) },
    'SHAPE',
    '"tensor" expected shape [N,C,h,w] or [C,h,w], each at least 1, got [3,4]',
  ],
  [
    { shape: [1, 3, 2, 2], data: new Float32Array(11) },
    'SHAPE',
    '"tensor" expected 12 numbers for shape [1,3,2,2], got 11',
  ],
  [
    { shape: [1, 3, 1, 1], data: Float32Array.of(0, -Infinity, 0) },
    'NONFINITE',
    '"tensor" expected finite numbers, got -Infinity at element 1 (allowNonFinite: true lets it pass)',
  ],
];

const BAD_OPTIONS: readonly [options: unknown, sentence: string][] = [
  [null, '"options" expected an object such as { backend: \'auto\' }, got null'],
  [
    { precision: 'fast' },
    'unknown option "precision" (known: backend, device, fallback, workers, wasm, maxMemory, signal, onProgress, allowNonFinite)',
  ],
  [{ backend: 'gpu' }, '"backend" expected one of wasm, reference, webgpu, auto, got "gpu"'],
  [{ workers: -1 }, '"workers" expected a whole number from 0 to 64, got -1'],
  [{ device: {} }, '"device" expected a GPUDevice, got Object'],
  [{ fallback: 0 }, '"fallback" expected true or false, got 0'],
  [{ maxMemory: 0 }, '"maxMemory" expected a number of bytes, got 0'],
  [{ signal: {} }, '"signal" expected an AbortSignal, got Object'],
  [{ onProgress: 1 }, '"onProgress" expected a function, got 1'],
];

const refusal = (call: Promise<unknown>): Promise<[string, string]> =>
  call.then(
    () => ['none', ''],
    ({ code, message }) => [code, message],
  );

describe('layers', () => {
  for (const [n, [layers, code, sentence]] of BAD_LAYERS.entries()) {
    test(`${n}: ${sentence.slice(0, 80)} → ${code}`, async () => {
      const call = runNetwork(layers as never, WEIGHTS, TENSOR);
      expect(await refusal(call)).toEqual([code, `runNetwork: ${sentence}`]);
      const load = loadNetwork(layers as never, WEIGHTS);
      expect(await refusal(load)).toEqual([code, `loadNetwork: ${sentence}`]);
    });
  }
});

describe('weights', () => {
  for (const [n, [weights, code, sentence]] of BAD_WEIGHTS.entries()) {
    test(`${n}: ${sentence.slice(0, 80)} → ${code}`, async () => {
      const call = runNetwork(LAYERS, weights as never, TENSOR);
      expect(await refusal(call)).toEqual([code, `runNetwork: ${sentence}`]);
    });
  }
});

describe('tensors', () => {
  for (const [n, [tensor, code, sentence]] of BAD_TENSORS.entries()) {
    test(`${n}: ${sentence.slice(0, 80)} → ${code}`, async () => {
      const call = runNetwork(LAYERS, WEIGHTS, tensor as never);
      expect(await refusal(call)).toEqual([code, `runNetwork: ${sentence}`]);
      const network = await loadNetwork(LAYERS, WEIGHTS);
      expect(await refusal(network.run(tensor as never))).toEqual([
        code,
        `network.run: ${sentence}`,
      ]);
      expect((await network.run(TENSOR)).shape).toEqual([1, 2, 2, 2]);
      network.dispose();
    });
  }
});

describe('options', () => {
  for (const [options, sentence] of BAD_OPTIONS) {
    test(`${sentence.slice(0, 80)} → ARG`, async () => {
      const call = runNetwork(LAYERS, WEIGHTS, TENSOR, options as never);
      expect(await refusal(call)).toEqual(['ARG', `runNetwork: ${sentence}`]);
    });
  }

  test('onProgress for loadNetwork, backend for run → unknown', async () => {
    const load = loadNetwork(LAYERS, WEIGHTS, { onProgress() {} } as never);
    expect(await refusal(load)).toEqual([
      'ARG',
      'loadNetwork: unknown option "onProgress" (known: backend, device, fallback, workers, wasm, maxMemory, signal)',
    ]);
    const network = await loadNetwork(LAYERS, WEIGHTS);
    expect(await refusal(network.run(TENSOR, { backend: 'wasm' } as never))).toEqual([
      'ARG',
      'network.run: unknown option "backend" (known: signal, onProgress, allowNonFinite)',
    ]);
    network.dispose();
  });
});
