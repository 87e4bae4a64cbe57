import { joined, latin1 } from '../bytes.ts';
import { uint32 } from './build-png.ts';

/*
 * ICC profiles made by hand.
 * Source: ICC.1:2022, https://www.color.org/specification/ICC.1-2022-05.pdf
 */

const fixed = (value: number): Uint8Array => uint32(Math.round(value * 65536) >>> 0);
const uint16 = (value: number): number[] => [value >> 8, value & 255];

/** Pads to a multiple of 4 bytes, as tags begin at one. */
const padded = (bytes: Uint8Array): Uint8Array =>
  joined(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));

export const xyzTag = (xyz: readonly number[]): Uint8Array =>
  joined(latin1('XYZ '), uint32(0), ...xyz.map(fixed));
/** A curve of one exponent, in steps of 1/256. */
export const gammaTag = (gamma: number): Uint8Array =>
  joined(latin1('curv'), uint32(0), uint32(1), uint16(Math.round(gamma * 256)));
export const curveTag = (values: readonly number[]): Uint8Array =>
  joined(latin1('curv'), uint32(0), uint32(values.length), ...values.map(uint16));
/** A parametric curve: type 0 to 4 and its numbers g a b c d e f. */
export const parametricTag = (type: number, numbers: readonly number[]): Uint8Array =>
  joined(latin1('para'), uint32(0), uint16(type), [0, 0], ...numbers.map(fixed));

/** A profile of tags, by name. */
export function iccProfile(
  space: 'RGB ' | 'GRAY' | 'CMYK',
  tags: Readonly<Record<string, Uint8Array>>,
  { version = 4, deviceClass = 'mntr', pcs = 'XYZ ' } = {},
): Uint8Array {
  const names = Object.keys(tags);
  const table: Uint8Array[] = [];
  const bodies: Uint8Array[] = [];
  let at = 128 + 4 + 12 * names.length;
  for (const name of names) {
    const body = padded(tags[name]);
    table.push(joined(latin1(name), uint32(at), uint32(tags[name].length)));
    bodies.push(body);
    at += body.length;
  }
  const header = joined(
    uint32(at),
    latin1('none'),
    [version, version === 4 ? 0x20 : 0x10, 0, 0],
    latin1(deviceClass),
    latin1(space),
    latin1(pcs),
    [0x07, 0xe6, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0],
    latin1('acsp'),
    new Uint8Array(24),
    // Perceptual intent, then the illuminant D50.
    uint32(0),
    fixed(0.9642),
    fixed(1),
    fixed(0.8249),
    new Uint8Array(48),
  );
  return joined(header.subarray(0, 128), uint32(names.length), ...table, ...bodies);
}

/** Columns of Display P3 and sRGB, adapted to D50. */
export const P3_D50 = {
  r: [0.51512, 0.2412, -0.00105],
  g: [0.29198, 0.69225, 0.04189],
  b: [0.1571, 0.06657, 0.78407],
};
export const SRGB_D50 = {
  r: [0.43607, 0.22249, 0.01392],
  g: [0.38515, 0.71687, 0.09708],
  b: [0.14307, 0.06061, 0.7141],
};
/** The curve of sRGB as a parametric curve of type 3. */
export const SRGB_CURVE = parametricTag(3, [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]);

const text = (words: string): Uint8Array =>
  joined(
    latin1('mluc'),
    uint32(0),
    uint32(1),
    uint32(12),
    latin1('enUS'),
    uint32(words.length * 2),
    uint32(28),
    ...[...words].map((one) => [0, one.charCodeAt(0)]),
  );
const COMMON = { desc: text('test'), cprt: text('none'), wtpt: xyzTag([0.9642, 1, 0.8249]) };

export const rgbProfile = (
  { r, g, b }: typeof P3_D50,
  curve: Uint8Array,
  options: { version?: number; deviceClass?: string; pcs?: string } = {},
): Uint8Array =>
  iccProfile(
    'RGB ',
    {
      ...COMMON,
      rXYZ: xyzTag(r),
      gXYZ: xyzTag(g),
      bXYZ: xyzTag(b),
      rTRC: curve,
      gTRC: curve,
      bTRC: curve,
    },
    options,
  );
export const greyProfile = (curve: Uint8Array): Uint8Array =>
  iccProfile('GRAY', { ...COMMON, kTRC: curve });
