import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { taesd, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * `--backend webgpu` and `auto` in Node, which has no WebGPU.
 */

const at = temporaryFolder();
const WEIGHTS = at('weights');
const [IN, LATENT, NAN] = [at('in.png'), at('latent.png'), at('nan.safetensors')];
const BACKENDS = ['webgpu', 'auto'] as const;
const done = { code: 0, stdout: '', stderr: '' };
const read = (name: string) => readFileSync(at(name));
const on = (backend: string) => ['--weights', WEIGHTS, '--backend', backend];

beforeAll(() => {
  writeWeights(WEIGHTS, ['taesd']);
  writeFileSync(IN, encodePng(randomPicture(17, 9, 3)));
  const latents = { shape: [1, 4, 1, 1], data: new Float32Array(4).fill(Number.NaN) };
  writeFileSync(NAN, writeSafetensors([['latents', latents]], { 'taesd.model': 'taesd' }));
  expect(taesd(['encode', IN, '-o', LATENT, ...on('wasm')])).toEqual(done);
});

const wantedBytes = new Map<string, Buffer>();

/** Returns the bytes that a command writes with `--backend wasm`, which are made once. */
function onWasm(command: string, input: string): Buffer {
  const made = wantedBytes.get(command);
  if (made !== undefined) return made;
  expect(taesd([command, input, '-o', at('wanted.png'), ...on('wasm')])).toEqual(done);
  const bytes = read('wanted.png');
  wantedBytes.set(command, bytes);
  return bytes;
}

/** Latents that are found out to be none once the model is loaded. */
const decodeNan = (backend: string) => ['decode', NAN, '-o', at('nan.png'), ...on(backend)];
const NAN_ERROR = `taesd: ${NAN}: "latents" expected finite numbers, got NaN at element 0\n`;
const NOTE = 'taesd: note: WASM does the work, not WebGPU: no WebGPU in this runtime\n';

describe.each(BACKENDS)('--backend %s in Node → one line that says why WASM does it', (backend) => {
  test.each([
    ['encode', IN],
    ['decode', LATENT],
    ['roundtrip', IN],
  ])('%s: the same bytes as with --backend wasm', (command, input) => {
    const wanted = onWasm(command, input);
    const asked = taesd([command, input, '-o', at('asked.png'), ...on(backend)]);
    expect(asked).toEqual({ ...done, stderr: NOTE });
    expect(read('asked.png')).toEqual(wanted);
  });

  test('decode: what goes wrong after that → both lines, exit 1', () => {
    const stderr = `${NOTE}${NAN_ERROR}`;
    expect(taesd(decodeNan(backend))).toEqual({ code: 1, stdout: '', stderr });
  });
});
