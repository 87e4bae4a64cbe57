import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  aborted,
  callersOwn,
  type ErrorCode,
  expected,
  expectedText,
  inCall,
  inLoop,
  inside,
  isAbort,
  messageOf,
  onOneLine,
  TaesdError,
} from '../src/errors.ts';
import { refusal } from './fuzz/outcome.ts';

/** All codes: TypeScript refuses one more and one less than `ErrorCode` has. */
const CODES = Object.keys({
  ...{ FORMAT: 1, TRUNCATED: 1, INTEGRITY: 1, UNSUPPORTED: 1, LIMIT: 1, SHAPE: 1, NONFINITE: 1 },
  ...{ UNSAFE: 1, ARG: 1, NETWORK: 1, OOM: 1, WORKER: 1, ABORTED: 1 },
} satisfies Record<ErrorCode, 1>) as ErrorCode[];

test('codes: ErrorCode → 13, which docs/troubleshooting.md lists and the fuzzer knows; it refuses any other', () => {
  expect(CODES).toHaveLength(13);
  const text = readFileSync(new URL('../docs/troubleshooting.md', import.meta.url), 'utf8');
  const listed = [...text.matchAll(/^\| `([A-Z]+)` \|/gm)].map(([, code]) => code);
  expect(listed.sort()).toEqual([...CODES].sort());
  for (const code of CODES) expect(refusal(new TaesdError(code, 'x'))).toBe(`${code} x`);
  const other = new TaesdError('OTHER' as ErrorCode, 'x');
  expect(() => refusal(other)).toThrow('an error with the code OTHER');
});

test('expectedText: names and values → as they are', () => {
  expect(expectedText('decoder 1.weight', 'shape [64]', '[4]', 'SD3 weights?')).toBe(
    '"decoder 1.weight" expected shape [64], got [4] (SD3 weights?)',
  );
  expect(expectedText('größe 大 😀 "q" \\', 'a × b', '"\\u001b"')).toBe(
    '"größe 大 😀 "q" \\" expected a × b, got "\\u001b"',
  );
});

test('expected: control, direction and line-ending characters, half pairs → escaped', () => {
  const { message } = expected('ARG', '\u001b[2J\u202ex\u2028', 'y', '\u0085\ud800\u{e0001}');
  expect(message).toBe('"\\u001b[2J\\u202ex\\u2028" expected y, got \\u0085\\ud800\\u{e0001}');
});

test('onOneLine: 200 characters → all; more → the middle left out, beginning and end kept', () => {
  const whole = `/${'a'.repeat(192)}/file.b`;
  expect(onOneLine(whole)).toBe(whole);
  const long = `/begin${'a'.repeat(10_000)}/file.safetensors`;
  const short = onOneLine(long);
  expect(short.length).toBe(200);
  expect(short).toMatch(/^\/begina+…a+\/file\.safetensors$/);
  // Cut in the middle of a pair, the halves are escaped.
  expect(onOneLine(`a${'😀'.repeat(200)}`)).toMatch(/\\ud83d…/);
});

const WRONG = () => expected('ARG', 'width', 'a number', 'none', { hint: 'a typo?' });
const caught = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};
const failing = () => {
  throw WRONG();
};

test('inCall: an error thrown → its message begins with the call, its sentence does not', () => {
  const error = caught(() => inCall('decode', failing)) as TaesdError;
  const sentence = '"width" expected a number, got none (a typo?)';
  expect(error).toMatchObject({ code: 'ARG', message: `decode: ${sentence}`, sentence });
  expect(error.stack).toContain(`decode: ${sentence}`);
});

test('inCall: a call inside a call → the outer name alone', async () => {
  const error = caught(() => inCall('outer', () => inCall('inner', failing)));
  expect(error).toMatchObject({ message: expect.stringMatching(/^outer: "width"/) });
  const rejected = inCall('outer', async () => inCall('inner', failing));
  await expect(rejected).rejects.toThrow(/^outer: "width"/);
});

test('inCall: a result, a promise, an error of a function of the caller → as they are', async () => {
  expect(inCall('decode', () => 5)).toBe(5);
  expect(await inCall('decode', async () => 6)).toBe(6);
  const other = new RangeError('no');
  const fail = () => {
    throw other;
  };
  await expect(inCall('decode', async () => callersOwn(fail))).rejects.toBe(other);
  expect(() => inCall('decode', () => callersOwn(fail))).toThrow(other);
  expect(other.message).toBe('no');
});

test('inCall: an error of another type → a TaesdError with it as the cause', async () => {
  const other = new RangeError('no');
  const failure = await inCall('decode', () => Promise.reject(other)).catch((error) => error);
  expect(failure).toBeInstanceOf(TaesdError);
  expect(failure).toMatchObject({
    code: 'ARG',
    message:
      'decode: failed: no (a value that throws when it is read, or a fault of the package or the runtime)',
    cause: other,
  });
});

test('inLoop: items, then an error → the items, and the error named; leaving → the work ends', async () => {
  let ended = 0;
  async function* work() {
    try {
      yield 1;
      yield 2;
      throw WRONG();
    } finally {
      ended += 1;
    }
  }
  const seen: number[] = [];
  const run = async () => {
    for await (const item of inLoop('decodeRows', work())) seen.push(item);
  };
  await expect(run()).rejects.toThrow(/^decodeRows: "width"/);
  expect(seen).toEqual([1, 2]);
  for await (const _ of inLoop('decodeRows', work())) break;
  expect(ended).toBe(2);
});

test('inside: an error → the file before its sentence, its code and cause kept', () => {
  const error = caught(() => inCall('encode', () => inside('a\nb.png', failing))) as TaesdError;
  expect(error.message).toBe(
    'encode: a\\u000ab.png: "width" expected a number, got none (a typo?)',
  );
  expect(error.code).toBe('ARG');
  expect(error.cause).toBeInstanceOf(TaesdError);
});

test('aborted: reasons of every type → ABORTED, the reason as cause; isAbort → true', () => {
  const reason = new DOMException('This operation was aborted', 'AbortError');
  const error = aborted(reason);
  expect(error.message).toBe('aborted (This operation was aborted)');
  expect(error.name).toBe('TaesdError');
  expect(error.code).toBe('ABORTED');
  expect(error.cause).toBe(reason);
  expect(isAbort(error)).toBe(true);
  expect(aborted('enough').message).toBe('aborted (enough)');
  expect(aborted(Object.create(null)).message).toBe('aborted (an object that has no text)');
});

test('isAbort: other errors and values → false', () => {
  for (const value of [WRONG(), reason(), undefined, null, 'ABORTED', { code: 'ABORTED' }]) {
    expect(isAbort(value)).toBe(false);
  }
});
const reason = () => new DOMException('This operation was aborted', 'AbortError');

test('messageOf: several lines → the first; what has no text → a sentence', () => {
  expect(messageOf(new Error('one\ntwo'))).toBe('one');
  expect(messageOf(Symbol('x'))).toBe('Symbol(x)');
  expect(messageOf(Object.create(null))).toBe('an object that has no text');
});
