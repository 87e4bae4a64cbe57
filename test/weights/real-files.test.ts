import { describe, expect } from 'vitest';
import type { Half } from '../../src/model/layers.ts';
import { readSafetensors, toTensor } from '../../src/safetensors/read.ts';
import { elementCount, firstNonFinite, type Tensor } from '../../src/tensor.ts';
import { splitByKeyNames } from '../../src/weights/key-names.ts';
import { sharedFile, testShared } from '../shared.ts';
import { expectError } from '../thrown-by.ts';

const files: readonly [string, Half, number][] = [
  // Each further channel adds 64 · 9 parameters, and a bias in the encoder.
  ['taesd', 'encoder', 1_222_532],
  ['taesd', 'decoder', 1_222_531],
  ['taesdxl', 'encoder', 1_222_532],
  ['taesdxl', 'decoder', 1_222_531],
  ['taesd3', 'encoder', 1_222_532 + 12 * 577],
  ['taesd3', 'decoder', 1_222_531 + 12 * 576],
  ['taef1', 'encoder', 1_222_532 + 12 * 577],
  ['taef1', 'decoder', 1_222_531 + 12 * 576],
];

describe('real files', () => {
  for (const [variant, part, parameters] of files) {
    testShared(
      `splitByKeyNames: ${variant} ${part} → recognised, ${parameters} finite parameters`,
      () => {
        const file = readSafetensors(sharedFile(`weights/${variant}_${part}.safetensors`));
        const named = splitByKeyNames(file)[part] ?? new Map<string, Tensor>();
        expect([...named.keys()]).toEqual([...file.tensors.keys()]);
        const tensors = [...named.values()];
        const counts = tensors.map(({ shape }) => elementCount(shape));
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(parameters);
        expect(tensors.map(({ data }) => data.length)).toEqual(counts);
        expect(tensors.map(({ data }) => firstNonFinite(data)).filter((i) => i >= 0)).toEqual([]);
      },
    );
  }

  testShared(
    'readSafetensors: golden tensors, U8 and F32 side by side → shapes and metadata',
    () => {
      const { tensors, metadata } = readSafetensors(
        sharedFile('golden/taesd-random-latent-7x1.safetensors'),
      );
      expect(metadata.get('source')).toContain('taesd.py');
      for (const [name, stored] of tensors) {
        if (stored.dtype === 'F32') {
          expect(toTensor(stored, name).data.length).toBe(elementCount(stored.shape));
        }
      }
    },
  );

  testShared('readSafetensors: a real .pth → UNSUPPORTED with the remedy', () => {
    const message =
      'readSafetensors: "bytes" expected a safetensors file, got a zip file (Taesd.load reads weights of a .pth file, readLatents its latents)';
    const bytes = sharedFile('weights/taef2_decoder.pth');
    expectError(() => readSafetensors(bytes), 'UNSUPPORTED', message);
  });
});
