import { expect, test } from 'vitest';
import { encodeFrame, type FrameOptions, predictOriginal } from '../../src/preview/index.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { needs, runPython } from './python.ts';

/*
 * The Python sender's frames beside JavaScript's.
 */

const shape = [1, 4, 9, 7];
/** Latents as they are, one number a channel, zeros of both signs, and numbers between two levels. */
const TENSORS: readonly Tensor[] = [
  randomTensor(seededRandom(1), shape, 4),
  randomTensor(seededRandom(2), shape, 1e-38),
  { shape, data: new Float32Array(252).fill(2.5) },
  { shape, data: Float32Array.from({ length: 252 }, (_, i) => (i % 2 ? 0 : -0)) },
  {
    shape,
    data: Float32Array.from({ length: 252 }, (_, i) => (i % 63 < 2 ? (i % 63) * 255 : i % 63) / 2),
  },
  randomTensor(seededRandom(3), shape, 60_000),
];
const OPTIONS: readonly FrameOptions[] = [
  { model: 'taesd' },
  { model: 'nano-sdxl', type: 'f16', space: 'vae', step: 0, steps: 4_294_967_294 },
  { model: 'taesdxl', step: 12, steps: 30, width: 50, height: 72, acknowledge: true },
];

test('encode_frame → the bytes of encodeFrame', ({ skip }) => {
  needs(['numpy'], skip);
  const input = Buffer.concat(TENSORS.map(({ data }) => Buffer.from(data.buffer)));
  const out = runPython(
    `
import json, sys
import numpy as np
from taesd_stream import encode_frame
tensors = np.frombuffer(sys.stdin.buffer.read(), '<f4').reshape(-1, ${shape.join(', ')})
for data in tensors:
    for options in json.loads('${JSON.stringify(OPTIONS)}'):
        options['dtype'] = options.pop('type', 'u8')
        sys.stdout.buffer.write(encode_frame(data, **options))`,
    input,
  );
  const wanted = Buffer.concat(
    TENSORS.flatMap((tensor) => OPTIONS.map((options) => encodeFrame(tensor, options))),
  );
  expect(out.length).toBe(wanted.length);
  expect(out.equals(wanted)).toBe(true);
});

test('predict_original, unpack → the numbers of predictOriginal, packed latents as they were', ({
  skip,
}) => {
  needs(['numpy'], skip);
  const [x, o] = [randomTensor(seededRandom(4), shape, 4), randomTensor(seededRandom(5), shape, 1)];
  const rows = [
    { prediction: 'epsilon', alphaCumprod: 0.3 },
    { prediction: 'epsilon', sigma: 7 },
    { prediction: 'v', alphaCumprod: 0 },
    { prediction: 'v', sigma: 3, sign: -1 },
    { prediction: 'sample', sigma: 1 },
    { prediction: 'flow', sigma: 0.7, sign: -1 },
  ] as const;
  const out = runPython(
    `
import json, sys
import numpy as np
from taesd_stream import predict_original, unpack
x, o = np.frombuffer(sys.stdin.buffer.read(), '<f4').reshape(2, ${shape.join(', ')})
for row in json.loads('${JSON.stringify(rows)}'):
    if 'alphaCumprod' in row:
        row['alpha_cumprod'] = row.pop('alphaCumprod')
    sys.stdout.buffer.write(predict_original(x, o, **row).tobytes())
z = np.arange(2 * 4 * 6, dtype=np.float32).reshape(1, 2, 4, 6)
packed = z.reshape(1, 2, 2, 2, 3, 2).transpose(0, 2, 4, 1, 3, 5).reshape(1, 6, 8)
assert (unpack(packed, 47, 25) == z).all()`,
    Buffer.concat([x, o].map(({ data }) => Buffer.from(data.buffer))),
  );
  const got = new Float32Array(Uint8Array.from(out).buffer);
  for (const [n, row] of rows.entries()) {
    const { data } = predictOriginal(x, o, row);
    const far = data.map((value, i) => Math.abs(value - got[252 * n + i]));
    expect(Math.max(...far), JSON.stringify(row)).toBeLessThan(4e-6);
  }
});

test('what cannot be encoded → ValueError with a sentence', ({ skip }) => {
  needs(['numpy'], skip);
  const rows = [
    ['np.zeros((2, 4, 1, 1))', 'the shape [C, h, w] or [1, C, h, w], got [2, 4, 1, 1]'],
    ['np.full((4, 1, 1), np.nan)', 'finite numbers, got NaN or infinity'],
    ["np.zeros((4, 1, 1)), dtype='f32'", "'u8' or 'f16', got 'f32'"],
    ["np.zeros((4, 1, 1)), space='rgb'", "'diffusion' or 'vae', got 'rgb'"],
    ["np.full((4, 1, 1), 1e5), dtype='f16'", 'numbers below 65520 for f16'],
  ];
  const out = runPython(`
import numpy as np
from taesd_stream import encode_frame
${rows
  .map(
    ([argument]) => `try:
    encode_frame(${argument})
except ValueError as error:
    print(str(error).split(' expected ')[1])`,
  )
  .join('\n')}`);
  expect(`${out}`.trim().split('\n')).toEqual(rows.map(([, message]) => message));
});
