import { describe, expect, test } from 'vitest';
import { readLatents } from '../../src/formats/index.ts';
import { rounds } from '../full-length.ts';
import { LATENT_CASES, type LatentCase } from './latent-cases.ts';

/*
 * Damaged files: cut short, and with one byte changed. Nothing but a TaesdError may leave, and no
 * number may differ but that of the element that was hit.
 */

/** Each file is cut and changed at every such place. */
const STRIDE = rounds(41, 2);
/** The changes of a byte: its lowest bit, its highest, the case of a letter, and all of it. */
const CHANGES = [0x01, 0x80, 0x20, 0xff, 0x02, 0x04, 0x08, 0x10, 0x40];

/** Returns the numbers, or the error, which must be typed. */
async function outcome({ options }: LatentCase, bytes: Uint8Array) {
  try {
    return (await readLatents(bytes, options)).latents;
  } catch (error) {
    expect(error).toMatchObject({ name: 'TaesdError', code: expect.stringMatching(/^[A-Z]+$/) });
    return undefined;
  }
}

describe('a file cut short → a typed error', () => {
  test.for(LATENT_CASES.map((one) => [one.name, one] as const))('%s', async ([, one]) => {
    for (let length = one.bytes.length - 1; length >= 0; length -= STRIDE) {
      const latents = await outcome(one, one.bytes.slice(0, length));
      expect(latents, `cut to ${length} of ${one.bytes.length} bytes`).toBeUndefined();
    }
  });
});

describe('one byte changed → a typed error, the same numbers, or one other number', () => {
  test.for(LATENT_CASES.map((one) => [one.name, one] as const))('%s', async ([, one]) => {
    const changes = CHANGES.slice(0, rounds(3, CHANGES.length));
    for (let at = 0; at < one.bytes.length; at += STRIDE) {
      for (const change of changes) {
        const bytes = one.bytes.slice();
        bytes[at] ^= change;
        const latents = await outcome(one, bytes);
        if (latents === undefined) continue;
        const where = `byte ${at} changed by ${change}`;
        expect(latents.data.length, where).toBe(one.values.length);
        let others = 0;
        for (let i = 0; i < one.values.length; i++) {
          if (!Object.is(latents.data[i], one.values[i])) others++;
        }
        expect(others, where).toBeLessThanOrEqual(1);
      }
    }
  });
});
