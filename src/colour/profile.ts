import { gammaCurve, parametricCurve, sampledCurve } from './curves.ts';
import { fromColumns, type Vector } from './matrix.ts';
import { fromD50 } from './primaries.ts';
import type { ColourSpace, Curve } from './space.ts';

/** The kinds of pictures a profile is for. */
export type IccKind = 'RGB' | 'GRAY';

/**
 * The largest profile that readers of pictures take. Those of cameras and screens have a few
 * kilobytes, those of printers up to 2 MB.
 */
export const MAX_PROFILE_BYTES = 2 ** 20;

const HEADER_BYTES = 128;
/** More tags than any profile has. */
const MAX_TAGS = 256;
/** The tags of tables in three dimensions, which take precedence over curves and a matrix. */
const TABLES = ['A2B0', 'A2B1', 'A2B2', 'D2B0', 'D2B1', 'D2B2'];
const MALFORMED = 'it is malformed';

/** The count of numbers after g of a parametric curve, by its type. Source: ICC.1:2022, table 68 */
const PARAMETERS: readonly number[] = [0, 2, 3, 4, 6];

/**
 * Reads an ICC profile that consists of curves and, for RGB, of a matrix: those of screens and
 * cameras. Profiles of tables in three dimensions, which printers have, are not converted.
 * Source: ICC.1:2022, 7.2, 8.3, 8.4 and 10
 *
 * @param profile  the whole profile
 * @param kind     the picture's samples: colours or grey
 * @returns the space, or the reason why it is not converted
 */
export function profileSpace(profile: Uint8Array, kind: IccKind): ColourSpace | string {
  if (profile.length < HEADER_BYTES + 4 || textAt(profile, 36) !== 'acsp') return MALFORMED;
  const space = textAt(profile, 16).trim();
  if (space !== kind) return `it is for ${space}, and the picture is ${kind}`;
  const tags = readTags(profile);
  if (TABLES.some((name) => tags.has(name))) return 'it has tables in three dimensions';
  if (textAt(profile, 20) !== 'XYZ ') {
    return kind === 'RGB' ? 'it has no curves and no matrix' : 'its curve is that of lightness, L*';
  }
  if (kind === 'GRAY') {
    const curve = readCurve(tags.get('kTRC'));
    return curve === undefined ? MALFORMED : { curves: [curve, curve, curve], matrix: undefined };
  }
  const [red, green, blue] = ['rTRC', 'gTRC', 'bTRC'].map((name) => readCurve(tags.get(name)));
  const columns = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => readXyz(tags.get(name)));
  const [redXyz, greenXyz, blueXyz] = columns;
  if (!red || !green || !blue || !redXyz || !greenXyz || !blueXyz) return MALFORMED;
  const matrix = fromD50(fromColumns(redXyz, greenXyz, blueXyz));
  return matrix === undefined ? MALFORMED : { curves: [red, green, blue], matrix };
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const textAt = (bytes: Uint8Array, at: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + 4));

function readTags(profile: Uint8Array): Map<string, Uint8Array> {
  const view = viewOf(profile);
  const fitting = Math.floor((profile.length - HEADER_BYTES - 4) / 12);
  const count = Math.min(view.getUint32(HEADER_BYTES), fitting, MAX_TAGS);
  const tags = new Map<string, Uint8Array>();
  for (let n = 0; n < count; n++) {
    const at = HEADER_BYTES + 4 + 12 * n;
    const start = view.getUint32(at + 4);
    const end = start + view.getUint32(at + 8);
    if (end <= profile.length) tags.set(textAt(profile, at), profile.subarray(start, end));
  }
  return tags;
}

const FIXED_ONE = 65536;

function readXyz(tag: Uint8Array | undefined): Vector | undefined {
  if (tag === undefined || tag.length < 20 || textAt(tag, 0) !== 'XYZ ') return undefined;
  const view = viewOf(tag);
  return [
    view.getInt32(8) / FIXED_ONE,
    view.getInt32(12) / FIXED_ONE,
    view.getInt32(16) / FIXED_ONE,
  ];
}

/** Reads `curv` (nothing, an exponent, or points) or `para` (a parametric curve). */
function readCurve(tag: Uint8Array | undefined): Curve | undefined {
  if (tag === undefined || tag.length < 12) return undefined;
  const view = viewOf(tag);
  const type = textAt(tag, 0);
  if (type === 'curv') {
    const count = view.getUint32(8);
    if (12 + 2 * count > tag.length) return undefined;
    if (count === 0) return gammaCurve(1);
    if (count === 1) return gammaCurve(view.getUint16(12) / 256);
    const points = Float64Array.from(
      { length: count },
      (_, i) => view.getUint16(12 + 2 * i) / 65535,
    );
    return sampledCurve(points);
  }
  const count = type === 'para' ? PARAMETERS[view.getUint16(8)] : undefined;
  if (count === undefined || 16 + 4 * count > tag.length) return undefined;
  const g = view.getInt32(12) / FIXED_ONE;
  const numbers = Array.from({ length: count }, (_, i) => view.getInt32(16 + 4 * i) / FIXED_ONE);
  return parametricFrom(g, numbers);
}

/** Returns the curve of one of the five types, told apart by the count of numbers after g. */
function parametricFrom(g: number, numbers: readonly number[]): Curve {
  const [a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = numbers;
  // Types 1 and 2 turn at −b/a; below, type 1 is 0 and type 2 is c.
  if (numbers.length === 2) return parametricCurve(g, [a, b, 0, -b / a, 0, 0]);
  if (numbers.length === 3) return parametricCurve(g, [a, b, 0, -b / a, c, c]);
  return parametricCurve(g, [a, b, c, d, e, f]);
}
