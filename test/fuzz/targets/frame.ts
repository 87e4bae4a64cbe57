import { decodeFrame, encodeFrame, type LatentFrame } from '../../../src/preview/index.ts';
import { EventStream } from '../../../src/wire/event-stream.ts';
import { FrameSplitter } from '../../../src/wire/splitter.ts';
import { utf8 } from '../../bytes.ts';
import { randomTensor, seededRandom } from '../../random.ts';
import { field, havoc, oddNumber } from '../havoc.ts';
import { outcomeOf } from '../outcome.ts';
import type { Random } from '../random.ts';
import { type Target, WrongResult } from '../target.ts';

/*
 * Streams of frames of latents. Whole, byte by byte and in pieces they are cut alike.
 */

const MODELS = ['taesd', 'nano-sdxl', 'taef1', 'taef2'] as const;
const CHANNELS: Readonly<Record<(typeof MODELS)[number], number>> = {
  ...{ taesd: 4, 'nano-sdxl': 4, taef1: 16, taef2: 32 },
};
const WORDS = [
  ...['TLAT', 'taesd', 'event: latents\n', 'data: ', '\n\n', '\r\n', 'VExB', 'event: end'],
].map((word) => utf8(word));

function someFrame(random: Random): Uint8Array {
  const model = random.pick(MODELS);
  const shape = [1, CHANNELS[model], 1 + random.below(4), 1 + random.below(4)];
  return encodeFrame(randomTensor(seededRandom(random.below(1000)), shape, 4), {
    model,
    type: random.pick(['u8', 'f16'] as const),
    space: random.pick(['diffusion', 'vae'] as const),
    step: random.below(30),
    acknowledge: random.oneIn(2),
  });
}

const joined = (parts: readonly Uint8Array[]) =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

const asEvent = (frame: Uint8Array) =>
  utf8(`event: latents\ndata: ${Buffer.from(frame).toString('base64')}\n\n`);

/** Cuts a stream in pieces. @returns its frames, and the error that ended it */
function cut(input: Uint8Array, length: number): { frames: LatentFrame[]; error: string } {
  const splitter = new FrameSplitter();
  const frames: LatentFrame[] = [];
  const error = outcomeOf(() => {
    for (let at = 0; at < input.length; at += length) {
      const piece = input.slice(at, at + length);
      for (const frame of splitter.take(piece)) frames.push(decodeFrame(frame));
      piece.fill(255);
    }
    splitter.end();
    return '';
  });
  return { frames, error };
}

/** The facts and bits of frames as a text, in which NaN equals itself. */
const textOf = (frames: readonly LatentFrame[]) =>
  JSON.stringify(
    frames.map(({ latents, ...facts }) => [facts, latents.shape, [...latents.data].map(String)]),
  );

function checkFrame(frame: LatentFrame): void {
  const { latents, model, type, step } = frame;
  const count = latents.shape.reduce((a, b) => a * b, 1);
  if (latents.data.length !== count) throw new WrongResult(`${latents.data.length} of ${count}`);
  if (model === undefined || latents.data.some((value) => !Number.isFinite(value))) return;
  const again = decodeFrame(encodeFrame(frame as never, { type, step }));
  if (
    type === 'f16' &&
    textOf([{ ...again, steps: frame.steps, acknowledge: frame.acknowledge }]) !== textOf([frame])
  ) {
    throw new WrongResult('a frame of f16 is another one when it is written again');
  }
}

/** Frames cut from a stream, and events of a body. */
export const frame: Target = {
  name: 'frame',
  batch: 300,
  maxBytes: 8192,
  seeds() {
    const tensor = randomTensor(seededRandom(1), [1, 4, 2, 3], 3);
    const frames = (['u8', 'f16'] as const).map((type) =>
      encodeFrame(tensor, { model: 'taesd', type, step: 1 }),
    );
    return [...frames, joined(frames), joined(frames.map(asEvent))];
  },
  generate(random) {
    const frames = Array.from({ length: 1 + random.below(3) }, () => someFrame(random));
    return joined(random.oneIn(4) ? frames.map(asEvent) : frames);
  },
  mutate(random, input, other) {
    if (random.oneIn(3) || input.length < 36) return havoc(random, input, { other, words: WORDS });
    const copy = input.slice();
    // A field of the head.
    const [at, width] = random.pick([
      ...[
        [4, 4],
        [8, 1],
        [9, 1],
        [10, 1],
        [11, 1],
        [12, 2],
        [14, 2],
        [16, 2],
        [18, 2],
      ],
      ...[
        [20, 4],
        [24, 4],
        [28, 4],
        [32, 4],
        [36, 4],
      ],
    ] as const);
    copy.set(field(oddNumber(random), width, true), at);
    return copy;
  },
  run(input) {
    const whole = cut(input, input.length || 1);
    for (const length of [1, 7, 36]) {
      const parts = cut(input, length);
      if (parts.error !== whole.error || textOf(parts.frames) !== textOf(whole.frames)) {
        throw new WrongResult(`pieces of ${length} bytes: ${parts.error}, not ${whole.error}`);
      }
    }
    for (const one of whole.frames) checkFrame(one);
    const events = eventsOf(input, input.length || 1);
    if (JSON.stringify(eventsOf(input, 5)) !== JSON.stringify(events)) {
      // Characters of several bytes, which a piece may cut, are not of base64.
      if (input.every((byte) => byte < 128)) throw new WrongResult('other events in pieces of 5');
    }
    for (const { data } of events) outcomeOf(() => `${decodeFrame(data).step}`);
    return `${whole.frames.length} frames, ${whole.error}, ${Math.min(events.length, 3)} events`;
  },
};

function eventsOf(input: Uint8Array, length: number) {
  const stream = new EventStream();
  const events = [];
  for (let at = 0; at < input.length; at += length) {
    events.push(...stream.take(input.subarray(at, at + length)));
  }
  return events;
}
