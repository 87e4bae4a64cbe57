// An empty folder with the package installed from its tarball, and beside it what the programs read.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FILES } from './program/conformance.mjs';
import { run } from './spawn.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));

const sharedPath = (name) =>
  join(SHARED, /_(en|de)coder\./.test(name) ? 'weights' : 'golden', name);

/** What is not there of the files beside the repository, or undefined. */
export const missingShared = () => FILES.map(sharedPath).find((path) => !existsSync(path));

/** @returns the folder; it is removed when this process ends */
export async function makeWorkplace() {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-runtimes-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const packed = join(folder, 'packed');
  mkdirSync(packed);
  await npm(ROOT, 'pack', '--pack-destination', packed);
  const [tarball] = readdirSync(packed);

  const place = join(folder, 'place');
  mkdirSync(join(place, 'files'), { recursive: true });
  writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }\n');
  await npm(place, 'install', '--ignore-scripts', '--no-audit', '--no-fund', join(packed, tarball));

  cpSync(new URL('program/', import.meta.url), place, { recursive: true });
  for (const name of FILES) copyFileSync(sharedPath(name), join(place, 'files', name));
  await writePicture(place);
  return place;
}

/** Silent itself where this script is run silently, unless told. */
const npm = (cwd, ...args) => run('npm', [...args, '--loglevel=error'], { cwd });

/** The command's input: a golden picture as a PNG, written by what was installed. */
async function writePicture(place) {
  const installed = (path) =>
    import(pathToFileURL(join(place, 'node_modules/taesd-wasm/dist', path)).href);
  const { readSafetensors } = await installed('index.js');
  const { encodePng } = await installed('png/index.js');
  const { shape, bytes } = readSafetensors(readFileSync(sharedPath(FILES[0]))).tensors.get('image');
  const [, , height, width] = shape;
  const count = width * height;
  const data = Uint8Array.from(bytes, (_, i) => bytes[(i % 3) * count + Math.floor(i / 3)]);
  writeFileSync(join(place, 'files', 'picture.png'), encodePng({ width, height, data }));
}
