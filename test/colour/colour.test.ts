import { describe, expect, test } from 'vitest';
import {
  type ColourSpace,
  codePointSpace,
  gammaCurve,
  isNearlySrgb,
  primariesMatrix,
  profileSpace,
  SRGB_PRIMARIES,
} from '../../src/colour/index.ts';
import { srgbLevel } from '../../src/colour/space.ts';
import { joined, latin1 } from '../bytes.ts';
import { uint32 } from '../png/build-png.ts';
import {
  curveTag,
  gammaTag,
  greyProfile,
  iccProfile,
  P3_D50,
  parametricTag,
  rgbProfile,
  SRGB_CURVE,
  SRGB_D50,
} from '../png/icc.ts';

const spaceOf = (space: ColourSpace | string): ColourSpace => {
  if (typeof space === 'string') throw new Error(space);
  return space;
};
const near = (values: readonly number[] = [], digits = 3): string[] =>
  values.map((value) => (value + 0).toFixed(digits).replace(/^-(0\.0*)$/, '$1'));

describe('primariesMatrix', () => {
  test('sRGB → the identity', () => {
    expect(near(primariesMatrix(SRGB_PRIMARIES))).toEqual(near([1, 0, 0, 0, 1, 0, 0, 0, 1]));
  });

  test('Display P3 → the matrix that CSS Color 4 gives', () => {
    const p3 = primariesMatrix([0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06]);
    // https://www.w3.org/TR/css-color-4/#color-conversion-code
    const css = [1.2249, -0.2249, 0, -0.042, 1.042, 0, -0.0196, -0.0786, 1.0983];
    expect(near(p3)).toEqual(near(css));
  });

  test('BT.2020 → the matrix of ITU-R BT.2087', () => {
    const wide = primariesMatrix([0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046]);
    const bt2087 = [1.6605, -0.5876, -0.0728, -0.1246, 1.1329, -0.0083, -0.0182, -0.1006, 1.1187];
    expect(near(wide, 2)).toEqual(near(bt2087, 2));
  });

  test('any white → white stays white', () => {
    const m = primariesMatrix([0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001]);
    const sums = [0, 3, 6].map((row) => (m ?? []).slice(row, row + 3).reduce((a, b) => a + b));
    expect(near(sums, 2)).toEqual(['1.00', '1.00', '1.00']);
  });

  for (const [name, values] of [
    ['one point', Array(8).fill(0.3)],
    ['a line', [0.3, 0.3, 0.1, 0.1, 0.2, 0.2, 0.4, 0.4]],
    ['y of 0', [0.3127, 0, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06]],
    ['huge numbers', [0.3127, 0.329, 40000, 0.33, 0.3, 0.6, 0.15, 0.06]],
    ['NaN', Array(8).fill(Number.NaN)],
  ] as const) {
    test(`${name} → undefined`, () => {
      expect(primariesMatrix(values as unknown as typeof SRGB_PRIMARIES)).toBeUndefined();
    });
  }
});

describe('srgbLevel', () => {
  test('every level’s light → the level', () => {
    for (let level = 0; level < 256; level++) {
      const v = level / 255;
      const light = v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
      expect(srgbLevel(light)).toBe(level);
    }
  });

  test('light out of range, NaN → clipped', () => {
    expect([-1, 0, 1, 2, Number.POSITIVE_INFINITY, Number.NaN].map(srgbLevel)).toEqual([
      0, 0, 255, 255, 255, 0,
    ]);
  });
});

describe('codePointSpace', () => {
  for (const [primaries, transfer, value, light] of [
    [1, 4, 0.5, 0.5 ** 2.2],
    [4, 5, 0.5, 0.5 ** 2.8],
    [9, 8, 0.5, 0.5],
    [22, 13, 0.5, 0.21404],
  ] as const) {
    test(`${primaries}, ${transfer} → its curve`, () => {
      const { curves, matrix } = spaceOf(codePointSpace(primaries, transfer));
      expect(curves[0](value)).toBeCloseTo(light, 5);
      expect(matrix?.length).toBe(primaries === 1 ? undefined : 9);
    });
  }

  for (const [primaries, transfer, reason] of [
    [9, 16, 'high dynamic range (PQ) is not converted to sRGB'],
    [9, 18, 'high dynamic range (HLG) is not converted to sRGB'],
    [1, 1, 'transfer function 1 is not converted'],
    [2, 13, 'colour primaries 2 are not converted'],
    [10, 13, 'colour primaries 10 are not converted'],
    [1, 255, 'transfer function 255 is not converted'],
  ] as const) {
    test(`${primaries}, ${transfer} → ${reason}`, () => {
      expect(codePointSpace(primaries, transfer)).toBe(reason);
    });
  }
});

describe('profileSpace', () => {
  const lightOf = (curve: Uint8Array, value: number): number =>
    spaceOf(profileSpace(rgbProfile(P3_D50, curve), 'RGB')).curves[0](value);

  for (const [name, curve, points] of [
    ['gamma 1.8', gammaTag(1.8), [0.5 ** 1.8, 1]],
    ['no points', curveTag([]), [0.5, 1]],
    ['three points', curveTag([0, 6553, 65535]), [0.1, 1]],
    ['parameters of type 0', parametricTag(0, [2]), [0.25, 1]],
    ['parameters of type 1', parametricTag(1, [2, 2, -1]), [0, 1]],
    ['parameters of type 2', parametricTag(2, [2, 2, -1, 0.25]), [0.25, 1.25]],
    ['parameters of type 3', SRGB_CURVE, [0.21404, 1]],
    ['parameters of type 4', parametricTag(4, [2, 1, 0, 0.5, 0.75, 0.125, 0]), [0.25, 1.125]],
  ] as const) {
    test(`a curve of ${name} → its light at 0.5 and 1`, () => {
      expect(lightOf(curve, 0.5)).toBeCloseTo(points[0], 3);
      expect(lightOf(curve, 1)).toBeCloseTo(points[1], 3);
    });
  }

  test('the numbers of P3 and of sRGB → the matrices of their primaries', () => {
    const p3 = spaceOf(profileSpace(rgbProfile(P3_D50, SRGB_CURVE), 'RGB'));
    const wanted = primariesMatrix([0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06]);
    expect(near(p3.matrix)).toEqual(near(wanted));
    const srgb = spaceOf(profileSpace(rgbProfile(SRGB_D50, SRGB_CURVE), 'RGB'));
    expect([isNearlySrgb(srgb), isNearlySrgb(p3)]).toEqual([true, false]);
  });

  test('grey → one curve and no matrix', () => {
    const { curves, matrix } = spaceOf(profileSpace(greyProfile(gammaTag(2)), 'GRAY'));
    expect([curves[0](0.5), curves[2](0.5), matrix]).toEqual([0.25, 0.25, undefined]);
  });

  const RGB = rgbProfile(P3_D50, SRGB_CURVE);
  for (const [name, profile, kind, reason] of [
    ['an empty profile', new Uint8Array(0), 'RGB', 'it is malformed'],
    ['text', latin1('x'.repeat(200)), 'RGB', 'it is malformed'],
    [
      'a profile for grey',
      greyProfile(gammaTag(2)),
      'RGB',
      'it is for GRAY, and the picture is RGB',
    ],
    ['a profile for RGB', RGB, 'GRAY', 'it is for RGB, and the picture is GRAY'],
    ['a profile for CMYK', iccProfile('CMYK', {}), 'RGB', 'it is for CMYK, and the picture is RGB'],
    ['no tags', iccProfile('RGB ', {}), 'RGB', 'it is malformed'],
    ['no tags', iccProfile('GRAY', {}), 'GRAY', 'it is malformed'],
    [
      'tables in three dimensions',
      iccProfile('RGB ', { A2B0: new Uint8Array(32) }, { pcs: 'Lab ' }),
      'RGB',
      'it has tables in three dimensions',
    ],
    [
      'Lab without tables',
      rgbProfile(P3_D50, SRGB_CURVE, { pcs: 'Lab ' }),
      'RGB',
      'it has no curves and no matrix',
    ],
    [
      'grey with a curve of lightness',
      iccProfile('GRAY', { kTRC: gammaTag(1) }, { pcs: 'Lab ' }),
      'GRAY',
      'its curve is that of lightness, L*',
    ],
    [
      'a curve of an unknown type',
      rgbProfile(P3_D50, parametricTag(5, [1])),
      'RGB',
      'it is malformed',
    ],
    ['a curve cut off', rgbProfile(P3_D50, parametricTag(4, [1, 1])), 'RGB', 'it is malformed'],
    [
      'a curve of more points than there are',
      rgbProfile(P3_D50, joined(latin1('curv'), uint32(0), uint32(2 ** 31))),
      'RGB',
      'it is malformed',
    ],
    [
      'primaries of 0',
      rgbProfile({ r: [0, 0, 0], g: [0, 0, 0], b: [0, 0, 0] }, SRGB_CURVE),
      'RGB',
      'all',
    ],
  ] as const) {
    test(`${name} for ${kind} → ${reason}`, () => {
      const space = profileSpace(profile, kind);
      if (reason !== 'all') expect(space).toBe(reason);
      else expect(near(spaceOf(space).matrix)).toEqual(near(Array(9).fill(0)));
    });
  }

  test('a profile cut at every byte → a space or a reason', () => {
    for (let cut = 0; cut < RGB.length; cut++) {
      const space = profileSpace(RGB.subarray(0, cut), 'RGB');
      expect(typeof space === 'string' || space.curves.length === 3).toBe(true);
    }
  });

  test('a profile with each byte changed → levels from 0 to 255', () => {
    for (let at = 0; at < RGB.length; at++) {
      const space = profileSpace(RGB.with(at, RGB[at] ^ 0xff), 'RGB');
      if (typeof space === 'string') continue;
      const level = srgbLevel(space.curves[0](0.3));
      expect(level >= 0 && level <= 255).toBe(true);
    }
  });
});

test('isNearlySrgb: gamma 2.2 → false; rounded curves of sRGB → true', () => {
  const gamma = gammaCurve(2.2);
  expect(isNearlySrgb({ curves: [gamma, gamma, gamma], matrix: undefined })).toBe(false);
  const points = Array.from({ length: 1024 }, (_, i) => {
    const v = i / 1023;
    return Math.round(65535 * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  });
  const profile = profileSpace(rgbProfile(SRGB_D50, curveTag(points)), 'RGB');
  expect(isNearlySrgb(spaceOf(profile))).toBe(true);
});
