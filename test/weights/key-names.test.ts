import { describe, expect, test } from 'vitest';
import type { Half } from '../../src/model/layers.ts';
import { readSafetensors, type SafetensorsFile } from '../../src/safetensors/read.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import type { Tensor } from '../../src/tensor.ts';
import { splitByKeyNames } from '../../src/weights/key-names.ts';
import { entry, rawFile } from '../safetensors/raw-file.ts';
import { expectError } from '../thrown-by.ts';

/** A file whose tensors hold 1, 2, 3 … in the order of their names. */
function fileOf(names: readonly string[]): SafetensorsFile {
  const tensors = names.map((name, i): [string, Tensor] => [
    name,
    { shape: [1], data: Float32Array.of(i + 1) },
  ]);
  return readSafetensors(writeSafetensors(tensors));
}

const ENCODER = ['0.weight', '0.bias', '1.conv.4.bias', '14.weight'];
const DECODER = ['1.weight', '3.conv.0.weight', '3.pool.1.bias', '18.skip.weight', '19.bias'];
const DIFFUSERS = ['0.weight', '2.conv.0.weight', '2.pool.1.bias', '17.skip.weight', '18.bias'];

const prefixed = (prefix: string, names: readonly string[]) => names.map((name) => prefix + name);
const COMFY = [...prefixed('taesd_encoder.', ENCODER), ...prefixed('taesd_decoder.', DECODER)];

const split = (names: readonly string[], part?: Half) => splitByKeyNames(fileOf(names), part);

/** Makes tensors under names of taesd.py that hold 1, 2, 3 …, counted from `first`. */
const tensorsNamed = (names: readonly string[], first = 1): Map<string, Tensor> =>
  new Map(names.map((name, i) => [name, { shape: [1], data: Float32Array.of(first + i) }]));

describe('names of tensors', () => {
  test('splitByKeyNames: the three layouts, one part a file → identical tensors', () => {
    const encoder = tensorsNamed(ENCODER);
    const decoder = tensorsNamed(DECODER);
    for (const prefix of ['', 'encoder.layers.', 'taesd_encoder.']) {
      expect(split(prefixed(prefix, ENCODER))).toEqual({ encoder, decoder: undefined });
      expect(split(prefixed(prefix, ENCODER), 'encoder')).toEqual({ encoder, decoder: undefined });
    }
    const layouts = [
      DECODER,
      prefixed('decoder.layers.', DIFFUSERS),
      prefixed('taesd_decoder.', DECODER),
    ];
    for (const names of layouts) {
      expect(split(names)).toEqual({ encoder: undefined, decoder });
      expect(split(names, 'decoder')).toEqual({ encoder: undefined, decoder });
    }
  });

  test('splitByKeyNames: combined files → both parts; asked for one → that one', () => {
    const both = {
      encoder: tensorsNamed(ENCODER),
      decoder: tensorsNamed(DECODER, 1 + ENCODER.length),
    };
    const diffusers = [
      ...prefixed('encoder.layers.', ENCODER),
      ...prefixed('decoder.layers.', DIFFUSERS),
    ];
    for (const names of [COMFY, diffusers]) {
      expect(split(names)).toEqual(both);
      expect(split(names, 'encoder')).toEqual({ ...both, decoder: undefined });
      expect(split(names, 'decoder')).toEqual({ ...both, encoder: undefined });
    }
  });

  test('splitByKeyNames: asked for one part → the other one is not even converted', () => {
    const header = [
      entry('encoder.layers.0.weight', 'F32', [0], [0, 0]),
      entry('decoder.layers.0.weight', 'I64', [0], [0, 0]),
    ];
    const file = readSafetensors(rawFile(`{${header.join(',')}}`));
    expect(splitByKeyNames(file, 'encoder').encoder?.size).toBe(1);
    const message =
      'toTensor: "tensor decoder.layers.0.weight" expected a dtype of F32, F16, BF16, F64, F8_E4M3, F8_E5M2, got "I64"';
    expectError(() => splitByKeyNames(file), 'UNSUPPORTED', message);
  });

  test('splitByKeyNames: an original file → read as the part that the caller names, if it can be that', () => {
    // The middle of a network may belong to either half.
    const middle = ['3.conv.0.weight', '14.bias'];
    const encoder = tensorsNamed(middle);
    expect(split(middle, 'encoder')).toEqual({ encoder, decoder: undefined });
    expect(split(middle, 'decoder')).toEqual({ encoder: undefined, decoder: encoder });
  });

  test('splitByKeyNames: an original file that is the other part → SHAPE with the likely cause', () => {
    const decoder = `"file" expected tensors of the encoder, got only ${DECODER.join(', ')}`;
    expectError(() => split(DECODER, 'encoder'), 'SHAPE', `${decoder} (the other file?)`);
    const encoder = `"file" expected tensors of the decoder, got only ${ENCODER.join(', ')}`;
    const swapped = () => splitByKeyNames(fileOf(ENCODER), 'decoder', 'swapped?');
    expectError(swapped, 'SHAPE', `${encoder} (swapped?)`);
    // A file with layers of both halves is read as the requested one. Its binding lists the faults.
    expect(split([...ENCODER, '19.bias'], 'decoder').decoder?.size).toBe(5);
  });

  test("splitByKeyNames: ComfyUI's scale and shift → numbers", () => {
    const names = [...prefixed('taesd_decoder.', DECODER), 'vae_scale', 'vae_shift'];
    expect(split(names)).toEqual({
      encoder: undefined,
      decoder: tensorsNamed(DECODER),
      vaeScale: DECODER.length + 1,
      vaeShift: DECODER.length + 2,
    });
    expect(split(names.slice(0, -1), 'decoder')).not.toHaveProperty('vaeShift');
  });

  test('splitByKeyNames: scale that is not one finite number → SHAPE, NONFINITE', () => {
    const withScale = (shape: number[], ...values: number[]) => {
      const tensors: [string, Tensor][] = [
        ['taesd_encoder.0.bias', { shape: [0], data: new Float32Array(0) }],
        ['vae_scale', { shape, data: Float32Array.from(values) }],
      ];
      return () => splitByKeyNames(readSafetensors(writeSafetensors(tensors)));
    };
    expect(withScale([], 0.5)().vaeScale).toBe(0.5);
    const shape = '"tensor vae_scale" expected one number, got shape [2]';
    expectError(withScale([2], 1, 2), 'SHAPE', shape);
    const finite = '"tensor vae_scale" expected a finite number, got NaN';
    expectError(withScale([], NaN), 'NONFINITE', finite);
  });

  test('splitByKeyNames: scale beside another layout → read too', () => {
    expect(split(['1.weight', 'vae_shift'])).toEqual({
      encoder: undefined,
      decoder: tensorsNamed(['1.weight']),
      vaeShift: 2,
    });
  });

  test.each([
    [[], 'none'],
    [['vae_scale'], 'none'],
    [['encoder.conv_in.weight'], 'encoder.conv_in.weight (another model, or a full VAE?)'],
    [
      ['01.weight', '1', '1.', '1000.weight', '-1.weight', '1.Ω', '1.weight '],
      '01.weight, 1, 1., 1000.weight, -1.weight and 2 more (another model, or a full VAE?)',
    ],
    [['__proto__', 'toString'], '__proto__, toString (another model, or a full VAE?)'],
  ])('splitByKeyNames: names %j → SHAPE', (names, got) => {
    const known =
      'names of TAESD: original 1.weight, diffusers decoder.layers.0.weight, or ComfyUI taesd_decoder.1.weight';
    const message = `"tensor names" expected ${known}, got ${got}`;
    expectError(() => split(names), 'SHAPE', message);
  });

  test('splitByKeyNames: names that belong to neither half → spare, by their names', () => {
    expect(split(['1.weight', 'x', 'lora.up.weight'])).toEqual({
      encoder: undefined,
      decoder: tensorsNamed(['1.weight']),
      spare: ['x', 'lora.up.weight'],
    });
    const mixed = ['1.weight', 'decoder.layers.2.conv.0.bias', 'taesd_encoder.0.bias'];
    expect(split(mixed)).toEqual({
      encoder: new Map([['0.bias', { shape: [1], data: Float32Array.of(3) }]]),
      decoder: new Map([['3.conv.0.bias', { shape: [1], data: Float32Array.of(2) }]]),
      spare: ['1.weight'],
    });
  });

  test('splitByKeyNames: spare tensors of any type → not read', () => {
    const header = [
      entry('1.weight', 'F32', [0], [0, 0]),
      entry('1.num_batches_tracked', 'I64', [1], [0, 8]),
      entry('scales', 'F4', [3], [8, 10]),
    ];
    const file = readSafetensors(rawFile(`{${header.join(',')}}`, new Uint8Array(10)));
    const { decoder, spare } = splitByKeyNames(file);
    expect([...(decoder?.keys() ?? [])]).toEqual(['1.weight']);
    expect(spare).toEqual(['1.num_batches_tracked', 'scales']);
  });

  test('splitByKeyNames: the part that is not in the file → SHAPE', () => {
    const names = prefixed('taesd_decoder.', DECODER).slice(0, 2);
    const message = `"file" expected tensors of the encoder, got only ${names.join(', ')} (the other file?)`;
    expectError(() => split(names, 'encoder'), 'SHAPE', message);
  });
});
