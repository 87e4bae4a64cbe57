import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type Inflation, inflateInto } from '../../src/deflate/index.ts';
import { rounds } from '../full-length.ts';
import { seededRandom } from '../random.ts';

const ROUNDS = rounds(3_000, 60_000);

/** zlib's verdict: the output and the input it used, or the error's message. */
function zlibOf(
  stream: Uint8Array,
): { readonly output: Uint8Array; readonly used: number } | string {
  try {
    // With `info`, zlib's types do not know the result.
    const { buffer, engine } = inflateRawSync(stream, { info: true }) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    return { output: buffer, used: engine.bytesWritten };
  } catch (error) {
    return (error as Error).message;
  }
}

/** Bytes of one of four kinds: noise, few values, a pattern, repetitions. */
function someBytes(random: () => number): Uint8Array {
  const below = (limit: number): number => Math.floor(random() * limit);
  const kind = below(4);
  const bytes = new Uint8Array(below(20) === 0 ? below(60_000) : below(400));
  for (let i = 0; i < bytes.length; i++) {
    if (kind === 0) bytes[i] = below(256);
    else if (kind === 1) bytes[i] = below(4);
    else if (kind === 2) bytes[i] = (i % 37) * (i & 1);
    else bytes[i] = i > 20 && below(10) > 0 ? bytes[i - 1 - below(19)] : below(256);
  }
  return bytes;
}

test(`${ROUNDS} streams, half of them damaged → zlib's verdict, output, fault and end`, () => {
  const random = seededRandom(7);
  const below = (limit: number): number => Math.floor(random() * limit);
  const room = new Uint8Array(2 ** 19);
  const faults = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const options = { level: below(10), strategy: below(5) };
    let stream = Uint8Array.from(deflateRawSync(someBytes(random), options));
    if (round % 2 === 1) {
      const reach = Math.min(stream.length, below(2) === 0 ? 60 : stream.length);
      for (let n = below(3); n >= 0; n--) stream[below(reach)] = below(256);
    }
    if (below(10) === 0) stream = stream.slice(0, below(stream.length));
    const wanted = zlibOf(stream);
    const got = inflateInto(room, stream);
    if (got.end === 'full') continue;
    if (typeof wanted === 'string') {
      const isShort = wanted === 'unexpected end of file';
      // zlib needs no more bits to see this fault, and yet waits for them.
      if (isShort && got.end === 'damaged') expect(got.at).toBe(stream.length);
      else expect({ round, end: got.end }).toEqual({ round, end: isShort ? 'short' : 'damaged' });
      if (!isShort) expect({ round, fault: got.fault }).toEqual({ round, fault: wanted });
      faults.add(got.fault ?? 'short');
      continue;
    }
    const { output, used } = wanted;
    expect({ round, ...got }).toEqual({ round, end: 'ended', filled: output.length, at: used });
    expect(Buffer.compare(room.subarray(0, got.filled), output)).toBe(0);
    if (output.length > 0) expectFull(stream, output, below(output.length));
  }
  expect([...faults].sort()).toEqual([
    'invalid bit length repeat',
    'invalid block type',
    'invalid code -- missing end-of-block',
    'invalid code lengths set',
    'invalid distance code',
    'invalid distance too far back',
    'invalid distances set',
    'invalid literal/length code',
    'invalid literal/lengths set',
    'invalid stored block lengths',
    'short',
    'too many length or distance symbols',
  ]);
});

/** Expects a stream of more than `size` bytes to fill just that many. */
function expectFull(stream: Uint8Array, output: Uint8Array, size: number): void {
  const canary = new Uint8Array(size + 8).fill(0xa5);
  const { end, filled }: Inflation = inflateInto(canary.subarray(0, size), stream);
  expect({ end, filled }).toEqual({ end: 'full', filled: size });
  expect(Buffer.compare(canary.subarray(0, size), output.subarray(0, size))).toBe(0);
  expect([...canary.subarray(size)]).toEqual(Array(8).fill(0xa5));
}

test('a stream at an offset, with bytes after it → its end', () => {
  const stream = Buffer.concat([
    Buffer.from('ab'),
    deflateRawSync(Buffer.from('word')),
    Buffer.from('cd'),
  ]);
  const output = new Uint8Array(10);
  const { end, filled, at } = inflateInto(output, stream, 2);
  expect({ end, filled, at }).toEqual({ end: 'ended', filled: 4, at: stream.length - 2 });
  expect(Buffer.from(output.subarray(0, 4)).toString()).toBe('word');
});

test('long codes of 15 bits → the bytes', () => {
  // Fibonacci numbers of each byte make a code that is as long as there are bytes.
  const bytes: number[] = [];
  for (let value = 0, a = 1, b = 1; value < 20; value++, [a, b] = [b, a + b]) {
    for (let n = 0; n < a; n++) bytes.push(value * 12);
  }
  const random = seededRandom(5);
  const order = bytes.map((byte) => [random(), byte]).sort(([a], [b]) => a - b);
  const input = Uint8Array.from(order, ([, byte]) => byte);
  const output = new Uint8Array(input.length);
  const { end } = inflateInto(output, deflateRawSync(input, { strategy: 2 }));
  expect(end).toBe('ended');
  expect(Buffer.compare(output, input)).toBe(0);
});
