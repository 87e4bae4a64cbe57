import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BASELINE, LOSSY } from './files.ts';

/*
 * The package as `npm ci --omit=optional` installs it: all its dependencies but the optional ones.
 */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const place = mkdtempSync(join(tmpdir(), 'taesd-without-'));
const modules = join(place, 'node_modules');

beforeAll(() => {
  mkdirSync(modules);
  const needed =
    /dist(\/(builtins|picture|png|exif|colour|deflate|platform|first-bytes)(\/.*)?|\/[a-z-]+\.js)?$/;
  cpSync(join(ROOT, 'dist'), join(modules, 'taesd-wasm', 'dist'), {
    recursive: true,
    filter: (path) => needed.test(path) && !/(nano|kernels)\.js$/.test(path),
  });
  cpSync(join(ROOT, 'package.json'), join(modules, 'taesd-wasm', 'package.json'));
  for (const name of ['fast-png', 'fflate']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
});
afterAll(() => rmSync(place, { recursive: true }));

/** The folder above the place that has the packages, where imports would find them. */
function folderThatHasThem(): string | undefined {
  for (let above = dirname(place); ; above = dirname(above)) {
    const packages = join(above, 'node_modules/@jsquash');
    if (existsSync(packages)) return packages;
    if (above === dirname(above)) return undefined;
  }
}

test('JPEG and WebP → UNSUPPORTED, with what to install; PNG → read', ({ skip }) => {
  const found = folderThatHasThem();
  if (found !== undefined) {
    if (process.env.CI) throw new Error(`${found} is there, and CI must not skip this test`);
    skip(`${found} lies above the folder of temporary files`);
  }
  writeFileSync(join(place, 'program.mjs'), PROGRAM);
  const files = JSON.stringify([BASELINE, LOSSY].map(({ bytes }) => [...bytes]));
  const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
    cwd: place,
    input: files,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([
    [
      'UNSUPPORTED',
      'decodePicture: JPEG files need the optional package @jsquash/jpeg (npm install @jsquash/jpeg)',
    ],
    [
      'UNSUPPORTED',
      'decodePicture: WebP files need the optional package @jsquash/webp (npm install @jsquash/webp)',
    ],
    [3, 2],
  ]);
});

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { decodePicture } from 'taesd-wasm/picture';
import { encodePng } from 'taesd-wasm/png';
const found = [];
for (const bytes of JSON.parse(readFileSync(0, 'utf8'))) {
  await decodePicture(Uint8Array.from(bytes)).catch(({ code, message }) => found.push([code, message]));
}
const png = encodePng({ width: 3, height: 2, data: new Uint8Array(18) });
const { width, height } = await decodePicture(png);
console.log(JSON.stringify([...found, [width, height]]));
`;
