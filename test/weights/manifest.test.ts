import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Half } from '../../src/model/layers.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import {
  fetchedModels,
  type ManifestModel,
  unknownFiles,
  wantedFiles,
} from '../../src/weights/manifest.ts';
import { MANIFEST } from '../../src/weights/manifest-data.ts';
import { sharedFile, testShared } from '../shared.ts';

const BOTH: readonly Half[] = ['encoder', 'decoder'];
const ROOT = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const filesOf = (model: ManifestModel) =>
  'both' in model ? [model.both] : [model.encoder, model.decoder];

test('MANIFEST: → weights/manifest.json, in the sources and in the package', async () => {
  const manifest = JSON.parse(text('weights/manifest.json'));
  expect(MANIFEST).toEqual(manifest);
  const built: { MANIFEST: unknown } = await import(
    new URL('dist/weights/manifest-data.js', ROOT).href
  );
  expect(built.MANIFEST).toEqual(manifest);
  expect(JSON.parse(text('package.json')).files).toContain('weights/manifest.json');
});

const RAW = 'https://raw.githubusercontent.com';
const CLASSIC = `${RAW}/comfyanonymous/taesd/main/`;
const UPSTREAM = `${RAW}/madebyollin/taesd/5cccb12dc72074a4be35680c3b108548a7c69978/`;
const OF_QWEN_IMAGE_2_1 = `${RAW}/madebyollin/taesd/401ce45e5c1451c41ccdb92feea99609015822fc/`;
const OF_VIDEOS = `${RAW}/madebyollin/taehv/1f14a568f24bf8811e0a0ac601613e04fc1581e8/`;
const OF_FLUX_2 =
  'https://huggingface.co/madebyollin/taef2/resolve/bd244ebfe4398c84fbf312a2f1c868c676b500e3/';

/** The file whose hash is not known, and its model. */
const UNKNOWN = 'taeqi2_1_encoder.pth';
const OF_UNKNOWN = 'taeqi2_1';

/** The address and the size of every file of every model: its halves, else one file of both. */
const FILES: Readonly<Record<string, readonly (readonly (string | null | number)[])[]>> = {
  taesd: [
    [`${CLASSIC}taesd_encoder.safetensors`, 2_450_568],
    [`${CLASSIC}taesd_decoder.safetensors`, 2_450_590],
  ],
  taesdxl: [
    [`${CLASSIC}taesdxl_encoder.safetensors`, 2_450_568],
    [`${CLASSIC}taesdxl_decoder.safetensors`, 2_450_590],
  ],
  taesd3: [
    [`${CLASSIC}taesd3_encoder.safetensors`, 2_464_424],
    [`${CLASSIC}taesd3_decoder.safetensors`, 2_464_414],
  ],
  taef1: [
    [`${CLASSIC}taef1_encoder.safetensors`, 2_464_424],
    [`${CLASSIC}taef1_decoder.safetensors`, 2_464_414],
  ],
  'taef1-1.1': [
    [`${UPSTREAM}taef1_encoder.pth`, null],
    [`${UPSTREAM}taef1_decoder.pth`, 4_943_336],
  ],
  taef2: [
    [`${UPSTREAM}taef2_encoder.pth`, 2_704_692],
    [`${UPSTREAM}taef2_decoder.pth`, 2_704_756],
    [`${OF_FLUX_2}taef2.safetensors`, null],
  ],
  taesana: [
    [`${UPSTREAM}taesana_encoder.pth`, 2_537_004],
    [`${UPSTREAM}taesana_decoder.pth`, null],
  ],
  taeqi2_1: [[`${OF_QWEN_IMAGE_2_1}taeqi2_1_decoder.pth`, 15_314_938]],
  taew2_1: [
    [`${OF_VIDEOS}safetensors/taew2_1.safetensors`, 22_642_902],
    [`${OF_VIDEOS}taew2_1.pth`, null],
  ],
};

test('MANIFEST: every model → its files, their first mirrors and sizes', () => {
  expect(Object.keys(MANIFEST.models)).toEqual(fetchedModels());
  const found = fetchedModels().map((model) => {
    const alternatives = wantedFiles(MANIFEST, VARIANTS[model], BOTH);
    const files = alternatives.flatMap((alternative) => alternative.files);
    return [
      model,
      files.map(({ name, path = name, mirrors, bytes }) => [`${mirrors[0]}${path}`, bytes]),
    ];
  });
  expect(Object.fromEntries(found)).toEqual(FILES);
});

test('MANIFEST: every file → whose work, https mirrors, a hash and a name of its own', () => {
  const all = Object.values(MANIFEST.models).flat();
  for (const { author, licence, copyright, mirrors } of Object.values(MANIFEST.sources)) {
    expect([author, licence]).toEqual(['Ollin Boer Bohan', 'MIT']);
    expect(copyright).toMatch(/^Copyright \(c\) 202[35] Ollin Boer Bohan$/);
    for (const mirror of mirrors) expect(mirror).toMatch(/^https:\/\/.+\/$/);
  }
  const files = all.flatMap(filesOf);
  const known = files.filter(({ sha256 }) => sha256 !== null);
  expect(files.filter(({ sha256 }) => sha256 === null).map(({ name }) => name)).toEqual([UNKNOWN]);
  for (const { sha256, bytes } of known) {
    expect(sha256).toMatch(/^[\da-f]{64}$/);
    if (bytes !== null) expect(bytes).toBeGreaterThan(2_400_000);
  }
  expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(files.length);
  expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
  expect(new Set(all.map(({ source }) => source))).toEqual(new Set(Object.keys(MANIFEST.sources)));
});

test('wantedFiles: every model, both halves and one → names of the model; nothing is unknown but a file of taeqi2_1', () => {
  const variant = VARIANTS[OF_UNKNOWN];
  const [{ files: found }] = wantedFiles(MANIFEST, variant, BOTH);
  expect(found.map(({ name }) => name)).toEqual(['taeqi2_1_decoder.pth']);
  expect(unknownFiles(MANIFEST, variant, BOTH)).toEqual([UNKNOWN]);
  expect(unknownFiles(MANIFEST, variant, ['decoder'])).toEqual([]);
  for (const model of fetchedModels().filter((name) => name !== OF_UNKNOWN)) {
    const all = wantedFiles(MANIFEST, VARIANTS[model], BOTH);
    const pairs = all.filter(({ files }) => files.length > 1);
    const others = all.filter((one) => !pairs.includes(one));
    expect(pairs).toHaveLength(VARIANTS[model].isOfVideos ? 0 : 1);
    for (const { files } of pairs) {
      expect(files.map(({ name, halves }) => [name.replace(/\.\w+$/, ''), halves])).toEqual(
        BOTH.map((half) => [`${model}_${half}`, [half]]),
      );
    }
    for (const { files } of others) {
      expect(files.map(({ name, halves }) => [name.replace(/\.\w+$/, ''), halves])).toEqual([
        [model, BOTH],
      ]);
    }
    for (const half of BOTH) {
      const [{ files }, ...rest] = wantedFiles(MANIFEST, VARIANTS[model], [half]);
      expect(files.map(({ halves }) => halves)).toEqual([[half]]);
      for (const other of rest) expect(other.files.map(({ halves }) => halves)).toEqual([[half]]);
      expect(unknownFiles(MANIFEST, VARIANTS[model], [half])).toEqual([]);
    }
  }
});

testShared('MANIFEST: sizes and hashes → those of the real files', () => {
  const absent = ['taef1-1.1', 'taeqi2_1', 'taew2_1'];
  for (const model of fetchedModels().filter((name) => !absent.includes(name))) {
    const [{ files }] = wantedFiles(MANIFEST, VARIANTS[model], BOTH);
    for (const { name, bytes, sha256 } of files) {
      if (name === 'taesana_decoder.pth') continue;
      const file = sharedFile(`weights/${name}`);
      expect(file.length).toBe(bytes);
      expect(createHash('sha256').update(file).digest('hex')).toBe(sha256);
    }
  }
});
