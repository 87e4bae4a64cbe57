import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Half } from '../../src/model/layers.ts';
import { latentSpaces, VARIANTS } from '../../src/model/variants.ts';
import { wantedFiles } from '../../src/weights/manifest.ts';
import { MANIFEST } from '../../src/weights/manifest-data.ts';
import { sharedFile, testShared } from '../shared.ts';

const BOTH: readonly Half[] = ['encoder', 'decoder'];
/** The models that are downloaded. `nano` is in the package. */
const FETCHED = latentSpaces().map((space) => VARIANTS[space]);
const ROOT = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

test('MANIFEST: → weights/manifest.json, in the sources and in the package', async () => {
  const manifest = JSON.parse(text('weights/manifest.json'));
  expect(MANIFEST).toEqual(manifest);
  const built: { MANIFEST: unknown } = await import(
    new URL('dist/weights/manifest-data.js', ROOT).href
  );
  expect(built.MANIFEST).toEqual(manifest);
  expect(JSON.parse(text('package.json')).files).toContain('weights/manifest.json');
});

test('MANIFEST: every model → two files, sizes, hashes, whose work, and several https mirrors', () => {
  expect(Object.keys(MANIFEST.models)).toEqual(latentSpaces());
  for (const variant of FETCHED) {
    const { author, licence, copyright } = MANIFEST.sources[MANIFEST.models[variant.space].source];
    expect([author, licence]).toEqual(['Ollin Boer Bohan', 'MIT']);
    expect(copyright).toBe('Copyright (c) 2023 Ollin Boer Bohan');
    for (const { name, half, bytes, sha256, mirrors } of wantedFiles(MANIFEST, variant, BOTH)) {
      expect(name).toBe(`${variant.name}_${half}.safetensors`);
      expect(bytes).toBeGreaterThan(2_400_000);
      expect(sha256).toMatch(/^[\da-f]{64}$/);
      expect(mirrors.length).toBeGreaterThan(1);
      for (const mirror of mirrors) expect(mirror).toMatch(/^https:\/\/.+\/$/);
    }
  }
  const hashes = FETCHED.flatMap((variant) =>
    wantedFiles(MANIFEST, variant, BOTH).map(({ sha256 }) => sha256),
  );
  expect(new Set(hashes).size).toBe(8);
});

testShared('MANIFEST: sizes and hashes → those of the real files', () => {
  for (const variant of FETCHED) {
    for (const { name, bytes, sha256 } of wantedFiles(MANIFEST, variant, BOTH)) {
      const file = sharedFile(`weights/${name}`);
      expect(file.length).toBe(bytes);
      expect(createHash('sha256').update(file).digest('hex')).toBe(sha256);
    }
  }
});
