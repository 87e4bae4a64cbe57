import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { readNpy, writeNpy } from '../../src/npy/npy.ts';
import { faultOf } from '../thrown-by.ts';

const F4 = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";

/** A file with this header text and these bytes of elements. */
function npy(text: string, elements: readonly number[], version = 1): Uint8Array {
  const length = [text.length & 255, text.length >> 8, ...(version > 1 ? [0, 0] : [])];
  const head = [
    ...'\x93NUMPY',
    String.fromCharCode(version),
    '\0',
    ...String.fromCharCode(...length),
    ...text,
  ];
  return Uint8Array.from([...head.map((char) => char.charCodeAt(0)), ...elements]);
}

const codeOf = (bytes: Uint8Array): string => faultOf(() => readNpy(bytes))?.code ?? 'read';

const EIGHT = [0, 0, 128, 63, 0, 0, 0, 64];

describe('readNpy', () => {
  for (const version of [1, 2, 3]) {
    test(`version ${version}.0, any padding → its elements`, () => {
      const padded = `${F4}${' '.repeat(58)}\n`;
      const wanted = { dtype: 'F32', shape: [2], bytes: Uint8Array.from(EIGHT) };
      expect(readNpy(npy(padded, EIGHT, version))).toEqual(wanted);
      expect(readNpy(npy(F4, EIGHT, version))).toEqual(wanted);
    });
  }

  test('keys in another order → its elements', () => {
    const text = "{'shape':(1,2),'fortran_order':False,'descr':'<f4'}";
    expect([...readNpy(npy(text, EIGHT)).bytes]).toEqual(EIGHT);
  });

  test('big-endian → UNSUPPORTED, with how to save it; bytes have no order', () => {
    const big = npy(F4.replace('<f4', '>f4'), EIGHT);
    expect(() => readNpy(big)).toThrow(
      `"descr" expected little-endian numbers, got >f4, big-endian (save array.astype('<f4'))`,
    );
    expect(codeOf(big)).toBe('UNSUPPORTED');
    expect(readNpy(npy(F4.replace('<f4', '>u1'), [1, 2])).dtype).toBe('U8');
  });

  test('Fortran order → row-major', () => {
    const text = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
    expect([...readNpy(npy(text, [0, 3, 1, 4, 2, 5])).bytes]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  for (const [what, text, code] of [
    ['Python objects', F4.replace('<f4', '|O'), 'UNSAFE'],
    ['text', F4.replace('<f4', '<U2'), 'UNSUPPORTED'],
    ['complex numbers', F4.replace('<f4', '<c8'), 'UNSUPPORTED'],
    ['a structured type', F4.replace("'<f4'", "[('x', '<f4')]"), 'UNSUPPORTED'],
    ['a key twice', F4.replace('}', "'descr': '<f4'}"), 'FORMAT'],
    ['another key', F4.replace('}', "'x': True}"), 'FORMAT'],
    ['a key left out', "{'descr': '<f4', 'shape': (2,)}", 'FORMAT'],
    ['code', F4.replace('(2,)', 'exit()'), 'FORMAT'],
    ['a negative size', F4.replace('2', '-2'), 'FORMAT'],
    ['a size with a zero before it', F4.replace('2,', '02,'), 'FORMAT'],
    ['a space that Python does not know', F4.replace(' (', '\xa0('), 'FORMAT'],
    ['such a space at the end', F4.replace(', }', ',\xa0}'), 'FORMAT'],
    ['too large a shape', F4.replace('2,', '9007199254740991, 9007199254740991'), 'FORMAT'],
    ['more elements', F4.replace('2', '1'), 'FORMAT'],
    ['fewer elements', F4.replace('2', '3'), 'TRUNCATED'],
  ]) {
    test(`${what} → ${code}`, () => expect(codeOf(npy(text, EIGHT))).toBe(code));
  }

  test('cut at any byte → TRUNCATED', () => {
    const bytes = npy(F4, EIGHT);
    for (let end = 0; end < bytes.length; end++) {
      expect(codeOf(bytes.subarray(0, end)), `${end} bytes`).toBe('TRUNCATED');
    }
  });
});

describe('writeNpy', () => {
  test('shapes → the bytes of Debian’s numpy', ({ skip }) => {
    const shapes = [[], [0], [3], [1, 4, 2, 3], [1, 16, 1, 5]];
    const script = `import io, json, sys, numpy
for shape in json.loads(sys.argv[1]):
    file = io.BytesIO()
    numpy.save(file, numpy.arange(numpy.prod(shape), dtype='<f4').reshape(shape))
    print(file.getvalue().hex())`;
    const python = spawnSync('/usr/bin/python3', ['-c', script, JSON.stringify(shapes)]);
    skip(python.status !== 0, 'numpy is not installed for /usr/bin/python3');
    const files = python.stdout.toString().trim().split('\n');
    for (const [i, shape] of shapes.entries()) {
      const count = shape.reduce((a, b) => a * b, 1);
      const written = writeNpy({ shape, data: Float32Array.from({ length: count }, (_, n) => n) });
      expect(Buffer.from(written).toString('hex')).toBe(files[i]);
    }
  });
});
