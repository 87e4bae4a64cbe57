import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { decodeLatentPng } from '../../src/formats/index.ts';
import type { Half } from '../../src/model/layers.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { Taesd } from '../../src/taesd.ts';
import { FolderStore } from '../../src/weights/folder-store.ts';
import { loadWeights } from '../../src/weights/load.ts';
import { taesd, temporaryFolder } from '../cli/command-line.ts';
import { randomPicture } from '../cli/tiny-files.ts';
import { networkTensors } from '../small-model.ts';
import { manifestOf } from './small-manifest.ts';
import { weightsServer } from './weights-server.ts';

/*
 * taef1 and taef1-1.1: two trainings of one model. Both have random weights here, each its own, and
 * the hashes are those of the test's manifest.
 */

const BOTH: readonly Half[] = ['encoder', 'decoder'];
const weightsOf = (seed: number) => {
  const file = (half: Half) =>
    new Uint8Array(writeSafetensors([...networkTensors(VARIANTS.taef1.networks[half], seed)]));
  return { encoder: file('encoder'), decoder: file('decoder') };
};
const FIRST = weightsOf(1);
const LATER = weightsOf(2);
const { requests, mirror } = weightsServer(LATER);
const cache = mkdtempSync(join(tmpdir(), 'taesd-trainings-'));
afterAll(() => rmSync(cache, { recursive: true }));
const at = temporaryFolder();
const bytesOf = (name: string) => new Uint8Array(readFileSync(at(name)));

test('loadWeights: taef1-1.1 → its own files, asked for by their names at the source; taef1 is not there', async () => {
  const manifest = manifestOf(LATER, [mirror('good')], (file) => ({
    ...file,
    path: file.name.replace('taef1-1.1', 'taef1'),
    bytes: null,
  }));
  const look = { manifest, store: new FolderStore(cache), download: true };
  const { tensors } = await loadWeights(VARIANTS['taef1-1.1'], BOTH, look);
  expect(requests).toEqual(['good taef1_encoder.safetensors', 'good taef1_decoder.safetensors']);
  const names = BOTH.map((half) => `taef1-1.1_${half}.safetensors`);
  expect(readdirSync(cache).sort()).toEqual([...names].sort());
  const given = await loadWeights(VARIANTS['taef1-1.1'], BOTH, { weights: LATER });
  expect(tensors.decoder).toEqual(given.tensors.decoder);
  expect(tensors.encoder).toEqual(given.tensors.encoder);
  const other = loadWeights(VARIANTS.taef1, BOTH, { ...look, download: false });
  await expect(other).rejects.toMatchObject({ code: 'ARG' });
});

test('encode, decode: latents of taef1-1.1 → those of the space taef1, which both decode, each its own way', async () => {
  const folder = at('weights');
  mkdirSync(folder);
  for (const half of BOTH) {
    writeFileSync(join(folder, `taef1_${half}.safetensors`), FIRST[half]);
    writeFileSync(join(folder, `taef1-1.1_${half}.safetensors`), LATER[half]);
  }
  const image = randomPicture(16, 8, 3);
  writeFileSync(at('in.png'), encodePng(image));
  const run = (...args: string[]) => taesd([...args, '--weights', folder]);
  const done = { code: 0, stdout: '', stderr: '' };
  expect(run('encode', at('in.png'), '-o', at('z.png'), '--model', 'taef1-1.1')).toEqual(done);
  const { model, latents } = decodeLatentPng(bytesOf('z.png'));
  expect(model).toBe('taef1');
  // The file names the space, whose default is taef1.
  expect(run('decode', at('z.png'), '-o', at('one.png'))).toEqual(done);
  expect(run('decode', at('z.png'), '-o', at('two.png'), '--model', 'taef1-1.1')).toEqual(done);
  for (const [name, file] of [
    ['taef1', 'one.png'],
    ['taef1-1.1', 'two.png'],
  ] as const) {
    const api = await Taesd.load({ model: name, weights: folder });
    expect(api.info.model).toBe(name);
    const { data } = await api.decode(latents);
    expect([...decodePng(bytesOf(file)).data]).toEqual([...data]);
    api.dispose();
  }
  expect(bytesOf('one.png')).not.toEqual(bytesOf('two.png'));
  // The first line has the name.
  const layers = (model: string) => taesd(['inspect', model]).stdout.split('\n').slice(1);
  expect(layers('taef1-1.1')).toEqual(layers('taef1'));
  expect(layers('taef1').length).toBeGreaterThan(30);
});
