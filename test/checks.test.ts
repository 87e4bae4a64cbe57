import { expect, test } from 'vitest';
import { checkLive, checkSize, describe, isDetached } from '../src/checks.ts';

test('describe: any value → few words', () => {
  expect(
    [
      null,
      undefined,
      1.5,
      'a',
      'x'.repeat(50),
      new Uint8Array(3),
      {},
      { a: 1, b: 2 },
      () => 1,
      [],
    ].map(describe),
  ).toEqual([
    'null',
    'undefined',
    '1.5',
    '"a"',
    `"${'x'.repeat(40)}…"`,
    'Uint8Array of 3 bytes',
    'Object',
    '{ a, b }',
    'a function',
    'Array',
  ]);
});

test('describe: what says nothing about itself → a few words, no error', () => {
  const unwilling = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('no');
      },
    },
  );
  const bare = Object.assign(Object.create(null), { a: 1 });
  const odd = [unwilling, Object.create(null), bare, Symbol('s'), 10n];
  expect(odd.map(describe)).toEqual(['an object', 'an object', '{ a }', 'Symbol(s)', '10']);
});

test('checkSize: 1 … 2³¹ − 1 → itself; anything else → ARG', () => {
  for (const size of [1, 512, 2 ** 31 - 1]) expect(checkSize('width', size)).toBe(size);
  for (const [size, got] of [
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    [2 ** 31, '2147483648'],
    ['8', '"8"'],
    [undefined, 'undefined'],
  ]) {
    const message = `"width" expected a whole number from 1 to 2147483647, got ${got}`;
    expect(() => checkSize('width', size)).toThrow(
      expect.objectContaining({ code: 'ARG', message }),
    );
  }
});

test('checkLive, isDetached: a transferred buffer → ARG; an empty view → live', () => {
  const view = new Float32Array(2);
  checkLive('latents', view);
  checkLive('latents', view.subarray(2));
  structuredClone(view.buffer, { transfer: [view.buffer] });
  expect(isDetached(view)).toBe(true);
  expect(() => checkLive('latents', view)).toThrow(
    expect.objectContaining({
      code: 'ARG',
      message: '"latents" expected live data, got a detached buffer (transferred to a worker?)',
    }),
  );
});
