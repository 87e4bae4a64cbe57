import { beforeAll, describe, expect, test } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import { decodePng } from '../../src/png/index.ts';
import { chromium, firefox } from '../page.ts';
import { STILL_PICTURE, withAnimation } from './animated.ts';
import { type Generated, withAncillary, withBrokenStructure } from './generated.ts';
import { distance, type Shown, showInBrowser } from './in-browsers.ts';
import { ownDecode } from './own-decoder.ts';

/*
 * Every generated file in Chromium and in Firefox. Where both show one picture, decodePng gives it.
 * With TAESD_PNG_ALL=1 every interlacing and filter of every kind.
 */

const FILES = [
  ...withAncillary(process.env.TAESD_PNG_ALL === '1'),
  ...withBrokenStructure(),
  ...withAnimation(),
];

/**
 * The browser that decodePng follows where the two differ; or it refuses, or follows neither, or
 * gives the still picture of an animation.
 */
type Decision = 'Chromium' | 'Firefox' | 'refuses' | 'neither' | 'still';

const TURNED = 'eXIf counts, and Firefox does not turn interlaced pictures';
const FOR_GREY = 'a grey picture has a profile for grey';
const POWER =
  'gAMA leads to linear light; Firefox goes to a power of 1/2.2, not to the curve of sRGB';
const CUT = 'pixel data that ends early is TRUNCATED';
const NO_CHECKSUM = 'pixels without a checksum that holds are not trusted';

const HARMLESS = 'nothing after the pixels does harm';
const CUT_FRAME = 'pixel data of a frame that ends early is TRUNCATED';

/** Animations that break a rule. The standard has their still picture shown. */
const STILL_GROUPS = [
  'IDAT for fdAT',
  'IEND before fcTL',
  'acTL of 2³¹ frames',
  'acTL plays 2³¹',
  'blend 2',
  'dispose 3',
  'bytes before fcTL',
  'fcTL and fdAT before the pixels',
  'fcTL at the end of the file',
  'fcTL before the pixels of 25 bytes',
  'fcTL before the pixels with a wrong CRC',
  'fcTL before the pixels with sequence 7',
  'fcTL before the pixels, wider than the picture',
  'fcTL cut in half',
  'fcTL missing',
  'fcTL of 25 bytes',
  'fcTL of 27 bytes',
  'fcTL twice',
  'fcTL twice, of two sizes',
  'fcTL twice, the first broken',
  'fcTL with a wrong CRC',
  'fdAT before the pixels',
  'fdAT missing',
  'fdAT missing, of 2 frames',
  'fdAT of 3 bytes',
  'no frame at all',
  'sequence 0 0',
  'sequence 0 1 3',
  'sequence 0 5',
  'sequence from 1',
  'the first frame is the still picture, of another size',
  'the frame has height 0',
  'the frame has width 0',
  'the frame is far outside',
  'the frame is wider than the picture',
  'the frame leaves the bottom',
  'the frame leaves the right side',
];

/** Animations, by the rest of their group's name. */
const ANIMATED: Readonly<Record<string, readonly [Decision, reason: string]>> = {
  ...Object.fromEntries(STILL_GROUPS.map((group) => [group, ['still', 'a rule is broken']])),
  'acTL with a wrong CRC': ['Chromium', 'the chunk is damaged'],
  'fcTL with a wrong CRC, then a right one': ['Chromium', 'the chunk is damaged'],
  'turned by eXIf': ['Chromium', 'eXIf counts, and Firefox does not turn animations'],
  'tRNS and PLTE late': ['Firefox', 'tRNS comes before IDAT'],
  'fdAT apart': ['Firefox', 'other chunks may lie between'],
  'fdAT apart, an unknown chunk between': ['Firefox', 'other chunks may lie between'],
  'IDAT before fcTL again': ['Firefox', HARMLESS],
  'IDAT after fcTL': ['neither', HARMLESS],
  'a critical chunk before fcTL': ['Firefox', HARMLESS],
  'a critical chunk before fdAT': ['Firefox', HARMLESS],
  'IEND missing': ['Firefox', HARMLESS],
  'IEND cut': ['Firefox', HARMLESS],
  'the still picture has filter 5': ['Chromium', 'the still picture is not read'],
  'the still picture is empty': ['Chromium', 'the still picture is not read'],
  'fdAT without its CRC': ['refuses', CUT_FRAME],
  'fdAT cut in half': ['refuses', CUT_FRAME],
  'a byte less': ['refuses', CUT_FRAME],
  'a row less': ['refuses', CUT_FRAME],
  'half the rows': ['refuses', CUT_FRAME],
  'no pixels': ['refuses', CUT_FRAME],
  'a wrong Adler-32': ['refuses', NO_CHECKSUM],
  'no Adler-32': ['refuses', NO_CHECKSUM],
  'no zlib stream': ['refuses', 'zlib refuses the stream'],
  'a damaged block': ['refuses', 'zlib refuses the stream'],
};

/** The groups that the two browsers do not show alike, and what decides. */
const DIFFERING: Readonly<Record<string, readonly [Decision, reason: string]>> = {
  'tRNS too long': ['Firefox', 'tRNS of grey has 2 bytes'],
  'tRNS of 5 alphas for 4 entries': ['Firefox', 'tRNS has at most an alpha for each entry'],
  'gAMA 100000': ['Chromium', POWER],
  'gAMA 55556': ['Chromium', POWER],
  'gAMA after PLTE': ['Firefox', 'gAMA comes before PLTE'],
  'cHRM of one point, gAMA 45455': ['Chromium', 'the primaries span no colours'],
  'sRGB, gAMA 100000, cHRM of P3': ['Chromium', 'sRGB takes precedence'],
  'cICP BT.709': ['Firefox', 'the curve of a camera is not converted, but noted'],
  'cICP PQ': ['neither', 'high dynamic range is not converted, but noted'],
  'cICP HLG': ['neither', 'high dynamic range is not converted, but noted'],
  'cICP P3 of narrow range': ['Chromium', 'narrow range is not converted, but noted'],
  'cICP YCbCr': ['Firefox', 'cICP of PNG is RGB: the chunk breaks a rule'],
  'iCCP P3, gamma 1.8, version 2': ['Firefox', FOR_GREY],
  'iCCP sRGB, linear': ['Firefox', FOR_GREY],
  'iCCP sRGB, a table of 5 points': ['Firefox', FOR_GREY],
  'iCCP with a wrong CRC': ['Chromium', 'the chunk is damaged'],
  'iCCP of 2 MiB': ['neither', 'a profile is inflated to 1 MiB at most'],
  ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8].map((n) => [`eXIf ${n}`, ['Chromium', TURNED]])),
  'eXIf 6, big-endian': ['Chromium', TURNED],
  'eXIf twice': ['Chromium', TURNED],
  ...Object.fromEntries(
    Object.entries(ANIMATED).map(([group, decision]) => [`APNG: ${group}`, decision]),
  ),
  'PLTE of 257 entries, suggested': ['refuses', 'PLTE is critical'],
  'PLTE of 10 bytes': ['refuses', 'PLTE is critical'],
  'PLTE twice, suggested': ['refuses', 'PLTE is critical'],
  'PLTE with a wrong CRC, suggested': ['refuses', 'PLTE is critical'],
  'an index past the palette': ['Firefox', 'such pixels are opaque black'],
  'IHDR after the pixels': ['Chromium', 'nothing after the pixels does harm'],
  'a critical chunk after the pixels': ['Chromium', 'nothing after the pixels does harm'],
  'a type of no letters before the pixels': ['refuses', 'a type is four letters'],
  'IEND missing': ['Firefox', 'nothing after the pixels does harm'],
  'IEND cut': ['Firefox', 'nothing after the pixels does harm'],
  'IDAT with a wrong CRC': ['refuses', NO_CHECKSUM],
  'IDAT without its CRC': ['refuses', NO_CHECKSUM],
  'IDAT without CRC and Adler-32': ['refuses', NO_CHECKSUM],
  'a wrong Adler-32': ['refuses', NO_CHECKSUM],
  'no Adler-32': ['refuses', NO_CHECKSUM],
  'half an Adler-32': ['refuses', NO_CHECKSUM],
  'bytes before the Adler-32': ['refuses', NO_CHECKSUM],
  'bytes after the Adler-32': ['Chromium', 'nothing after the pixels does harm'],
  'no last block': ['refuses', NO_CHECKSUM],
  'a damaged block after the pixels': ['refuses', 'zlib refuses the stream'],
  'a wrong NLEN': ['refuses', 'zlib refuses the stream'],
  'zlib method 7': ['refuses', 'zlib refuses the stream'],
  'wrong check bits of zlib': ['refuses', 'zlib refuses the stream'],
  'a zlib window of 256 bytes': ['Chromium', 'the window states the memory to keep, no more'],
  'IDAT cut in half': ['refuses', CUT],
  'a byte less': ['refuses', CUT],
  'a row less': ['refuses', CUT],
  'half the rows': ['refuses', CUT],
  'no pixels': ['refuses', CUT],
};

test('the groups that differ → all are generated', () => {
  const groups = new Set(FILES.map(({ group }) => group));
  expect(Object.keys(DIFFERING).filter((group) => !groups.has(group))).toEqual([]);
});

describe.skipIf(chromium === undefined || firefox === undefined)(
  'generated files in browsers',
  () => {
    const shown: Record<string, readonly [chromium: Shown, firefox: Shown]> = {};

    beforeAll(async () => {
      const pngs = FILES.map(({ png }) => png);
      const inChromium = await showInBrowser('chromium', pngs);
      const inFirefox = await showInBrowser('firefox', pngs);
      FILES.forEach(({ name }, i) => {
        shown[name] = [inChromium[i], inFirefox[i]];
      });
    });

    for (const group of new Set(FILES.map((one) => one.group))) {
      test(`${group} → the pixels of both browsers, or another rule decides`, () => {
        const files = FILES.filter((one) => one.group === group);
        const faults = files.map((one) => faultOf(one, shown[one.name]));
        expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
      });
    }
  },
);

/** Returns how decodePng differs from what it must give, or undefined. */
function faultOf(
  { group, name, png }: Generated,
  [c, f]: readonly [Shown, Shown],
): string | undefined {
  const ours = decoded(png);
  const isConverted = ownDecode(png)?.isConverted === true;
  const isDeep = / depth 16/.test(name);
  const [decision] = DIFFERING[group] ?? [];
  // Browsers round 16 bits to 8 and convert then; decodePng converts all bits.
  if (decision === 'neither' || (isConverted && isDeep)) {
    return ours === null ? `${name}: refused` : undefined;
  }
  // A canvas rounds translucent colours, each browser in its own way, before it converts them.
  const isTranslucent = /colour type [46]|RGBA|, tRNS/.test(name);
  const tolerance = isConverted ? (isTranslucent ? 6 : 1) : isDeep ? 1 : 0;
  const isNear = (a: Shown, b: Shown, more = 0): boolean =>
    a === null || b === null ? a === b : distance(a, b) <= tolerance + more;
  if (decision === 'still') {
    return isNear(ours, STILL_PICTURE) ? undefined : `${name}: not the still picture`;
  }
  const isColour = /^(?:cICP|iCCP)/.test(group);
  if (isNear(c, f, isColour || isTranslucent || isConverted || isDeep ? 1 : 0)) {
    return isNear(ours, c) || isNear(ours, f) ? undefined : `${name}: both show it otherwise`;
  }
  if (decision === undefined) return `${name}: the browsers differ by ${c && f && distance(c, f)}`;
  const wanted = { Chromium: c, Firefox: f, refuses: null }[decision];
  return isNear(ours, wanted, isColour ? 1 : 0)
    ? undefined
    : `${name}: expected that decodePng follows: ${decision}`;
}

function decoded(png: Uint8Array): Shown {
  try {
    return decodePng(png);
  } catch (error) {
    if (error instanceof TaesdError) return null;
    throw error;
  }
}
