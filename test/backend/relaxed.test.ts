import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hasRelaxed } from '../../src/backend/wasm/relaxed.ts';
import { Taesd } from '../../src/taesd.ts';
import { taesd } from '../cli/command-line.ts';

/*
 * The kernels with relaxed multiply-adds, in a runtime without them and in a process with them.
 * `golden-relaxed.slow.test.ts` compares them with PyTorch.
 */

const DIST = new URL('../../dist/', import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, DIST)));

/** The flag of Node 20. Later versions need none. */
const FLAGS = hasRelaxed() ? [] : ['--experimental-wasm-relaxed-simd'];

const ELSEWHERE =
  'runs everywhere; Chrome 114 and Node 22 have relaxed SIMD, Node 20 with --experimental-wasm-relaxed-simd';
const REFUSED = `"precision" expected a runtime with relaxed SIMD for 'relaxed', got one without`;

const without = hasRelaxed() ? 'this runtime has relaxed SIMD' : undefined;

test('load [relaxed]: a runtime without relaxed SIMD → UNSUPPORTED with the remedy, also with kernels', async ({
  skip,
}) => {
  if (without !== undefined) skip(without);
  for (const wasm of [undefined, bytesOf('taesd.relaxed.wasm')]) {
    await expect(Taesd.load({ model: 'nano', precision: 'relaxed', wasm })).rejects.toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: `Taesd.load: ${REFUSED} (precision: 'f32' ${ELSEWHERE})`,
      }),
    );
  }
});

test('taesd decode --precision relaxed: a runtime without relaxed SIMD → code 1, the remedy as an option', ({
  skip,
}) => {
  if (without !== undefined) skip(without);
  const args = ['decode', '-', '--shape', '1x4x1x1', '--dtype', 'f32', '-o', '-'];
  const more = ['--format', 'png', '--model', 'nano', '--precision', 'relaxed'];
  const { code, stderr } = taesd([...args, ...more], { input: new Uint8Array(16) });
  expect(code).toBe(1);
  expect(stderr).toContain(`${REFUSED} (--precision f32 ${ELSEWHERE})`);
});

test('load [relaxed, reference] → f32: plain loops have one precision', async () => {
  const only = 'decoder';
  const options = { model: 'nano', precision: 'relaxed', backend: 'reference', only } as const;
  expect((await Taesd.load(options)).info.precision).toBe('f32');
});

/** Decodes with kernels of its own and the package's, and reports what it found. */
const PROGRAM = `
  const { readFileSync } = await import('node:fs');
  const { Taesd } = await import('${new URL('index.js', DIST)}');
  const latents = { shape: [1, 4, 20, 12], data: Float32Array.from({ length: 960 }, (_, i) => 2 * Math.sin(i / 7)) };
  const bytes = (name) => new Uint8Array(readFileSync(new URL(name, '${DIST}')));
  const decode = async (options) => {
    const taesd = await Taesd.load({ model: 'nano', workers: 0, ...options });
    const { data } = await taesd.decode(latents, { output: 'tensor' });
    const { precision, workers } = taesd.info;
    taesd.dispose();
    return { data, precision, workers };
  };
  const refused = (options) => decode(options).then(() => 'none', ({ code, message }) => code + ' ' + message);
  const f32 = await decode({});
  const relaxed = await decode({ precision: 'relaxed' });
  const workers = await decode({ precision: 'relaxed', workers: 2 });
  const given = await decode({ precision: 'relaxed', wasm: bytes('taesd.relaxed.wasm') });
  const off = (a, b) => a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i])), 0);
  console.log(JSON.stringify({
    precisions: [f32, relaxed, workers, given].map(({ precision }) => precision),
    workers: workers.workers,
    off: off(f32, relaxed),
    others: off(relaxed, workers) + off(relaxed, given),
    plain: await refused({ precision: 'relaxed', wasm: bytes('taesd.wasm') }),
    foreign: await refused({ precision: 'relaxed', wasm: { [Symbol.toStringTag]: 'WebAssembly.Module' } }),
    f32: await refused({ wasm: bytes('taesd.relaxed.wasm') }),
    fast: await refused({ precision: 'fast', wasm: new WebAssembly.Module(bytes('taesd.relaxed.wasm')) }),
  }));`;

const OTHERS =
  'ARG Taesd.load: "wasm" expected taesd.relaxed.wasm for precision relaxed, got other kernels (import taesd-wasm/taesd.relaxed.wasm instead)';

test('decode [relaxed]: own kernels, given kernels, workers → equal bits, within 1e-4 of f32; kernels of another precision → ARG', () => {
  const args = [...FLAGS, '--input-type=module', '-e', PROGRAM];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  const found = JSON.parse(stdout);
  expect(found).toEqual({
    precisions: ['f32', 'relaxed', 'relaxed', 'relaxed'],
    workers: 2,
    off: expect.any(Number),
    others: 0,
    plain: OTHERS,
    foreign: OTHERS,
    f32: 'ARG Taesd.load: "wasm" expected taesd.wasm for precision f32, got taesd.relaxed.wasm',
    fast: 'ARG Taesd.load: "wasm" expected taesd.wasm for precision fast, got taesd.relaxed.wasm',
  });
  expect(found.off).toBeLessThan(1e-4);
});
