import { expect, test } from 'vitest';
import { expected, expectedText, onOneLine } from '../src/errors.ts';

test('expectedText: names and values → as they are', () => {
  expect(expectedText('decoder 1.weight', 'shape [64]', '[4]', 'SD3 weights?')).toBe(
    '"decoder 1.weight" expected shape [64], got [4] (SD3 weights?)',
  );
  expect(expectedText('größe 大 😀 "q" \\', 'a × b', '"\\u001b"')).toBe(
    '"größe 大 😀 "q" \\" expected a × b, got "\\u001b"',
  );
});

test('expected: control, direction and line-ending characters, half pairs → escaped', () => {
  const { message } = expected(
    'ARG',
    'load a\nb',
    '\u001b[2J\u202ex\u2028',
    'y',
    '\u0085\ud800\u{e0001}',
  );
  expect(message).toBe(
    'load a\\u000ab: "\\u001b[2J\\u202ex\\u2028" expected y, got \\u0085\\ud800\\u{e0001}',
  );
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
