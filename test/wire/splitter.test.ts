import { describe, expect, test } from 'vitest';
import { encodeFrame } from '../../src/preview/index.ts';
import { FrameSplitter } from '../../src/wire/splitter.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { expectError } from '../thrown-by.ts';

/*
 * Frames cut from a stream of bytes.
 */

const FRAMES = [1, 9, 40].map((side, step) =>
  encodeFrame(randomTensor(seededRandom(side), [1, 4, side, side], 3), { model: 'taesd', step }),
);
const ALL = Uint8Array.from(FRAMES.flatMap((frame) => [...frame]));

function framesIn(pieces: Iterable<Uint8Array>): Uint8Array[] {
  const splitter = new FrameSplitter();
  const frames: Uint8Array[] = [];
  for (const piece of pieces) {
    // The memory of a piece is used again.
    const lent = piece.slice();
    frames.push(...splitter.take(lent));
    lent.fill(255);
  }
  splitter.end();
  return frames;
}

function* pieces(bytes: Uint8Array, length: () => number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + length();
    yield bytes.subarray(at, end);
    at = end;
  }
}

describe('frames in a row', () => {
  const random = seededRandom(1);
  const CUTS: Readonly<Record<string, () => number>> = {
    'in one piece': () => ALL.length,
    'byte by byte': () => 1,
    'in pieces of 36': () => 36,
    'in pieces of any length, empty ones too': () => Math.floor(random() * 200),
  };
  for (const [name, length] of Object.entries(CUTS)) {
    test(`${name} → each frame, in memory of its own`, () => {
      const frames = framesIn(pieces(ALL, length));
      expect(
        frames.map((frame) => Buffer.from(frame).equals(FRAMES[frames.indexOf(frame)])),
      ).toEqual([true, true, true]);
      expect(new Set(frames.map(({ buffer }) => buffer)).size).toBe(3);
    });
  }
});

describe('a stream that is wrong', () => {
  test('ends in a head, in numbers → TRUNCATED', () => {
    for (const [end, rule] of [
      [5, 'at least 36'],
      [40, '80'],
      [79, '80'],
    ] as const) {
      const message = `"frame" expected ${rule} bytes, got ${end} (the connection was cut?)`;
      expectError(() => framesIn([ALL.subarray(0, end)]), 'TRUNCATED', message);
    }
  });

  test('other bytes, also after a frame → FORMAT as soon as four have come', () => {
    const message =
      '"magic" expected 54 4c 41 54, got 3c 68 74 6d (a text, such as the page of an error?)';
    const page = Buffer.from('<html>');
    expectError(() => framesIn([page]), 'FORMAT', message);
    const splitter = new FrameSplitter();
    const taken: number[] = [];
    expectError(
      () => {
        for (const frame of splitter.take(Uint8Array.of(...FRAMES[0], ...page))) {
          taken.push(frame.length);
        }
      },
      'FORMAT',
      message,
    );
    expect(taken).toEqual([FRAMES[0].length]);
  });

  test('a claim of 32 MB → memory for the bytes that came', () => {
    const head = FRAMES[0].slice(0, 36);
    const view = new DataView(head.buffer);
    view.setUint32(4, 44 + 32 + 2 ** 24, true);
    view.setUint16(14, 2048, true);
    view.setUint16(16, 2048, true);
    const splitter = new FrameSplitter();
    const before = process.memoryUsage().arrayBuffers;
    expect([...splitter.take(head)]).toEqual([]);
    expect([...splitter.take(new Uint8Array(1000))]).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    expectError(
      () => splitter.end(),
      'TRUNCATED',
      '"frame" expected 16777292 bytes, got 1036 (the connection was cut?)',
    );
  });
});
