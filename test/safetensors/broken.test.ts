import { describe, expect, test } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import { readSafetensors, type SafetensorsFile } from '../../src/safetensors/read.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { rounds } from '../full-length.ts';
import { seededRandom } from '../random.ts';
import { thrownBy } from '../thrown-by.ts';
import { entry, rawFile } from './raw-file.ts';

const MUTATIONS = rounds(2_000, 100_000);
const SPLICED = rounds(1_000, 20_000);

const SMALL = rawFile(
  `{"__metadata__":{"note":"\\u00e9\\n"},${[
    entry('0.weight', 'F32', [2, 1], [0, 8]),
    entry('empty', 'F16', [0, 3], [8, 8]),
    entry('0.bias', 'BF16', [], [8, 10]),
  ].join(',')}}  `,
  new Uint8Array(10).fill(63),
);

describe('safetensors, damaged', () => {
  test('readSafetensors: cut at every byte → TRUNCATED, and the whole file still reads', () => {
    for (let length = 0; length < SMALL.length; length++) {
      const error = thrownBy(() => readSafetensors(SMALL.subarray(0, length)));
      expect(`${length} ${error.code}`).toBe(`${length} TRUNCATED`);
    }
    expect(readSafetensors(SMALL).tensors.size).toBe(3);
  });

  test('readSafetensors: one space more, anywhere in the file → TaesdError', () => {
    for (let at = 0; at <= SMALL.length; at++) {
      const longer = new Uint8Array(SMALL.length + 1);
      longer.set(SMALL.subarray(0, at));
      longer[at] = 0x20;
      longer.set(SMALL.subarray(at), at + 1);
      expect(thrownBy(() => readSafetensors(longer)).message).toMatch(
        /^readSafetensors: ".+" expected /,
      );
    }
  });

  test(`readSafetensors: ${MUTATIONS} seeded mutations → a sound file or a TaesdError`, () => {
    const random = seededRandom(20);
    const below = (limit: number): number => Math.floor(random() * limit);
    // Bytes that a parser may trip over are more likely than any of the 256.
    const likely = new TextEncoder().encode('{}[]",:\\ 0123456789-.eu_');
    let sound = 0;
    for (let round = 0; round < MUTATIONS; round++) {
      const bytes = SMALL.slice();
      for (let edits = 1 + below(4); edits > 0; edits--) {
        bytes[below(bytes.length - 10)] =
          random() < 0.7 ? likely[below(likely.length)] : below(256);
      }
      if (soundOrRefused(bytes) !== undefined) sound += 1;
    }
    expect(sound).toBeGreaterThan(MUTATIONS / 100);
    expect(readSafetensors(SMALL).tensors.size).toBe(3);
  });

  test(`readSafetensors: ${SPLICED} seeded spliced headers → a sound file or a TaesdError`, () => {
    const random = seededRandom(21);
    const below = (limit: number): number => Math.floor(random() * limit);
    const header = new TextDecoder().decode(SMALL.subarray(8, SMALL.length - 10));
    let sound = 0;
    for (let round = 0; round < SPLICED; round++) {
      const from = below(header.length);
      const piece = header.slice(from, from + below(40));
      const at = below(header.length);
      const spliced = header.slice(0, at) + piece + header.slice(at + below(40));
      const bytes = rawFile(spliced, SMALL.subarray(SMALL.length - 10));
      if (soundOrRefused(bytes) !== undefined) sound += 1;
    }
    expect(sound).toBeGreaterThan(SPLICED / 200);
  });
});

/** Reads a file. If it succeeds, tensors of the right length must tile the data. */
function soundOrRefused(bytes: Uint8Array): SafetensorsFile | undefined {
  try {
    const file = readSafetensors(bytes);
    const stored = [...file.tensors.values()];
    const total = stored.reduce((sum, tensor) => sum + tensor.bytes.length, 0);
    const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(8 + headerLength + total).toBe(bytes.length);
    return file;
  } catch (error) {
    if (!(error instanceof TaesdError)) throw error;
    expect(error.message).toMatch(/^readSafetensors: ".+" expected .+, got .+$/);
    return undefined;
  }
}

test('readSafetensors: a written file with any single byte of its length changed → TaesdError', () => {
  const file = writeSafetensors([['a', { shape: [1], data: Float32Array.of(1) }]]);
  for (let at = 0; at < 8; at++) {
    for (let value = 0; value < 256; value++) {
      if (value === file[at]) continue;
      const changed = file.slice();
      changed[at] = value;
      expect(thrownBy(() => readSafetensors(changed))).toBeInstanceOf(TaesdError);
    }
  }
});
