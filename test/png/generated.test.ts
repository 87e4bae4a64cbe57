import { describe, expect, test } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import { decodePng } from '../../src/png/index.ts';
import { isFullLength, rounds } from '../full-length.ts';
import { withAnimation } from './animated.ts';
import { type Generated, withAncillary, withBrokenStructure } from './generated.ts';
import { type OwnPicture, ownDecode } from './own-decoder.ts';

/*
 * Every generated file through decodePng and through the tests' own decoder.
 */

const FILES = [...withAncillary(isFullLength), ...withBrokenStructure(), ...withAnimation()];

/** Returns how decodePng differs from the own decoder, or undefined. */
function differenceOf({ name, png }: Generated): string | undefined {
  const own = ownDecode(png);
  try {
    const { width, height, data } = decodePng(png);
    if (own === undefined) return `${name}: must be refused`;
    if (width !== own.width || height !== own.height) return `${name}: ${width}×${height}`;
    return pixelDifference(name, data, own);
  } catch (error) {
    if (!(error instanceof TaesdError)) throw error;
    return own === undefined ? undefined : `${name}: ${error.message}`;
  }
}

function pixelDifference(name: string, data: Uint8Array, own: OwnPicture): string | undefined {
  const tolerance = own.isConverted ? 1 : 0;
  const at = data.findIndex(
    (value, i) => Math.abs(value - own.data[i]) > (i % 4 === 3 ? 0 : tolerance),
  );
  return at === -1 ? undefined : `${name}: byte ${at} is ${data[at]}, expected ${own.data[at]}`;
}

test('the generator → 400 files or more, each of its own', () => {
  expect(FILES.length).toBeGreaterThan(1500);
  expect(new Set(FILES.map(({ name }) => name)).size).toBe(FILES.length);
});

describe('decodePng against a decoder of the tests’ own', () => {
  for (const group of new Set(FILES.map((one) => one.group))) {
    test(`${group} → its pixels, ±1 where colours are converted; or refused`, () => {
      // The sample is every other file.
      const all = FILES.filter((one) => one.group === group);
      const files = all.filter((_, n) => n % rounds(2, 1) === 0);
      expect(files.map(differenceOf).filter((one) => one !== undefined)).toEqual([]);
    });
  }
});
