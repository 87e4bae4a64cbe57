import { describe, expect, test } from 'vitest';
import {
  decodeFrame,
  encodeFrame,
  type FrameOptions,
  type LatentsLike,
} from '../../src/preview/index.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { expectError } from '../thrown-by.ts';

/*
 * Frames of latents: their bytes, there and back, and every way in which a frame can be wrong.
 */

const LATENTS: Tensor = {
  shape: [1, 4, 1, 2],
  data: Float32Array.of(-1, 1.55, 0, -0, 3, 3, 2, -0.5),
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const u16 = (value: number) => [value & 255, value >> 8];
const u32 = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];
const f32 = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)];

describe('bytes', () => {
  test('u8 → the head, the name padded to 4, min and max of each channel, a byte a number', () => {
    const options: FrameOptions = { model: 'taesd', step: 7, steps: 20, width: 15, height: 8 };
    expect(hex(encodeFrame(LATENTS, options))).toBe(
      hex(
        Uint8Array.of(
          ...[0x54, 0x4c, 0x41, 0x54, ...u32(36 + 8 + 32 + 8), 1, 0, 0, 5],
          ...[4, 1, 2, 0].flatMap(u16),
          ...[15, 8, 7, 20].flatMap(u32),
          ...[...'taesd'].map((char) => char.charCodeAt(0)),
          ...[0, 0, 0],
          ...[-1, 1.55, 0, 0, 3, 3, -0.5, 2].flatMap(f32),
          // Ends of a range are 0 and 255. A channel of one number has 0.
          ...[0, 255, 0, 0, 0, 0, 255, 0],
        ),
      ),
    );
  });

  test('f16 → no ranges, two bytes a number; nothing that was not given', () => {
    const options: FrameOptions = {
      ...{ model: 'nano-sdxl', type: 'f16', space: 'vae', acknowledge: true },
    };
    expect(hex(encodeFrame(LATENTS, options))).toBe(
      hex(
        Uint8Array.of(
          ...[0x54, 0x4c, 0x41, 0x54, ...u32(36 + 12 + 16), 1, 1, 1, 9],
          ...[4, 1, 2, 1].flatMap(u16),
          ...[0, 0, 0xffffffff, 0xffffffff].flatMap(u32),
          ...[...'nano-sdxl'].map((char) => char.charCodeAt(0)),
          ...[0, 0, 0],
          ...[0xbc00, 0x3e33, 0, 0x8000, 0x4200, 0x4200, 0x4000, 0xb800].flatMap(u16),
        ),
      ),
    );
  });
});

describe('there and back', () => {
  const random = randomTensor(seededRandom(3), [1, 16, 5, 7], 4);

  test('f16 → each number rounded once; all facts', () => {
    const origin = {
      latents: random,
      model: 'taef1',
      width: 50,
      height: 33,
      space: 'vae',
    } as const;
    const { latents, ...facts } = decodeFrame(encodeFrame(origin, { type: 'f16', step: 0 }));
    expect(latents.shape).toEqual(random.shape);
    for (const [i, value] of latents.data.entries()) {
      expect(Math.abs(value - random.data[i])).toBeLessThanOrEqual(2 ** -10);
    }
    expect(facts).toEqual({
      ...{ model: 'taef1', space: 'vae', width: 50, height: 33, step: 0, steps: undefined },
      ...{ type: 'f16', acknowledge: false },
    });
  });

  test('u8 → within half a level of the channel, its ends exact', () => {
    const { latents } = decodeFrame(encodeFrame(random, { model: 'taesd3' }));
    for (let c = 0; c < 16; c++) {
      const [was, is] = [random, latents].map(({ data }) => data.subarray(35 * c, 35 * c + 35));
      const [min, max] = [Math.min(...was), Math.max(...was)];
      expect([Math.min(...is), Math.max(...is)]).toEqual([min, max]);
      const far = Math.max(...was.map((value, i) => Math.abs(value - is[i])));
      expect(far).toBeLessThanOrEqual(((max - min) / 510) * 1.0001);
      expect(far).toBeGreaterThan(0);
    }
  });

  test('a frame in the middle of other bytes, base64, an ArrayBuffer → as the bytes', () => {
    const frame = encodeFrame(LATENTS, { model: 'taesd', step: 3 });
    const wanted = decodeFrame(frame);
    const larger = new Uint8Array(frame.length + 3);
    larger.set(frame, 1);
    expect(decodeFrame(larger.subarray(1, -2))).toEqual(wanted);
    expect(decodeFrame(Buffer.from(frame).toString('base64'))).toEqual(wanted);
    expect(decodeFrame(frame.buffer)).toEqual(wanted);
    expect(wanted.step).toBe(3);
  });

  test('strided, channels last, packed, one of a batch, f64 → the latents that are meant', () => {
    const plain = encodeFrame(random, { model: 'taef1' });
    const last = Float32Array.from({ length: 560 }, (_, i) => {
      const [pixel, channel] = [Math.floor(i / 16), i % 16];
      return random.data[35 * channel + pixel];
    });
    const nhwc: LatentsLike = { data: last, shape: [1, 5, 7, 16], layout: 'NHWC' };
    expect(hex(encodeFrame(nhwc, { model: 'taef1' }) as Uint8Array)).toBe(hex(plain));
    const batch = { data: [...new Float64Array(560), ...random.data], dims: [2, 16, 5, 7] };
    expect(hex(encodeFrame(batch, { model: 'taef1', pick: 1 }) as Uint8Array)).toBe(hex(plain));
    const packed = { data: new Float32Array(24 * 64).fill(2), dims: [1, 24, 64] };
    const read = decodeFrame(
      encodeFrame(packed, { model: 'taef1', width: 90, height: 60 }) as Uint8Array,
    );
    expect(read.latents.shape).toEqual([1, 16, 8, 12]);
    expect([read.width, read.height]).toEqual([90, 60]);
  });

  test('a tensor on a GPU → a promise of its frame', async () => {
    const onGpu = {
      ...{ dims: LATENTS.shape, type: 'float32', location: 'gpu-buffer' },
      getData: async () => LATENTS.data,
    };
    const frame = encodeFrame(onGpu, { model: 'taesd' });
    expect(frame).toBeInstanceOf(Promise);
    expect(hex(await frame)).toBe(hex(encodeFrame(LATENTS, { model: 'taesd' })));
  });
});

describe('what cannot be encoded', () => {
  const WRONG: readonly [name: string, run: () => unknown, code: string, message: string][] = [
    [
      'no model',
      () => encodeFrame(LATENTS),
      'ARG',
      'encodeFrame: "model" expected one of taesd, taesdxl, taesd3, taef1, taef1-1.1, taef2, taesana, taeqi2_1, taew2_1, nano, nano-sdxl, nano-sd3, nano-flux1, got undefined (the model of the latents)',
    ],
    [
      'latents of another model',
      () => encodeFrame({ latents: LATENTS, model: 'taesdxl' }, { model: 'taesd' }),
      'ARG',
      'encodeFrame: "latents" expected latents of taesd for model taesd, got latents of taesdxl (latents of taesdxl? load({ model: \'taesdxl\' }))',
    ],
    [
      'other channels',
      () => encodeFrame({ shape: [1, 5, 1, 1], data: new Float32Array(5) }, { model: 'taesd' }),
      'SHAPE',
      'encodeFrame: "latents" expected shape [N,4,h,w] for model taesd, got [1,5,1,1] (not latents of TAESD?)',
    ],
    [
      'NaN',
      () => encodeFrame({ shape: [1, 4, 1, 1], data: [0, NaN, 0, 0] }, { model: 'taesd' }),
      'NONFINITE',
      'encodeFrame: "latents" expected finite numbers, got NaN at element 1',
    ],
    [
      'a number that f16 lacks',
      () =>
        encodeFrame(
          { shape: [1, 4, 1, 1], data: [0, 0, -65520, 0] },
          { model: 'taesd', type: 'f16' },
        ),
      'NONFINITE',
      'encodeFrame: "latents" expected numbers below 65520 for f16, got -65520 (latents are about ±4)',
    ],
    [
      'a size that the latents do not have',
      () => encodeFrame(LATENTS, { model: 'taesd', width: 17 }),
      'ARG',
      'encodeFrame: "width" expected 9 to 16 for 2 latents of taesd, got 17',
    ],
    [
      'a step below 0',
      () => encodeFrame(LATENTS, { model: 'taesd', step: -1 }),
      'ARG',
      'encodeFrame: "step" expected a whole number from 0 to 4294967294, got -1',
    ],
    [
      'no steps',
      () => encodeFrame(LATENTS, { model: 'taesd', steps: 0 }),
      'ARG',
      'encodeFrame: "steps" expected a whole number from 1 to 4294967294, got 0',
    ],
    [
      'another type',
      () => encodeFrame(LATENTS, { model: 'taesd', type: 'f32' as 'f16' }),
      'ARG',
      'encodeFrame: "type" expected \'u8\' or \'f16\', got "f32"',
    ],
    [
      'acknowledge: 1',
      () => encodeFrame(LATENTS, { model: 'taesd', acknowledge: 1 as unknown as boolean }),
      'ARG',
      'encodeFrame: "acknowledge" expected true or false, got 1',
    ],
    [
      'an unknown option',
      () => encodeFrame(LATENTS, { model: 'taesd', dtype: 'u8' } as FrameOptions),
      'ARG',
      'encodeFrame: unknown option "dtype" (known: model, space, type, width, height, step, steps, pick, acknowledge)',
    ],
    [
      'one more of a batch than there is',
      () => encodeFrame(LATENTS, { model: 'taesd', pick: 1 }),
      'SHAPE',
      'encodeFrame: "latents" expected a batch of at least 2, for pick 1, got [1,4,1,2]',
    ],
  ];
  for (const [name, run, code, message] of WRONG) {
    test(`${name} → ${code}`, () => expectError(run, code as 'ARG', message));
  }
});

describe('a frame that is wrong', () => {
  const frame = encodeFrame(LATENTS, { model: 'taesd', width: 16, height: 8, step: 1 });
  /** The frame with other bytes from a place on. */
  const changed = (at: number, ...bytes: number[]) => {
    const copy = frame.slice();
    copy.set(bytes, at);
    return copy;
  };
  const WRONG: readonly [name: string, bytes: unknown, code: string, message: string][] = [
    [
      'no bytes',
      new Uint8Array(),
      'TRUNCATED',
      '"frame" expected at least 36 bytes, got 0 (the connection was cut?)',
    ],
    ['null', null, 'ARG', '"bytes" expected a Uint8Array or ArrayBuffer, got null'],
    [
      'the page of an error',
      Buffer.from('<!doctype html><title>502 Bad Gateway</title>'),
      'FORMAT',
      '"magic" expected 54 4c 41 54, got 3c 21 64 6f (a text, such as the page of an error?)',
    ],
    [
      'a PNG file',
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
      'FORMAT',
      '"magic" expected 54 4c 41 54, got 89 50 4e 47 (not a frame of latents; readLatents reads files)',
    ],
    [
      'half a head',
      frame.subarray(0, 20),
      'TRUNCATED',
      '"frame" expected at least 36 bytes, got 20 (the connection was cut?)',
    ],
    [
      'one byte too few',
      frame.subarray(0, -1),
      'TRUNCATED',
      '"frame" expected 84 bytes, got 83 (the connection was cut?)',
    ],
    [
      'one byte too many',
      Uint8Array.of(...frame, 0),
      'FORMAT',
      '"frame" expected 84 bytes, got 85 (one frame in each message)',
    ],
    [
      'version 2',
      changed(8, 2),
      'UNSUPPORTED',
      '"version" expected 1, got 2 (a frame of a later version of the format?)',
    ],
    ['type 2', changed(9, 2), 'UNSUPPORTED', '"type" expected 0 for u8 or 1 for f16, got 2'],
    [
      'space 2',
      changed(10, 2),
      'UNSUPPORTED',
      '"space" expected 0 for diffusion or 1 for vae, got 2',
    ],
    [
      'flags 2',
      changed(18, 2),
      'UNSUPPORTED',
      '"flags" expected 0 or 1, got 2 (a frame of a later version of the format?)',
    ],
    [
      'a length of 4 GB',
      changed(4, 255, 255, 255, 255),
      'FORMAT',
      '"length" expected 84 for u8 latents [4,1,2], got 4294967295',
    ],
    [
      'no rows',
      changed(14, 0),
      'FORMAT',
      '"frame" expected latents [C,h,w], each at least 1, got [4,0,2]',
    ],
    [
      'a column more',
      changed(16, 3),
      'FORMAT',
      '"length" expected 88 for u8 latents [4,1,3], got 84',
    ],
    [
      '65535×65535 latents',
      changed(14, 255, 255, 255, 255),
      'LIMIT',
      '"frame" expected at most 1024 channels and 16777216 numbers, got latents [4,65535,65535]',
    ],
    [
      '1025 channels',
      changed(12, 1, 4),
      'LIMIT',
      '"frame" expected at most 1024 channels and 16777216 numbers, got latents [1025,1,2]',
    ],
    [
      'a model that is not known',
      changed(36, ...Buffer.from('taexx')),
      'UNSUPPORTED',
      '"model" expected one of taesd, taesdxl, taesd3, taef1, taef1-1.1, taef2, taesana, taeqi2_1, taew2_1, nano, nano-sdxl, nano-sd3, nano-flux1, got taexx',
    ],
    [
      'a model of 16 channels',
      changed(36, ...Buffer.from('taef1')),
      'SHAPE',
      '"latents" expected shape [N,16,h,w] for model taef1, got [1,4,1,2] (latents of taesd or taesdxl?)',
    ],
    [
      'a width that does not fit',
      changed(20, 8),
      'FORMAT',
      '"width" expected 9 to 16 for 2 latents of taesd, got 8',
    ],
    [
      'a height that does not fit',
      changed(24, 9),
      'FORMAT',
      '"height" expected 1 to 8 for 1 latents of taesd, got 9',
    ],
    [
      'a range from above',
      changed(44, ...f32(9)),
      'FORMAT',
      '"range of channel 0" expected min ≤ max, both finite, got 9, 1.5499999523162842',
    ],
    [
      'a range to NaN',
      changed(72, ...f32(NaN)),
      'FORMAT',
      '"range of channel 3" expected min ≤ max, both finite, got -0.5, NaN',
    ],
    ['not base64', 'VExB*', 'FORMAT', '"frame" expected base64, got "VExB*"'],
  ];
  for (const [name, bytes, code, message] of WRONG) {
    test(`${name} → ${code}`, () => {
      expectError(() => decodeFrame(bytes as Uint8Array), code as 'ARG', `decodeFrame: ${message}`);
    });
  }

  test('every cut, every byte changed → a TaesdError or a frame, and the frame still reads', () => {
    for (let at = 0; at < frame.length; at++) {
      expect(faulty(frame.subarray(0, at))).toBe(true);
      for (const byte of [0, 1, 127, 128, 255]) faulty(changed(at, byte));
    }
    expect(decodeFrame(frame).step).toBe(1);
  });
});

/** Returns true for a frame that a TaesdError refuses. */
function faulty(bytes: Uint8Array): boolean {
  try {
    decodeFrame(bytes);
    return false;
  } catch (error) {
    expect((error as Error).name).toBe('TaesdError');
    return true;
  }
}
