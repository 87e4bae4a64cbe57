import { describe, expect, test } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import { decodePng } from '../../src/png/index.ts';
import { chromium, firefox } from '../page.ts';
import { distance, type Shown, showInBrowser } from '../png/in-browsers.ts';
import { chunksOf } from './png-parts.ts';
import { Random } from './random.ts';
import { png } from './targets/png.ts';

/*
 * Inputs of the target png in Chromium and in Firefox. Where both show one picture, decodePng gives
 * it; where both refuse a file, it does. TAESD_FUZZ_SEED and TAESD_FUZZ_COUNT change the inputs.
 */

const SEED = Number(process.env.TAESD_FUZZ_SEED ?? 7);
const COUNT = Number(process.env.TAESD_FUZZ_COUNT ?? 1500);
/** One input in so many is made from nothing. */
const FRESH = 12;
/** A canvas rounds translucent colours, each browser in its own way, before it converts them. */
const TOLERANCE = 1;
const CONVERTED_TOLERANCE = 6;

/** Changes seeds, and changed files again. */
function inputs(): Uint8Array[] {
  const seeds = png.seeds();
  const made: Uint8Array[] = [];
  for (let i = 0; i < COUNT; i++) {
    const random = new Random(SEED, i);
    const some = (): Uint8Array =>
      made.length > 0 && random.oneIn(3) ? random.pick(made) : random.pick(seeds);
    made.push(random.oneIn(FRESH) ? png.generate(random) : png.mutate(random, some(), some()));
  }
  return made;
}

/**
 * Browsers refuse animations whose still picture the standard has shown. generated.browser.test.ts
 * has a decision for each rule that such a file breaks.
 */
const isAnimated = (file: Uint8Array): boolean =>
  (chunksOf(file) ?? []).some(({ type }) => /^(?:acTL|fcTL|fdAT)$/.test(type));

interface Decoded {
  readonly shown: Shown;
  /** The notes of what was left out or not converted, or the reason of the refusal. */
  readonly says: string;
}

function decoded(file: Uint8Array): Decoded {
  try {
    const picture = decodePng(file, { maxPixels: 2 ** 20 });
    return { shown: picture, says: picture.notes.join('; ') };
  } catch (error) {
    if (error instanceof TaesdError) return { shown: null, says: error.message };
    throw error;
  }
}

const alike = (a: Shown, b: Shown, tolerance: number): boolean =>
  a === null || b === null ? a === b : distance(a, b) <= tolerance;

/** Decisions of generated.browser.test.ts against both browsers, by what decodePng says. */
const DECIDED = /is not converted|at most 1 MiB|matrix coefficients|expected Adler-32/;

const hasColours = (file: Uint8Array): boolean =>
  (chunksOf(file) ?? []).some(({ type }) => /^(?:iCCP|cICP|gAMA|cHRM|sRGB)$/.test(type));

/** Returns how decodePng differs from both browsers, or undefined. */
function faultOf(file: Uint8Array, inChromium: Shown, inFirefox: Shown): string | undefined {
  if (!alike(inChromium, inFirefox, TOLERANCE)) return undefined;
  const { shown, says } = decoded(file);
  if (DECIDED.test(says)) return undefined;
  const tolerance = hasColours(file) ? CONVERTED_TOLERANCE : TOLERANCE;
  if (alike(shown, inChromium, tolerance) || alike(shown, inFirefox, tolerance)) return undefined;
  if (inChromium === null && isAnimated(file)) return undefined;
  const sizes = [inChromium, inFirefox, shown].map((one) =>
    one === null ? 'refused' : `${one.width}×${one.height}`,
  );
  const where = `Chromium ${sizes[0]}, Firefox ${sizes[1]}, here ${sizes[2]} (${says})`;
  return `${where}: ${Buffer.from(file).toString('base64')}`;
}

describe.skipIf(chromium === undefined || firefox === undefined)('inputs in browsers', () => {
  test(`${COUNT} files from seed ${SEED} → the picture of both browsers, or refused as by both`, async () => {
    const files = inputs();
    const inChromium = await showInBrowser('chromium', files);
    const inFirefox = await showInBrowser('firefox', files);
    const faults = files.map((file, i) => faultOf(file, inChromium[i], inFirefox[i]));
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
    // The files are of every kind.
    const shown = inChromium.filter((one, i) => one !== null && alike(one, inFirefox[i], 1));
    expect(shown.length).toBeGreaterThan(COUNT / 20);
    expect(inChromium.filter((one) => one === null).length).toBeGreaterThan(COUNT / 5);
  });
});
