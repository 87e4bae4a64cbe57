// An empty folder with the package installed from its tarball, and beside it what the programs
// read.
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
import { writeExamples } from './readme-examples.mjs';
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
  await writeInputs(place);
  writeExamples(place, join(place, 'files', 'picture.png'));
  copyDream(place);
  return place;
}

/** The example that paints, beside the weights it reads. */
function copyDream(place) {
  for (const name of ['examples/dream', 'examples/panel.mjs', 'weights/dream/dream.safetensors']) {
    cpSync(join(ROOT, name), join(place, name), { recursive: true });
  }
}

/** Silent itself where this script is run silently, unless told. */
const npm = (cwd, ...args) => run('npm', [...args, '--loglevel=error'], { cwd });

/**
 * Inputs, written by what was installed: a golden picture for commands, a golden latent for
 * README's edge function.
 */
async function writeInputs(place) {
  const installed = (path) =>
    import(pathToFileURL(join(place, 'node_modules/taesd-wasm/dist', path)).href);
  const { readSafetensors, toTensor } = await installed('index.js');
  const { encodePng } = await installed('png/index.js');
  const { encodeLatentPng } = await installed('formats/index.js');
  const golden = (name, tensor) =>
    readSafetensors(readFileSync(sharedPath(name))).tensors.get(tensor);

  const { shape, bytes } = golden('taesd3-astronaut-128x96.safetensors', 'image');
  const [, , height, width] = shape;
  const count = width * height;
  const data = Uint8Array.from(bytes, (_, i) => bytes[(i % 3) * count + Math.floor(i / 3)]);
  writeFileSync(join(place, 'files', 'picture.png'), encodePng({ width, height, data }));

  const latents = toTensor(golden('taesd-chelsea-451x300.safetensors', 'latents'));
  const file = { latents, model: 'taesd', width: 451, height: 300 };
  writeFileSync(join(place, 'files', 'latent.png'), encodeLatentPng(file));
}
