import { inspect } from 'node:util';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { inflateInto } from '../../../src/deflate/index.ts';
import { havoc } from '../havoc.ts';
import type { Random } from '../random.ts';
import { type Target, WrongResult } from '../target.ts';

/** zlib's verdict: the output and the input it used, or the error's message. */
type Verdict = { readonly output: Uint8Array; readonly used: number } | string;

/** The room of an execution: 64 sizes of the largest input. */
const ROOM = 2 ** 20;

function zlibOf(stream: Uint8Array): Verdict {
  try {
    // With `info`, zlib's types do not know the result.
    const options = { info: true, maxOutputLength: ROOM + 1 };
    const { buffer, engine } = inflateRawSync(stream, options) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    return { output: buffer, used: engine.bytesWritten };
  } catch (error) {
    return (error as Error).message;
  }
}

function someStream(random: Random): Uint8Array {
  const length = random.small(2000);
  const values = 1 + random.small(255);
  const content = Uint8Array.from({ length }, () => random.below(values));
  for (let n = random.below(6); n > 0 && length > 1; n--) {
    const at = random.below(length);
    content.copyWithin(at, random.below(length), random.below(length));
  }
  const options = { level: random.below(10), strategy: random.below(5) };
  return new Uint8Array(deflateRawSync(content, options));
}

const room = new Uint8Array(ROOM);

/** Raw DEFLATE streams, compared with zlib. */
export const deflate: Target = {
  name: 'deflate',
  batch: 1024,
  maxBytes: 4096,
  seeds: () =>
    Array.from({ length: 20 }, (_, n) => {
      const content = Uint8Array.from({ length: 40 * n }, (_, i) => (i * i) % (n + 1));
      return new Uint8Array(deflateRawSync(content, { level: n % 10, strategy: n % 5 }));
    }),
  generate: someStream,
  mutate: (random, input, other) => havoc(random, input, { other }),
  run(stream) {
    const wanted = zlibOf(stream);
    const got = inflateInto(room, stream);
    const isLarge = typeof wanted === 'string' && /larger than/.test(wanted);
    if (isLarge || got.end === 'full') {
      // A damaged stream may have filled the room before its fault.
      const fits = got.end === 'full' && (isLarge || typeof wanted === 'string');
      if (!fits && !(isLarge && got.end === 'damaged')) throw difference(wanted, got.end);
      return 'full';
    }
    if (typeof wanted === 'string') {
      const isShort = wanted === 'unexpected end of file';
      // zlib needs no more bits to see this fault, and yet waits for them.
      if (isShort && got.end === 'damaged' && got.at >= stream.length) return 'short';
      if (isShort !== (got.end === 'short')) throw difference(wanted, got.end);
      if (!isShort && got.fault !== wanted) throw difference(wanted, got.fault);
      return wanted;
    }
    const { output, used } = wanted;
    const isEqual = got.filled === output.length && got.at === used && got.end === 'ended';
    if (!isEqual) throw difference({ filled: output.length, at: used }, got);
    if (Buffer.compare(room.subarray(0, got.filled), output) !== 0) {
      throw new WrongResult('other bytes than those of zlib');
    }
    return 'ended';
  },
};

const difference = (zlib: unknown, own: unknown): WrongResult =>
  new WrongResult(`zlib: ${inspect(zlib)}; own: ${inspect(own)}`.replaceAll("'", ''));
