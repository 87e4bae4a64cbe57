import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { instantiateKernels, KERNEL_NAMES } from '../../src/backend/wasm/kernels.ts';
import { compileKernels } from '../../src/backend/wasm/module.ts';
import { Taesd } from '../../src/taesd.ts';
import { randomWeights } from '../small-model.ts';

/*
 * Runtimes that cannot or must not compile WebAssembly.
 */

const real = globalThis.WebAssembly;
afterEach(() => {
  globalThis.WebAssembly = real;
});

test('compileKernels: nothing given → the package file, compiled: the kernels of the table, of at most 6 parameters', async () => {
  const module = await compileKernels();
  const names = real.Module.exports(module).map(({ name }) => name);
  expect(names.sort()).toEqual([...KERNEL_NAMES].sort());
  const memory = new real.Memory({ initial: 1 });
  const { exports } = await real.instantiate(module, { env: { memory } });
  const most = Math.max(...KERNEL_NAMES.map((name) => (exports[name] as () => void).length));
  expect(most).toBeLessThanOrEqual(6);
});

/** A module whose exports are one function without parameters, under each of the names. */
function moduleExporting(names: readonly string[]): Uint8Array<ArrayBuffer> {
  const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)]);
  const section = (id: number, bytes: number[]) => [id, ...leb(bytes.length), ...bytes];
  const text = (name: string) => [name.length, ...new TextEncoder().encode(name)];
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    ...section(1, [0x01, 0x60, 0x00, 0x00]), // types: () → ()
    ...section(3, [0x01, 0x00]), // functions: one, of that type
    ...section(7, [...leb(names.length), ...names.flatMap((name) => [...text(name), 0x00, 0x00])]),
    ...section(10, [0x01, 0x02, 0x00, 0x0b]), // code: nothing
  );
}

for (const [what, names, missing] of [
  ['a module of other functions', ['other'], KERNEL_NAMES],
  ['kernels with other parameters', KERNEL_NAMES, KERNEL_NAMES],
] as const) {
  test(`instantiateKernels: ${what} → FORMAT naming them`, async () => {
    const module = await compileKernels(moduleExporting(names));
    const memory = new WebAssembly.Memory({ initial: 1 });
    await expect(instantiateKernels(module as WebAssembly.Module, memory)).rejects.toThrow(
      expect.objectContaining({
        code: 'FORMAT',
        message: expect.stringMatching(
          new RegExp(`"wasm" expected the kernels, got none of ${missing.slice(0, 5).join(',')},`),
        ),
      }),
    );
  });
}

test('compileKernels: a web page in place of the kernels → FORMAT with the remedies', async () => {
  const page = new TextEncoder().encode('<!doctype html><html>');
  await expect(compileKernels(page)).rejects.toThrow(
    expect.objectContaining({
      code: 'FORMAT',
      message: expect.stringMatching(
        /^"WebAssembly\.compile" expected the kernels, got .* \(a web page: the server or bundler does not serve taesd\.wasm \(Vite: optimizeDeps: \{ exclude: \['taesd-wasm'\] \}; else wasm: kernels\(\) of taesd-wasm\/kernels\)\)$/,
      ),
    }),
  );
});

test('compileKernels: a policy forbids compiling → UNSUPPORTED with the remedy; a module from outside works', async () => {
  const module = await compileKernels();
  // An engine of its own, told to generate no code: what a strict Content-Security-Policy does.
  globalThis.WebAssembly = runInNewContext(
    'WebAssembly',
    {},
    { contextCodeGeneration: { wasm: false } },
  );
  await expect(compileKernels()).rejects.toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /^"WebAssembly\.compile" expected permission to compile WebAssembly, got .*disallowed by embedder \(allow 'wasm-unsafe-eval' in the Content-Security-Policy, or hand over a compiled WebAssembly\.Module as the option wasm\)$/,
      ),
    }),
  );
  globalThis.WebAssembly = real;
  const decoder = await Taesd.load({
    weights: { decoder: randomWeights('taesd', 'decoder') },
    wasm: module,
  });
  expect((await decoder.decode({ shape: [1, 4, 1, 1], data: new Float32Array(4) })).width).toBe(8);
});

test('load: a module of another realm, as edge runtimes have → works', async () => {
  const bytes = readFileSync(new URL('../../dist/taesd.wasm', import.meta.url));
  const wasm = runInNewContext('new WebAssembly.Module(bytes)', { bytes });
  expect(wasm instanceof WebAssembly.Module).toBe(false);
  const weights = { decoder: randomWeights('taesd', 'decoder') };
  const decoder = await Taesd.load({ weights, wasm });
  expect((await decoder.decode({ shape: [1, 4, 1, 1], data: new Float32Array(4) })).width).toBe(8);
});

test('load: an object that calls itself a module → FORMAT', async () => {
  const wasm = { [Symbol.toStringTag]: 'WebAssembly.Module' };
  const weights = { decoder: randomWeights('taesd', 'decoder') };
  await expect(Taesd.load({ weights, wasm } as object)).rejects.toThrow(
    expect.objectContaining({
      code: 'FORMAT',
      message: expect.stringContaining('"wasm" expected the kernels, got '),
    }),
  );
});

test('compileKernels: no WebAssembly at all → UNSUPPORTED; the reference backend works', async () => {
  Reflect.deleteProperty(globalThis, 'WebAssembly');
  await expect(compileKernels()).rejects.toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED',
      message:
        '"WebAssembly" expected a runtime that has it, got none (backend: \'reference\' runs without, slowly)',
    }),
  );
  const decoder = await Taesd.load({
    weights: { decoder: randomWeights('taesd', 'decoder') },
    backend: 'reference',
  });
  expect((await decoder.decode({ shape: [1, 4, 1, 1], data: new Float32Array(4) })).width).toBe(8);
});

// V8 offers SIMD on x86-64 only from SSE 4.1 on, and lets one switch that off.
test.runIf(process.arch === 'x64')(
  'load: a processor without SIMD → UNSUPPORTED naming the runtimes that have it',
  () => {
    const entry = fileURLToPath(new URL('../../dist/backend/wasm/module.js', import.meta.url));
    const script = `
    import { compileKernels } from ${JSON.stringify(entry)};
    compileKernels().catch((error) => console.log(error.code + ' ' + error.message));
  `;
    const args = ['--no-enable-sse4-1', '--input-type=module', '-e', script];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout).toMatch(
      /^UNSUPPORTED "WebAssembly\.compile" expected WebAssembly with SIMD, got .*SIMD unsupported.* \(SIMD came with Chrome 91, Firefox 89, Safari 16\.4, Node 16\.4; backend: 'reference' runs without, slowly\)\n$/,
    );
  },
);
