import {
  type Chromaticities,
  type ColourSpace,
  codePointSpace,
  gammaCurve,
  isNearlySrgb,
  MAX_PROFILE_BYTES,
  primariesMatrix,
  profileSpace,
} from '../colour/index.ts';
import { type Orientation, orientationOf } from '../exif/index.ts';
import { GREY, GREY_ALPHA, type PngHeader } from './header.ts';
import { inflateAtMost } from './inflate.ts';
import { readUint32 } from './layout.ts';
import type { Notes } from './notes.ts';
import type { ChunkData, MeaningType, ScannedPng } from './scan.ts';
import { MAX_KEYWORD_LENGTH } from './text.ts';

/** The reading of one chunk: a space, `srgb` for no conversion, or undefined if another decides. */
type Reading = ColourSpace | 'srgb' | undefined;

/**
 * Returns the space of a picture's colours, or undefined if they are those of sRGB. The first of
 * cICP, iCCP, sRGB, and gAMA with cHRM decides. Chunks that are not applied are noted.
 * Source: https://www.w3.org/TR/png-3/#color-chunk-precendence
 */
export function colourSpaceOf({ header, meaning, notes }: ScannedPng): ColourSpace | undefined {
  const readers: readonly [MeaningType, (chunk: ChunkData) => Reading][] = [
    ['cICP', (chunk) => readCicp(chunk, notes)],
    ['iCCP', (chunk) => readIccp(chunk, header, notes)],
    ['sRGB', (chunk) => readSrgb(chunk, notes)],
    ['gAMA', (chunk) => readGamma(chunk, meaning.get('cHRM'), notes)],
  ];
  for (const [type, read] of readers) {
    const chunk = meaning.get(type);
    const space = chunk && read(chunk);
    if (space === undefined) continue;
    return space === 'srgb' || isNearlySrgb(space) ? undefined : space;
  }
  return undefined;
}

/**
 * Returns the orientation that eXIf records. Its data begin with the TIFF structure; browsers read
 * no other.
 * Source: https://www.w3.org/TR/png-3/#eXIf
 */
export function pngOrientation({ meaning }: ScannedPng): Orientation {
  const data = meaning.get('eXIf')?.data;
  return data === undefined || data[0] === 'E'.charCodeAt(0) ? 1 : orientationOf(data);
}

/** Source: https://www.w3.org/TR/png-3/#cICP-chunk */
function readCicp({ name, data }: ChunkData, notes: Notes): Reading {
  const [primaries, transfer, matrix, range] = data;
  if (matrix !== 0) return leftOut(notes, name, 'matrix coefficients 0 (RGB)', `${matrix}`);
  const space =
    range === 1 ? codePointSpace(primaries, transfer) : 'its narrow range is not expanded';
  if (typeof space !== 'string') return space;
  notes.add(`${name}: the colours are shown as they are: ${space}`);
  return 'srgb';
}

/** Source: https://www.w3.org/TR/png-3/#11iCCP */
function readIccp({ name, data }: ChunkData, header: PngHeader, notes: Notes): Reading {
  const end = data.indexOf(0);
  if (end < 1 || end > MAX_KEYWORD_LENGTH || data[end + 1] !== 0) {
    return leftOut(notes, name, 'a name and compression method 0', 'none');
  }
  const profile = inflateAtMost(data.subarray(end + 2), MAX_PROFILE_BYTES);
  if (typeof profile === 'string')
    return leftOut(notes, name, 'a profile of at most 1 MiB', profile);
  const isGrey = header.colourType === GREY || header.colourType === GREY_ALPHA;
  const space = profileSpace(profile, isGrey ? 'GRAY' : 'RGB');
  if (typeof space !== 'string') return space;
  notes.add(`${name}: the profile is not applied: ${space}`);
  return undefined;
}

/** Source: https://www.w3.org/TR/png-3/#11sRGB */
function readSrgb({ name, data }: ChunkData, notes: Notes): Reading {
  return data[0] <= 3 ? 'srgb' : leftOut(notes, name, 'an intent from 0 to 3', `${data[0]}`);
}

/** gAMA of files that are meant as sRGB: 1/2.2. */
const SRGB_GAMMA = 45455;

/**
 * Reads gAMA, with cHRM if there is one. cHRM alone does nothing, and gAMA 1/2.2 alone stands for
 * sRGB, as in browsers.
 * Source: https://www.w3.org/TR/png-3/#11gAMA, https://www.w3.org/TR/png-3/#11cHRM
 */
function readGamma({ name, data }: ChunkData, cHRM: ChunkData | undefined, notes: Notes): Reading {
  const gamma = readUint32(data, 0);
  if (gamma === 0 || gamma >= 2 ** 31) return leftOut(notes, name, 'a gamma above 0', `${gamma}`);
  const matrix = cHRM && readChromaticities(cHRM, notes);
  if (matrix === undefined && gamma === SRGB_GAMMA) return 'srgb';
  const curve = gammaCurve(100000 / gamma);
  return { curves: [curve, curve, curve], matrix };
}

function readChromaticities(
  { name, data }: ChunkData,
  notes: Notes,
): readonly number[] | undefined {
  const values = Array.from({ length: 8 }, (_, i) => readUint32(data, 4 * i) / 100000);
  const matrix = primariesMatrix(values as unknown as Chromaticities);
  return matrix ?? leftOut(notes, name, 'primaries that span colours', values.join(', '));
}

function leftOut(notes: Notes, name: string, rule: string, got: string): undefined {
  notes.leftOut(name, rule, got);
}
