import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { type ReadLatentsOptions, readLatents } from '../../src/formats/index.ts';
import { isLegacyTorch, isTorch } from '../../src/torch/first-bytes.ts';
import { readTorch } from '../../src/torch/read-torch.ts';
import { tensorsOf } from '../../src/torch/tensors-of.ts';
import { isFullLength } from '../full-length.ts';
import { finds, PYTHON } from '../python.ts';
import { thrownBy } from '../thrown-by.ts';
import { elementsOf } from '../torch/elements-of.ts';
import { npyByHand } from './files-by-hand.ts';
import { type FloatType, type Numbers, roundedNumbers, unrounded } from './seeded-numbers.ts';

/*
 * Files that Debian's numpy and torch write while the test runs. The builders beside this file make
 * them by hand.
 */

const folder = mkdtempSync(join(tmpdir(), 'taesd-python-'));
afterAll(() => rmSync(folder, { recursive: true }));

const numbers = unrounded([16, 6, 5], 14);
writeFileSync(join(folder, 'numbers.f64'), Buffer.from(numbers.buffer));
const of = (dtype: FloatType, shape: number[], from = 0): Numbers =>
  roundedNumbers(dtype, shape, numbers.slice(from, from + shape.reduce((a, b) => a * b, 1)));

const has = { numpy: finds('numpy'), torch: isFullLength && finds('torch') };

function skipWithout(module: 'numpy' | 'torch', skip: (note: string) => void): void {
  if (has[module]) return;
  if (process.env.CI) throw new Error(`${PYTHON} lacks ${module}, and CI must not skip this test`);
  skip(`${PYTHON} lacks ${module} (Debian's python3-${module})`);
}

/** Runs a script once, when the first test needs it. */
const written = new Map<string, void>();
function write(script: string): void {
  if (written.has(script)) return;
  const path = fileURLToPath(new URL(`python/${script}`, import.meta.url));
  const { status, stderr } = spawnSync(PYTHON, ['-I', path, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} failed: ${stderr}`);
  written.set(script);
}

/** A tensor of a file, as torch tells it. */
interface Expected {
  readonly path: (string | number)[];
  readonly shape: number[];
  readonly values: number[];
}

/** A file, its numbers and what readLatents must say of it. */
type Row = [
  file: string,
  numbers: Numbers,
  wanted: Record<string, unknown>,
  options?: ReadLatentsOptions,
];

function testRows(module: 'numpy' | 'torch', rows: readonly Row[]) {
  for (const [file, wanted, found, options = {}] of rows) {
    const name = `${module}: ${file} → the numbers it was given, rounded to ${wanted.dtype}`;
    test(name, async ({ skip }) => {
      skipWithout(module, skip);
      write(`write_${module}.py`);
      const bytes = new Uint8Array(readFileSync(join(folder, file)));
      const read = await readLatents(bytes, { name: file, ...options });
      const shape = wanted.shape.length === 3 ? [1, ...wanted.shape] : wanted.shape;
      expect(read.latents.shape).toEqual(shape);
      expect([...read.latents.data]).toEqual([...wanted.values]);
      expect(read).toMatchObject(found);
    });
  }
}

describe('files that numpy writes', () => {
  const four = of('F32', [4, 6, 5]);
  testRows('numpy', [
    ['float16.npy', of('F16', [1, 4, 6, 5]), { space: 'diffusion' }],
    ['float32.npy', of('F32', [1, 4, 6, 5]), { space: 'diffusion' }],
    ['float64.npy', of('F64', [1, 4, 6, 5]), { space: 'diffusion' }],
    ['fortran.npy', four, { space: 'diffusion' }],
    ['old.npz', four, { space: 'vae', model: undefined }],
    ['pic_0040x0048_sdxl.npz', four, { space: 'vae', model: 'taesdxl' }],
    ['packed_0040x0048_sd.npz', four, { space: 'vae', model: 'taesd' }],
    [
      'pic_0040x0048_flux.npz',
      of('F32', [16, 6, 5]),
      { space: 'diffusion', model: 'taef1' },
      { tensor: 'latents_6x5' },
    ],
  ]);

  test('numpy: big-endian → UNSUPPORTED', async ({ skip }) => {
    skipWithout('numpy', skip);
    write('write_numpy.py');
    const bytes = new Uint8Array(readFileSync(join(folder, 'big.npy')));
    await expect(readLatents(bytes)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining("save array.astype('<f4')"),
    });
  });

  test('the builder of .npy → the bytes of np.save', ({ skip }) => {
    skipWithout('numpy', skip);
    write('write_numpy.py');
    for (const [file, type] of [
      ['float16', 'F16'],
      ['float32', 'F32'],
      ['float64', 'F64'],
    ] as const) {
      const bytes = readFileSync(join(folder, `${file}.npy`));
      expect(Buffer.compare(bytes, npyByHand(of(type, [1, 4, 6, 5]))), file).toBe(0);
    }
  });
});

// The slow suite's, because Python takes seconds to load torch.
if (isFullLength)
  describe('files that torch writes', () => {
    const whole = of('BF16', [16, 6, 5]);
    testRows('torch', [
      ['float32.pt', of('F32', [16, 6, 5]), { space: 'diffusion' }],
      ['float16.pt', of('F16', [16, 6, 5]), { space: 'diffusion' }],
      ['bfloat16.pt', whole, { space: 'diffusion' }],
      ['view.pt', of('F32', [4, 6, 5], 120), { space: 'diffusion' }],
      ['strides.pt', of('F32', [16, 6, 5]), { space: 'diffusion' }],
      ['samples.pt', of('F32', [1, 16, 6, 5]), { space: 'vae' }],
      ['onetrainer.pt', whole, { space: 'vae' }],
      ['packed.pt', whole, { space: 'diffusion' }],
    ]);

    test('readTorch: bare tensors, dicts, views, modules, checkpoints; protocols 2 and 4 → their numbers', ({
      skip,
    }) => {
      skipWithout('torch', skip);
      write('write_torch.py');
      const file = (name: string) => new Uint8Array(readFileSync(join(folder, 'any', name)));
      const expected = JSON.parse(new TextDecoder().decode(file('expected.json')));
      const files: [string, Expected[]][] = Object.entries(expected);
      expect(files).toHaveLength(14);
      for (const [name, tensors] of files) {
        const bytes = file(name);
        expect(isTorch(bytes), name).toBe(true);
        const found = tensorsOf(readTorch(bytes))
          .filter(({ tensor }) => tensor.dtype !== 'I64')
          .map(({ path, tensor }) => ({
            path,
            shape: tensor.shape,
            values: elementsOf(tensor.read()),
          }));
        expect(found, name).toEqual(tensors);
      }
      const legacy = file('legacy.pt');
      expect(isLegacyTorch(legacy)).toBe(true);
      expect(thrownBy(() => readTorch(legacy))).toMatchObject({ code: 'UNSUPPORTED' });
    });
  });
