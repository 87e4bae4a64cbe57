import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { decodeLatentPng, decodeLatentSafetensors } from '../../src/formats/index.ts';
import { quantizeLatents } from '../../src/latent.ts';
import { decodePng } from '../../src/png/index.ts';
import { tensorRows, tensorSink } from '../../src/rows.ts';
import { readSafetensors, toTensor } from '../../src/safetensors/read.ts';
import { type Tensor, zeros } from '../../src/tensor.ts';
import { expectClose, largestDifference } from '../compare.ts';
import { isFullLength } from '../full-length.ts';
import { readGolden } from '../golden.ts';
import { sharedPath, testShared } from '../shared.ts';
import { taesd, temporaryFolder } from './command-line.ts';

/*
 * The commands on real weights and a real picture, 451×300, against PyTorch's golden tensors.
 */

const at = temporaryFolder();
const golden = sharedPath('golden/taesd-chelsea-451x300.safetensors');
const picture = sharedPath('images/chelsea.png');
const done = { code: 0, stdout: '', stderr: '' };
const run = (...args: string[]) => taesd(args, { env: { TAESD_WEIGHTS: sharedPath('weights') } });
const read = (name: string) => new Uint8Array(readFileSync(at(name)));

const within = isFullLength ? ', bytes within 1' : '';
testShared(`encode [wasm]: chelsea 451×300 → max |Δ| < 1e-4${within}`, () => {
  const wanted = readGolden('taesd-chelsea-451x300');
  expect(run('encode', picture, '-o', at('z.safetensors'))).toEqual(done);
  const file = decodeLatentSafetensors(read('z.safetensors'));
  expectClose(file.latents, wanted('latents'), 1e-4);
  expect(file).toMatchObject({ model: 'taesd', width: 451, height: 300 });
  if (!isFullLength) return;
  expect(run('encode', picture, '-o', at('z.png'))).toEqual(done);
  const bytes = quantizeLatents(decodeLatentPng(read('z.png')).latents.data);
  expect(largestDifference(bytes, wanted('latents_u8').data)).toBeLessThanOrEqual(1);
});

testShared('decode [wasm]: golden latents, nothing recorded → 456×304, max |Δ| < 1e-4', () => {
  const wanted = readGolden('taesd-chelsea-451x300')('decoded');
  const stderr = [
    'the file does not say its space; diffusion space is assumed',
    'the file does not say its model; its channels are those of taesd or taesdxl',
  ]
    .map((sentence) => `taesd: note: ${golden}: ${sentence}\n`)
    .concat('taesd: note: decoding with taesd; --model chooses another\n')
    .join('');
  expect(run('decode', golden, '-o', at('d.safetensors'))).toEqual({ ...done, stderr });
  const decoded = readSafetensors(read('d.safetensors')).tensors.get('decoded');
  if (decoded === undefined) throw new Error('no tensor decoded');
  expectClose(toTensor(decoded, 'decoded'), wanted, 1e-4);
});

testShared('decode [wasm]: packed latents of FLUX.2 in a .npy → taef2, max |Δ| < 1e-4', () => {
  const wanted = readGolden('family/taef2-packed-4x3');
  const { shape, data } = wanted('packed');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')})}`;
  const start = Buffer.from(`\x93NUMPY\x01\0\x76\0${header.padEnd(117)}\n`, 'latin1');
  writeFileSync(at('flux2.npy'), Buffer.concat([start, Buffer.from(data.buffer)]));
  const stderr = [
    `${at('flux2.npy')}: the file does not say its space; diffusion space is assumed`,
    `${at('flux2.npy')}: the file does not say its model; its channels are those of taef2`,
    'decoding with taef2; --model chooses another',
  ]
    .map((sentence) => `taesd: note: ${sentence}\n`)
    .join('');
  const command = ['decode', at('flux2.npy'), '-o', at('flux2.safetensors')];
  expect(run(...command)).toEqual({ ...done, stderr });
  const decoded = readSafetensors(read('flux2.safetensors')).tensors.get('decoded');
  if (decoded === undefined) throw new Error('no tensor decoded');
  expectClose(toTensor(decoded, 'decoded'), wanted('decoded'), 1e-4);
});

/** The top left corner of a tensor [1, C, H, W]. */
function topLeft(tensor: Tensor, height: number, width: number): Tensor {
  const corner = zeros([1, tensor.shape[1], height, width]);
  const [rows, sink] = [tensorRows(tensor), tensorSink(corner)];
  const row = new Float32Array(rows.width * rows.channels);
  for (let y = 0; y < height; y++) {
    rows.read(y, row, rows.channels);
    sink(y, row, rows.channels);
  }
  return corner;
}

// The slow suite has it; test/cli/work.test.ts has trips of small pictures.
const testTrip = isFullLength ? testShared : () => undefined;
testTrip('roundtrip [wasm]: chelsea 451×300 → the golden picture, cropped, bytes within 2', () => {
  expect(run('roundtrip', picture, '-o', at('r.png'))).toEqual(done);
  const { width, height, data } = decodePng(read('r.png'));
  expect([width, height]).toEqual([451, 300]);
  const wanted = readGolden('taesd-chelsea-451x300')('decoded_from_u8');
  const planes = topLeft(wanted, 300, 451).data;
  const bytes = Array.from({ length: planes.length }, (_, i) => {
    const value = planes[Math.floor((i % (width * height * 3)) / 3) + (i % 3) * width * height];
    return Math.round(Math.min(Math.max(value, 0), 1) * 255);
  });
  const rgb = data.filter((_, i) => i % 4 !== 3);
  // A latent on the edge between two bytes may fall to either side: one step, seen in a few
  // pixels.
  expect(largestDifference(rgb, bytes)).toBeLessThanOrEqual(2);
});

testShared('inspect: every real file of weights → fits its models', () => {
  for (const [model, fit] of [
    ['taesd', 'taesd and taesdxl, 4'],
    ['taesdxl', 'taesd and taesdxl, 4'],
    ['taesd3', 'taesd3, taef1 and taef1-1.1, 16'],
    ['taef1', 'taesd3, taef1 and taef1-1.1, 16'],
  ]) {
    for (const part of ['encoder', 'decoder']) {
      const { stdout } = run('inspect', sharedPath(`weights/${model}_${part}.safetensors`));
      expect(stdout).toContain(`${part}     fits ${fit} latent channels\n`);
      expect(stdout).toContain('types       BF16 (67 tensors)\n');
    }
  }
});

testShared('inspect: the real .pth files of taef2 → both halves fit it', () => {
  for (const [part, parameters] of [
    ['encoder', '1,338,528'],
    ['decoder', '1,338,499'],
  ]) {
    const { stdout } = run('inspect', sharedPath(`weights/taef2_${part}.pth`));
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'kind        weights of TAESD, the original layout',
      `${part}     fits taef2, 32 latent channels`,
      `parameters  ${parameters}`,
      'types       F16 (79 tensors)',
    ]);
    expect(stdout).toContain('block 64→64: pool, 3 × conv 3×3 + skip');
  }
});

testShared('inspect: a real .pth of a model that is not supported → its name, its tensors', () => {
  const { code, stdout } = run('inspect', sharedPath('weights/taesana_encoder.pth'));
  expect(code).toBe(0);
  expect(stdout.split('\n').slice(0, 5)).toEqual([
    'kind        weights of taesana, the original layout',
    'encoder     fits no model of this package',
    'parameters  1,256,288',
    'types       F16 (69 tensors)',
    'note        not supported; for Sana',
  ]);
});
