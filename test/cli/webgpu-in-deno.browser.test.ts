import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { deno } from '../webgpu/run-remotely.ts';
import { type Outcome, taesd, taesdInDeno, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * `--backend webgpu` and `auto` in Deno, which has WebGPU if Vulkan finds an adapter.
 */

const at = temporaryFolder();
const WEIGHTS = at('weights');
const [IN, NAN] = [at('in.png'), at('nan.safetensors')];
const done = { code: 0, stdout: '', stderr: '' };
const read = (name: string) => readFileSync(at(name));
const on = (backend: string) => ['--weights', WEIGHTS, '--backend', backend];
/** With latents that no rounding to 8 bits moves apart. */
const roundtrip = (output: string, backend: string) => [
  'roundtrip',
  IN,
  '-o',
  at(output),
  '--float',
  ...on(backend),
];

beforeAll(() => {
  writeWeights(WEIGHTS, ['taesd']);
  writeFileSync(IN, encodePng(randomPicture(17, 9, 3)));
  const latents = { shape: [1, 4, 1, 1], data: new Float32Array(4).fill(Number.NaN) };
  writeFileSync(NAN, writeSafetensors([['latents', latents]], { 'taesd.model': 'taesd' }));
  expect(taesd(roundtrip('wasm.png', 'wasm'))).toEqual(done);
});

/** Latents that are found out to be none once the model is loaded. */
const decodeNan = (backend: string) => ['decode', NAN, '-o', at('nan.png'), ...on(backend)];
const NAN_ERROR = `taesd: ${NAN}: "latents" expected finite numbers, got NaN at element 0\n`;

if (deno === undefined && process.env.CI) {
  throw new Error('no Deno here, and CI must not skip the test of the command on WebGPU');
}
if (deno === undefined) {
  console.warn('skipping --backend webgpu in Deno: none here (npm run test:runtimes installs one)');
}

describe.skipIf(deno === undefined)('--backend webgpu in Deno', () => {
  const folder = at('deno');
  const inDeno = (args: readonly string[], preload?: string) =>
    taesdInDeno(args, { program: deno ?? '', folder, preload });
  let first: Outcome;
  /** In words, where there is none. */
  let lacking = '';

  beforeAll(() => {
    mkdirSync(folder, { mode: 0o700 });
    first = inDeno(roundtrip('webgpu.png', 'webgpu'));
    if (!process.env.CI) lacking = /no WebGPU (?:adapter|device).*/.exec(first.stderr)?.[0] ?? '';
    if (lacking !== '') console.warn(`skipping --backend webgpu in Deno: ${lacking}`);
  });

  test('roundtrip: an adapter does it → nothing said, within a byte of WASM, and the process ends', ({
    skip,
  }) => {
    skip(lacking !== '', lacking);
    expect(first).toEqual(done);
    expect(furthest('webgpu.png', 'wasm.png')).toBeLessThanOrEqual(1);
  });

  test('roundtrip: the device lost at work → WASM does what is left, and a line says so', ({
    skip,
  }) => {
    skip(lacking !== '', lacking);
    const { code, stdout, stderr } = inDeno(roundtrip('lost.png', 'webgpu'), losingDevice());
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^taesd: note: WASM took over from WebGPU: the device was lost: .+\n$/);
    expect(furthest('lost.png', 'wasm.png')).toBeLessThanOrEqual(1);
  });

  test('decode: what goes wrong on a device → one line, exit 1, and the process ends', ({
    skip,
  }) => {
    skip(lacking !== '', lacking);
    expect(inDeno(decodeNan('webgpu'))).toEqual({ code: 1, stdout: '', stderr: NAN_ERROR });
  });

  test('roundtrip --backend auto: a software adapter → WASM and a line; a card → nothing said', ({
    skip,
  }) => {
    skip(lacking !== '', lacking);
    const { code, stderr } = inDeno(roundtrip('auto.png', 'auto'));
    expect(code).toBe(0);
    if (stderr === '') expect(furthest('auto.png', 'wasm.png')).toBeLessThanOrEqual(1);
    else {
      expect(stderr).toMatch(
        /^taesd: note: WASM does the work, not WebGPU: .+ is a software adapter\n$/,
      );
      expect(read('auto.png')).toEqual(read('wasm.png'));
    }
  });
});

/** How many steps of a byte two pictures are apart. */
function furthest(name: string, other: string): number {
  const [a, b] = [name, other].map((file) => decodePng(new Uint8Array(read(file))));
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  return Math.max(...a.data.map((byte, i) => Math.abs(byte - b.data[i])));
}

/**
 * A module that takes the device away at its work: at the second piece of it after the model was
 * loaded.
 */
function losingDevice(): string {
  const path = at('losing-device.mjs');
  writeFileSync(
    path,
    `import { Taesd } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const { load } = Taesd;
    const { requestDevice } = GPUAdapter.prototype;
    const { submit } = GPUQueue.prototype;
    let device;
    let left = Infinity;
    Taesd.load = async (options) => {
      const taesd = await load.call(Taesd, options);
      left = 2;
      return taesd;
    };
    GPUAdapter.prototype.requestDevice = async function (...args) {
      device = await requestDevice.apply(this, args);
      return device;
    };
    GPUQueue.prototype.submit = function (...args) {
      left -= 1;
      if (left === 0) device.destroy();
      return submit.apply(this, args);
    };`,
  );
  return path;
}
