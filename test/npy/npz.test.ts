import { describe, expect, test } from 'vitest';
import { readLatents } from '../../src/formats/index.ts';
import { isNpz } from '../../src/npy/first-bytes.ts';
import { readNpz } from '../../src/npy/npz.ts';
import { npyByHand, npzByHand } from '../formats/files-by-hand.ts';
import { integers, seededNumbers } from '../formats/seeded-numbers.ts';
import { zipByHand } from '../formats/zip-by-hand.ts';

/*
 * Archives of arrays: names, entries of other kinds, and arrays that are not read.
 */

const numbers = seededNumbers('F32', [4, 2, 3], 3);
const steps = integers('I64', [300, 451]);

/** An array of Python objects, whose elements are a pickle. */
const objects = () => {
  const bytes = npyByHand({ dtype: 'I64', shape: [1], bytes: new Uint8Array(8) });
  const at = Buffer.from(bytes).indexOf("'<i8'");
  bytes.set(Buffer.from("'|O' "), at);
  return bytes;
};

const archive = (...entries: [name: string, bytes: Uint8Array][]) =>
  zipByHand(
    entries.map(([name, bytes]) => ({ name, bytes, isDeflated: false })),
    'numpy',
  );

describe('readNpz', () => {
  for (const isDeflated of [false, true]) {
    test(`arrays, deflated: ${isDeflated} → each by its name, without the ending`, () => {
      const arrays = readNpz(
        npzByHand(
          [
            ['x', numbers],
            ['a/b', steps],
          ],
          { isDeflated },
        ),
      );
      expect([...arrays.keys()]).toEqual(['x', 'a/b']);
      const [x, b] = [...arrays.values()].map(({ read }) => read());
      expect(x).toEqual({ dtype: 'F32', shape: [4, 2, 3], bytes: numbers.bytes });
      expect(b).toEqual({ dtype: 'I64', shape: [2], bytes: steps.bytes });
    });
  }

  test('an entry that is no array → left out', () => {
    const bytes = archive(['x.npy', npyByHand(numbers)], ['readme.txt', Buffer.from('hello')]);
    expect([...readNpz(bytes).keys()]).toEqual(['x']);
  });

  test('a damaged array → INTEGRITY when it is read, with its name; the others are read', () => {
    const bytes = archive(['x.npy', npyByHand(numbers)], ['y.npy', npyByHand(steps)]);
    bytes[Buffer.from(bytes).indexOf('y.npy') + 150] ^= 1;
    const arrays = readNpz(bytes);
    expect(arrays.get('x')?.read().bytes).toEqual(numbers.bytes);
    expect(() => arrays.get('y')?.read()).toThrow(/^y\.npy: .*CRC/);
  });

  test('isNpz: an archive of arrays, another archive, an array → which', () => {
    expect(isNpz(npzByHand([['x', numbers]]))).toBe(true);
    expect(isNpz(archive(['readme.txt', Buffer.from('hello')]))).toBe(false);
    expect(isNpz(npyByHand(numbers))).toBe(false);
  });
});

describe('latents of an archive', () => {
  test('an array of Python objects beside them → the latents', async () => {
    const bytes = archive(['info.npy', objects()], ['x.npy', npyByHand(numbers)]);
    expect((await readLatents(bytes)).latents.data).toEqual(numbers.values);
    expect((await readLatents(bytes, { tensor: 'x' })).latents.data).toEqual(numbers.values);
    await expect(readLatents(bytes, { tensor: 'y' })).rejects.toMatchObject({ code: 'SHAPE' });
  });

  test('nothing but Python objects, or they are named → UNSAFE, with its name', async () => {
    const alone = archive(['info.npy', objects()]);
    const beside = archive(['info.npy', objects()], ['x.npy', npyByHand(numbers)]);
    for (const work of [readLatents(alone), readLatents(beside, { tensor: 'info' })]) {
      await expect(work).rejects.toMatchObject({
        code: 'UNSAFE',
        message: expect.stringMatching(/info\.npy: .*Python objects/),
      });
    }
  });

  test('a cache of sd-scripts → other arrays are not even read', async () => {
    const bytes = archive(
      ['latents.npy', npyByHand(numbers)],
      ['original_size.npy', npyByHand(steps)],
    );
    bytes[Buffer.from(bytes).indexOf('original_size.npy') + 160] ^= 1;
    expect((await readLatents(bytes)).latents.data).toEqual(numbers.values);
  });
});
