import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Half } from '../../src/model/layers.ts';
import { type ModelName, VARIANTS } from '../../src/model/variants.ts';
import type { DownloadProgress } from '../../src/options/types.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { FolderStore } from '../../src/weights/folder-store.ts';
import type { LookOptions } from '../../src/weights/found.ts';
import { loadWeights } from '../../src/weights/load.ts';
import { manifestOf } from './small-manifest.ts';
import { weightsServer } from './weights-server.ts';

/*
 * The locations that are searched if the caller gives no weights, and their order. Each file has
 * one tensor. Whether it fits a model is not tested here.
 */

const one = (name: string, value: number) =>
  writeSafetensors([[name, { shape: [1], data: Float32Array.of(value) }]]);
/** A file of both halves, with diffusers' names. */
const bothHalves = (encoder: number, decoder: number) =>
  writeSafetensors([
    ['encoder.layers.0.weight', { shape: [1], data: Float32Array.of(encoder) }],
    ['decoder.layers.0.weight', { shape: [1], data: Float32Array.of(decoder) }],
  ]);
const FILES = {
  encoder: new Uint8Array(one('0.weight', 1)),
  decoder: new Uint8Array(one('1.weight', 2)),
};
const { requests, mirror } = weightsServer(FILES);
const BOTH: readonly Half[] = ['encoder', 'decoder'];

const parent = mkdtempSync(join(tmpdir(), 'taesd-locate-'));
afterAll(() => rmSync(parent, { recursive: true }));
let cache: string;
let folder: string;
let count = 0;
beforeEach(() => {
  cache = join(parent, `${count++}`, 'cache');
  folder = join(parent, `${count++}`);
  mkdirSync(folder);
  vi.stubEnv('TAESD_WEIGHTS', folder);
});
afterEach(() => vi.unstubAllEnvs());

/** Loads taesd. */
const locate = (options: LookOptions & { parts?: readonly Half[]; way?: string } = {}) => {
  const { parts = BOTH, way = 'good', ...rest } = options;
  const look = {
    manifest: manifestOf(FILES, [mirror(way)]),
    store: new FolderStore(cache),
    ...rest,
  };
  return loadWeights(VARIANTS.taesd, parts, look);
};

/**
 * Puts a model's files into a folder: those of the manifest, or files with another value if it is
 * given.
 */
function put(into: string, model: ModelName, parts: readonly Half[], value?: number): void {
  mkdirSync(into, { recursive: true });
  for (const part of parts) {
    const other = one(part === 'encoder' ? '0.weight' : '1.weight', value ?? 0);
    writeFileSync(
      join(into, `${model}_${part}.safetensors`),
      value === undefined ? FILES[part] : other,
    );
  }
}

const values = ({ encoder, decoder }: Awaited<ReturnType<typeof locate>>['tensors']) => [
  encoder?.get('0.weight')?.data[0],
  decoder?.get('1.weight')?.data[0],
];

const NAMES = 'taesd_encoder.safetensors and taesd_decoder.safetensors';
const HINT =
  'npx taesd pull taesd or the option download: true fetches them, the option weights gives them, ' +
  "model: 'nano' needs none";
const notFound = (places: string) => ({
  name: 'TaesdError',
  code: 'ARG',
  message: `"weights of taesd" expected ${NAMES}, got none in ${places} (${HINT})`,
});

describe('loadWeights', () => {
  test('given weights → before all other locations; a folder that lacks them → ARG, and no other location is searched', async () => {
    put(cache, 'taesd', BOTH);
    put(folder, 'taesd', BOTH, 5);
    const given = join(folder, 'given');
    put(given, 'taesd', BOTH, 7);
    const found = await locate({ weights: given, download: true });
    expect([values(found.tensors), found.from]).toEqual([[7, 7], given]);
    const byUrl = await locate({ weights: pathToFileURL(given) });
    expect(byUrl.from).toBe(pathToFileURL(given).href);
    const bytes = await locate({ weights: FILES });
    expect([values(bytes.tensors), bytes.from]).toEqual([[1, 2], 'given bytes']);
    rmSync(given, { recursive: true });
    await expect(locate({ weights: given, download: true })).rejects.toMatchObject({
      code: 'ARG',
      message: `"${given}" expected a folder that holds ${NAMES}, got no such folder`,
    });
    expect(requests).toEqual([]);
  });

  test('TAESD_WEIGHTS has the model → it, whatever the cache has', async () => {
    put(cache, 'taesd', BOTH);
    put(folder, 'taesd', BOTH, 5);
    const found = await locate({ download: true });
    expect([values(found.tensors), found.from]).toEqual([[5, 5], `TAESD_WEIGHTS ${folder}`]);
    expect(requests).toEqual([]);
  });

  test.each([
    ['another model', () => put(folder, 'taesdxl', BOTH, 5)],
    ['one of two files', () => put(folder, 'taesd', ['encoder'], 5)],
    ['nothing', () => undefined],
    ['a .pth of one half', () => writeFileSync(join(folder, 'taesd_encoder.pth'), 'PK')],
    ['no name', () => vi.stubEnv('TAESD_WEIGHTS', '')],
  ])('TAESD_WEIGHTS has %s → the cache', async (_, arrange) => {
    arrange();
    put(cache, 'taesd', BOTH);
    const found = await locate();
    expect([values(found.tensors), found.from]).toEqual([[1, 2], `cache ${cache}`]);
    expect(requests).toEqual([]);
  });

  test.each([
    ['no folder', 'none', `a folder that holds ${NAMES}, got no such folder`],
    ['no file', 'x.safetensors', 'a file or a folder, got no such file'],
    [
      'a file of another kind',
      'notes.txt',
      `a folder that holds ${NAMES}, got a file (give its folder, or a file that ends in .safetensors or .pth)`,
    ],
  ])(
    'TAESD_WEIGHTS names %s → ARG that names it, a model named or not, whatever the cache has',
    async (_, name, rule) => {
      put(cache, 'taesd', BOTH);
      writeFileSync(join(folder, 'notes.txt'), '');
      vi.stubEnv('TAESD_WEIGHTS', join(folder, name));
      const error = {
        name: 'TaesdError',
        code: 'ARG',
        message: `TAESD_WEIGHTS: "${join(folder, name)}" expected ${rule}`,
      };
      await expect(locate()).rejects.toMatchObject(error);
      await expect(locate({ download: true })).rejects.toMatchObject(error);
      const store = new FolderStore(cache);
      await expect(loadWeights(undefined, BOTH, { store })).rejects.toMatchObject(error);
      expect(requests).toEqual([]);
    },
  );

  test('no model named, none found → nano, and one warning with both ways to silence it', async () => {
    vi.resetModules();
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    try {
      const { loadWeights: load } = await import('../../src/weights/load.ts');
      const { VARIANTS: variants } = await import('../../src/model/variants.ts');
      const look = { store: new FolderStore(cache) };
      expect((await load(variants.nano, BOTH, look)).from).toBe('the package');
      expect(warn).not.toHaveBeenCalled();
      for (let i = 0; i < 2; i++)
        expect((await load(undefined, BOTH, look)).from).toBe('the package');
      expect(warn.mock.calls).toEqual([
        [
          'taesd-wasm: found no weights of taesd. Using nano, whose pictures are softer. To get taesd: npx taesd pull ' +
            "taesd or the option download: true. To keep nano: the option model: 'nano'. Either ends this warning.",
        ],
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  test('TAESD_WEIGHTS has a file that cannot be read → its error, not the cache', async () => {
    put(cache, 'taesd', BOTH);
    writeFileSync(join(folder, 'taesd_encoder.safetensors'), '');
    put(folder, 'taesd', ['decoder']);
    await expect(locate()).rejects.toMatchObject({
      code: 'TRUNCATED',
      message: `${folder}/taesd_encoder.safetensors: "header length" expected at least 8 bytes, got 0 (empty file?)`,
    });
  });

  test('nowhere → ARG naming each location and the remedies; nothing is made or fetched', async () => {
    await expect(locate()).rejects.toMatchObject(
      notFound(`TAESD_WEIGHTS ${folder} (neither), cache ${cache} (neither)`),
    );
    vi.stubEnv('TAESD_WEIGHTS', folder);
    put(folder, 'taesd', ['encoder']);
    put(cache, 'taesd', ['decoder']);
    const half = (name: string) => `no taesd_${name}.safetensors`;
    await expect(locate()).rejects.toMatchObject(
      notFound(`TAESD_WEIGHTS ${folder} (${half('decoder')}), cache ${cache} (${half('encoder')})`),
    );
    vi.stubEnv('TAESD_WEIGHTS', undefined);
    await expect(locate()).rejects.toMatchObject(
      notFound(`TAESD_WEIGHTS (not set), cache ${cache} (${half('encoder')})`),
    );
    expect(requests).toEqual([]);
    rmSync(cache, { recursive: true });
    await expect(locate()).rejects.toMatchObject({ code: 'ARG' });
    expect(readdirSync(join(cache, '..'))).toEqual([]);
  });

  test('a cache that we may not access → named: ARG that says so; nothing named: nano', async () => {
    vi.stubEnv('XDG_CACHE_HOME', '');
    const homedir = vi.spyOn(process.getBuiltinModule('node:os'), 'homedir');
    homedir.mockImplementation(() => {
      throw new Error('Requires sys access');
    });
    try {
      await expect(loadWeights(VARIANTS.taesd, BOTH)).rejects.toMatchObject({
        code: 'ARG',
        message: expect.stringContaining(
          'cache ("home folder" expected permission to read its path, got Requires sys access (in Deno: --allow-sys=homedir, or --allow-env=XDG_CACHE_HOME))',
        ),
      });
      expect((await loadWeights(undefined, BOTH)).from).toBe('the package');
    } finally {
      homedir.mockRestore();
    }
  });

  test('given as null, a number, an empty object → ARG', async () => {
    for (const [weights, shown] of [
      [null, 'null'],
      [7, '7'],
      [{}, 'Object'],
    ]) {
      await expect(locate({ weights: weights as never })).rejects.toMatchObject({
        code: 'ARG',
        message: `"weights" expected a folder, a URL, bytes, or { encoder: Uint8Array, decoder: Uint8Array }, got ${shown}`,
      });
    }
  });

  test('one network wanted → its file alone, from TAESD_WEIGHTS, the cache, the network', async () => {
    put(cache, 'taesd', ['decoder']);
    const decoder = await locate({ parts: ['decoder'] });
    expect([values(decoder.tensors), decoder.from]).toEqual([[undefined, 2], `cache ${cache}`]);
    await expect(locate({ parts: ['encoder'] })).rejects.toMatchObject({
      message: `"weights of taesd" expected taesd_encoder.safetensors, got none in TAESD_WEIGHTS ${folder} (no such file), cache ${cache} (no taesd_encoder.safetensors) (${HINT})`,
    });
    const encoder = await locate({ parts: ['encoder'], download: true });
    expect(values(encoder.tensors)).toEqual([1, undefined]);
    expect(requests).toEqual(['good taesd_encoder.safetensors']);
  });

  test('a damaged file in the cache → INTEGRITY naming it and the remedies; download: true → mended', async () => {
    put(cache, 'taesd', BOTH);
    put(cache, 'taesd', ['decoder'], 9);
    const path = join(cache, 'taesd_decoder.safetensors');
    const error = await locate().catch((thrown) => thrown);
    expect(error.code).toBe('INTEGRITY');
    expect(error.message.replace(/[\da-f]{64}/g, 'HASH')).toBe(
      `"${path}" expected SHA-256 HASH, got HASH (npx taesd pull taesd or the option download: true mends it)`,
    );
    const found = await locate({ download: true });
    expect(values(found.tensors)).toEqual([1, 2]);
    expect(requests).toEqual(['good taesd_decoder.safetensors']);
    expect((await locate()).from).toBe(`cache ${cache}`);
  });

  test('download: true → fetched, kept, reported; the next load needs no network', async () => {
    const seen: DownloadProgress[] = [];
    const found = await locate({
      download: true,
      onDownload: (progress) => seen.push(progress),
    });
    const url = (part: Half) => `${mirror('good')}/taesd_${part}.safetensors`;
    const from = `cache ${cache}, fetched from ${url('encoder')} and ${url('decoder')}`;
    expect([values(found.tensors), found.from]).toEqual([[1, 2], from]);
    const total = FILES.encoder.length + FILES.decoder.length;
    expect(seen.at(-1)).toEqual({ file: 'taesd_decoder.safetensors', done: total, total });
    const again = await locate({ download: true });
    expect(again.from).toBe(`cache ${cache}`);
    expect((await locate()).from).toBe(`cache ${cache}`);
    expect(requests.length).toBe(2);
  });

  test('download: true and a mirror that fails → its error and the ways around, nothing kept', async () => {
    const message = `"${mirror('404')}/taesd_encoder.safetensors" expected HTTP status 200, got 404`;
    const around = 'the option weights gives another folder or address';
    vi.stubEnv('HTTPS_PROXY', '');
    vi.stubEnv('NODE_USE_ENV_PROXY', '');
    await expect(locate({ download: true, way: '404' })).rejects.toMatchObject({
      code: 'NETWORK',
      message: `${message} (${around})`,
    });
    vi.stubEnv('HTTPS_PROXY', 'http://me:secret@proxy.test:8080');
    await expect(locate({ download: true, way: '404' })).rejects.toMatchObject({
      code: 'NETWORK',
      message: `${message} (${around}; proxies of the environment are used by npx taesd pull, and here with NODE_USE_ENV_PROXY=1 from Node 24 on)`,
    });
    expect(readdirSync(cache)).toEqual([]);
  });

  test('download: true and a cache that cannot be written → used, not kept, and a note', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const store = new FolderStore(join(file, 'cache'));
    const found = await locate({ download: true, store });
    const url = (part: Half) => `${mirror('good')}/taesd_${part}.safetensors`;
    expect([values(found.tensors), found.from, found.note]).toEqual([
      [1, 2],
      `fetched from ${url('encoder')} and ${url('decoder')}`,
      `the download is not kept: cache ${join(file, 'cache')} cannot be written: no such file: a part of its path is not a folder`,
    ]);
  });

  test('an unreadable file in the cache → named: ARG that says so; nothing named: nano; download: true → fetched, not kept', async () => {
    mkdirSync(join(cache, 'taesd_encoder.safetensors'), { recursive: true });
    put(cache, 'taesd', ['decoder']);
    await expect(locate()).rejects.toMatchObject({
      code: 'ARG',
      message: `"weights of taesd" expected ${NAMES}, got none in TAESD_WEIGHTS ${folder} (neither), cache ${cache} (taesd_encoder.safetensors is a folder) (${HINT})`,
    });
    const note = `cache ${cache} cannot be read: taesd_encoder.safetensors is a folder`;
    const store = new FolderStore(cache);
    const nano = await loadWeights(undefined, BOTH, { manifest: manifestOf(FILES, []), store });
    expect([nano.from, nano.note]).toEqual(['the package', note]);
    // A folder cannot be replaced by a file.
    const found = await locate({ download: true });
    expect(values(found.tensors)).toEqual([1, 2]);
    expect(found.note).toMatch(
      /^the download is not kept: cache .+ cannot be written: taesd_encoder\.safetensors is a folder$/,
    );
  });

  test('download: true, one file of both halves → both from it; later from the cache, one half too', async () => {
    const files = { ...FILES, both: new Uint8Array(bothHalves(3, 4)) };
    const manifest = manifestOf(files, [`${mirror('404')}`], undefined, [
      pathToFileURL(folder).href,
    ]);
    writeFileSync(join(folder, 'taesd.safetensors'), files.both);
    vi.stubEnv('TAESD_WEIGHTS', undefined);
    const at = `${pathToFileURL(folder).href}/taesd.safetensors`;
    const found = await locate({ manifest, download: true });
    expect([values(found.tensors), found.from]).toEqual([
      [3, 4],
      `cache ${cache}, fetched from ${at}`,
    ]);
    const again = await locate({ manifest });
    expect([values(again.tensors), again.from]).toEqual([[3, 4], `cache ${cache}`]);
    const half = await locate({ manifest, parts: ['decoder'] });
    expect(values(half.tensors)).toEqual([undefined, 4]);
  });

  test('a half whose SHA-256 is not known → the other is fetched; it is not: UNSUPPORTED, and the option that gives it', async () => {
    const manifest = manifestOf(FILES, [mirror('good')], (file) =>
      file.name.includes('encoder') ? { ...file, sha256: null } : file,
    );
    const encoder = 'taesd_encoder.safetensors';
    await expect(locate({ manifest, download: true })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: `"${encoder}" expected a known SHA-256, to check what is downloaded, got none (the option weights gives the file)`,
    });
    expect(requests).toEqual([]);
    const decoder = await locate({ manifest, download: true, parts: ['decoder'] });
    expect(values(decoder.tensors)).toEqual([undefined, 2]);
    // A file of the name in the cache could be anything.
    put(cache, 'taesd', ['encoder']);
    await expect(locate({ manifest })).rejects.toMatchObject({
      code: 'ARG',
      message: `"weights of taesd" expected ${NAMES}, got none in TAESD_WEIGHTS ${folder} (neither), cache ${cache} (no ${encoder}) (the SHA-256 of ${encoder} is not known, so nothing fetches it; the option weights gives it)`,
    });
    put(folder, 'taesd', BOTH, 5);
    expect(values((await locate({ manifest })).tensors)).toEqual([5, 5]);
  });
});
