import { spawnSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { noKernels } from '../../src/backend/wasm/compile-failure.ts';
import { orKeepOut, packageFile } from '../../src/platform/package-file.ts';
import { isNodeLike } from '../../src/platform/runtime.ts';

const HERE = 'file:///app/node_modules/taesd-wasm/dist/weights/locate.js';
const ORIGINAL = 'file:///app/node_modules/taesd-wasm/dist/nano.js';

/** The addresses, given that of the copy. */
const addresses = (copy: string): string[] =>
  packageFile(() => new URL(copy), '../nano.js', HERE).map(({ href }) => href);

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'EdgeRuntime');
});

test('packageFile: a copy in a folder of a server → the original, then the copy', () => {
  const copy = 'file:///app/.next/server/assets/nano.1f.js';
  expect(addresses(copy)).toEqual([ORIGINAL, copy]);
});

test('packageFile: no bundler → the file alone', () => {
  expect(addresses(ORIGINAL)).toEqual([ORIGINAL]);
});

test('packageFile: a copy that has an address on the site → the original alone', () => {
  expect(addresses('https://host/_next/static/media/nano.1f.js')).toEqual([ORIGINAL]);
});

test('packageFile: an edge runtime, which has no files → the copy alone', () => {
  Object.defineProperty(globalThis, 'EdgeRuntime', { value: 'edge-runtime', configurable: true });
  expect(isNodeLike()).toBe(false);
  expect(addresses('blob:kernels')).toEqual(['blob:kernels']);
});

test('packageFile: code that does not know its address → TypeError', () => {
  const here = undefined as unknown as string;
  expect(() => packageFile(() => new URL(ORIGINAL), '../nano.js', here)).toThrow(TypeError);
});

test('noKernels: on a server → the remedies, among them the line for Next', () => {
  const { code, message } = noKernels(new URL('file:///app/dist/taesd.wasm'), undefined);
  expect(code).toBe('ARG');
  expect(message).toBe(
    '"file:///app/dist/taesd.wasm" expected the kernels, got no such file (hand over the module, ' +
      'or kernels() of taesd-wasm/kernels, as the option wasm; keep the package out of a ' +
      "server's bundle: serverExternalPackages: ['taesd-wasm'] in Next, external in other " +
      'bundlers; in a checkout, "npm run build" makes it)',
  );
});

test('orKeepOut: an edge runtime → no word of servers', () => {
  Object.defineProperty(globalThis, 'EdgeRuntime', { value: 'edge-runtime', configurable: true });
  expect(orKeepOut('hand it over')).toBe('hand it over');
});

test.each([
  'taesd.wasm?module',
  'taesd.wasm?url',
  'taesd.wasm?init',
  'taesd.relaxed.wasm',
  'taesd.relaxed.wasm?module',
  'taesd.relaxed.wasm?url',
])('taesd-wasm/%s → the file of the kernels with that query', (name) => {
  // vitest has a resolver of its own.
  const script = `console.log(import.meta.resolve('taesd-wasm/${name}'))`;
  const args = ['--input-type=module', '-e', script];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const dist = new URL('../../dist/', import.meta.url);
  expect(stdout).toBe(`${dist.href}${name}\n`);
});
