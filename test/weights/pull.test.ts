import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import type { Half } from '../../src/model/layers.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import type { DownloadProgress } from '../../src/options/types.ts';
import { FolderStore } from '../../src/weights/folder-store.ts';
import { unknownFiles } from '../../src/weights/manifest.ts';
import { type PullOptions, pullModel } from '../../src/weights/pull.ts';
import { unknownRemedy } from '../../src/weights/read-cached.ts';
import { testAtFullLength } from '../full-length.ts';
import { type Change, manifestOf, noiseFiles } from './small-manifest.ts';
import { weightsServer } from './weights-server.ts';

/*
 * Pulls into a folder from a server that misbehaves in every way. A file's name is only ever that
 * of the whole file.
 */

const FILES = noiseFiles();
const NAME = 'taesd_encoder.safetensors';
const SIZE = FILES.encoder.length;
const HALF = SIZE / 2;
const { requests, mirror } = weightsServer(FILES);

const parent = mkdtempSync(join(tmpdir(), 'taesd-pull-'));
afterAll(() => rmSync(parent, { recursive: true }));
/** A folder that does not exist yet. Each test has its own. */
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(parent, `${count++}`, 'taesd-wasm');
});

const STALL_MS = 300;

/** Changes a manifest's files to those whose size is not known. */
const sizeless: Change = (file) => ({ ...file, bytes: null });

/** Pulls the encoder from mirrors that behave in these ways. */
const pull = (ways: readonly string[], options: PullOptions = {}) =>
  pullModel(VARIANTS.taesd, ['encoder'], {
    manifest: manifestOf(FILES, ways.map(mirror)),
    store: new FolderStore(folder),
    stallMs: STALL_MS,
    ...options,
  });

/** The names in the folder, with `part` for drafts. */
const entries = () => readdirSync(folder).map((name) => name.replace(/^\..*\.part$/, 'part'));
const kept = () => new Uint8Array(readFileSync(join(folder, NAME)));

/** Leaves a draft with these bytes, as an interrupted pull does. */
function leavePart(bytes: Uint8Array): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `.${NAME}.elsewhere.0.a-b.part`), bytes);
}

const url = (way: string) => `${mirror(way)}/${NAME}`;

describe('a file that comes', () => {
  test('pullModel: nothing there → fetched, under its name alone; again → there, without a request', async () => {
    const seen: DownloadProgress[] = [];
    const [first] = await pull(['good'], { onDownload: (progress) => seen.push(progress) });
    expect(first).toMatchObject({
      halves: ['encoder'],
      name: NAME,
      before: 'missing',
      url: url('good'),
    });
    expect(Buffer.compare(first.bytes, FILES.encoder)).toBe(0);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(entries()).toEqual([NAME]);
    expect(requests).toEqual([`good ${NAME}`]);
    expect(seen[0]).toEqual({ file: NAME, done: 0, total: SIZE });
    expect(seen.at(-1)).toEqual({ file: NAME, done: SIZE, total: SIZE });
    const [again] = await pull(['good']);
    expect(again).toMatchObject({ before: 'whole', url: undefined });
    expect(requests.length).toBe(1);
  });

  test('pullModel: both files → onDownload counts the bytes of both', async () => {
    const seen: DownloadProgress[] = [];
    const pulled = await pullModel(VARIANTS.taesd, ['encoder', 'decoder'], {
      manifest: manifestOf(FILES, [mirror('good')]),
      store: new FolderStore(folder),
      onDownload: (progress) => seen.push(progress),
    });
    expect(pulled.map(({ name }) => name)).toEqual([NAME, 'taesd_decoder.safetensors']);
    const total = SIZE + FILES.decoder.length;
    expect(seen.every((progress) => progress.total === total)).toBe(true);
    expect(seen.at(-1)).toEqual({ file: 'taesd_decoder.safetensors', done: total, total });
    const growing = seen.map(({ done }) => done);
    expect(growing).toEqual([...growing].sort((a, b) => a - b));
  });

  test.each(['moved', 'packed', 'whole', 'shifted', 'unsatisfied'])(
    'pullModel: a server that is %s → fetched',
    async (way) => {
      await pull([way]);
      expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    },
  );

  test('pullModel: another file under the name → replaced, and said to be broken', async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, NAME), FILES.encoder.subarray(1));
    expect(await pull(['good'])).toMatchObject([{ before: 'broken', url: url('good') }]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: from a folder → copied; no such file there → ARG; another file → INTEGRITY', async () => {
    const from = join(parent, 'from');
    mkdirSync(from);
    const options = { from: pathToFileURL(from) };
    const at = pathToFileURL(join(from, NAME)).href;
    const rule = `expected a file of ${SIZE} bytes, got`;
    await expect(pull([], options)).rejects.toMatchObject({
      code: 'ARG',
      message: `"${at}" ${rule} no such file`,
    });
    writeFileSync(join(from, NAME), 'x');
    await expect(pull([], options)).rejects.toMatchObject({
      code: 'TRUNCATED',
      message: `"${at}" ${rule} 1 (another file?)`,
    });
    expect(entries()).toEqual([]);
    writeFileSync(join(from, NAME), FILES.encoder);
    expect(await pull([], options)).toMatchObject([{ before: 'missing', url: at }]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });
});

describe('a draft', () => {
  test.each([
    ['good', [`good ${NAME} bytes=${HALF}-`]],
    // The server ignores the range, sends another one, or has none: from the beginning.
    ['whole', [`whole ${NAME} bytes=${HALF}-`]],
    ['shifted', [`shifted ${NAME} bytes=${HALF}-`, `shifted ${NAME}`]],
    ['unsatisfied', [`unsatisfied ${NAME} bytes=${HALF}-`, `unsatisfied ${NAME}`]],
    ['packed', [`packed ${NAME} bytes=${HALF}-`]],
    ['moved', [`moved ${NAME} bytes=${HALF}-`, `good ${NAME} bytes=${HALF}-`]],
  ])('pullModel: a server that is %s → continued, or begun again', async (way, requests) => {
    leavePart(FILES.encoder.subarray(0, HALF));
    await pull([way]);
    expect(requests).toEqual(requests);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(entries()).toEqual([NAME]);
  });

  test('pullModel: all of it left → no request', async () => {
    leavePart(FILES.encoder);
    expect(await pull(['good'])).toMatchObject([{ before: 'missing', url: undefined }]);
    expect(requests).toEqual([]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: left bytes are of another file, or too many → begun again at that mirror', async () => {
    leavePart(new Uint8Array(HALF));
    await pull(['good']);
    expect(requests).toEqual([`good ${NAME} bytes=${HALF}-`, `good ${NAME}`]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);

    rmSync(join(folder, NAME));
    requests.length = 0;
    leavePart(new Uint8Array(SIZE + 1));
    await pull(['good']);
    expect(requests).toEqual([`good ${NAME}`]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: the rest is of another file → INTEGRITY after a whole one from there, then the next mirror', async () => {
    leavePart(FILES.encoder.subarray(0, HALF));
    await pull(['changed', 'good']);
    expect(requests).toEqual([`changed ${NAME} bytes=${HALF}-`, `changed ${NAME}`, `good ${NAME}`]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: a page in place of the rest → what is there stays for the next mirror', async () => {
    leavePart(FILES.encoder.subarray(0, HALF));
    await pull(['bare', '404', 'good']);
    expect(requests.at(-1)).toBe(`good ${NAME} bytes=${HALF}-`);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: cut in the middle, then 500 → what came is left; the next pull continues it', async () => {
    const error = await pull(['cut', '500']).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: 'TaesdError', code: 'NETWORK' });
    expect(entries()).toEqual(['part']);
    await pull(['404', 'good']);
    expect(requests.slice(2)).toEqual([
      `404 ${NAME} bytes=${HALF}-`,
      `good ${NAME} bytes=${HALF}-`,
    ]);
    expect(entries()).toEqual([NAME]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });
});

const whole = `expected a file of ${SIZE} bytes, got`;

/** The fault of each bad mirror, after its address in the message. */
const FAULTS: readonly (readonly [way: string, code: string, fault: RegExp | string])[] = [
  ['page', 'INTEGRITY', `${whole} a web page (a login page or a proxy in between?)`],
  ['bare', 'INTEGRITY', `${whole} a web page (a login page or a proxy in between?)`],
  ['short', 'INTEGRITY', `${whole} ${SIZE - 1} (another file?)`],
  ['ends', 'TRUNCATED', `${whole} ${SIZE - 1} (another file?)`],
  ['empty', 'TRUNCATED', `${whole} 0 (another file?)`],
  ['long', 'INTEGRITY', `${whole} more (another file?)`],
  [
    'other',
    'INTEGRITY',
    /^expected SHA-256 [\da-f]{64}, got [\da-f]{64} \(a damaged or another file\)$/,
  ],
  ['404', 'NETWORK', 'expected HTTP status 200, got 404'],
  ['403', 'NETWORK', 'expected HTTP status 200, got 403'],
  ['500', 'NETWORK', 'expected HTTP status 200, got 500'],
  ['206', 'NETWORK', 'expected HTTP status 200, got 206'],
  ['416', 'NETWORK', 'expected HTTP status 200, got 416'],
  ['circle', 'NETWORK', 'expected an answer, got redirect count exceeded'],
  ['hang-up', 'NETWORK', 'expected an answer, got other side closed (the connection was cut)'],
  ['cut', 'NETWORK', 'expected the whole file, got other side closed (the connection was cut)'],
  ['mute', 'NETWORK', 'expected an answer, got nothing for 0.3 s (a server that stalls)'],
  ['stall', 'NETWORK', 'expected the whole file, got nothing for 0.3 s (a server that stalls)'],
];

describe('a file that does not come', () => {
  test.each(FAULTS)('pullModel: %s → %s, and nothing under its name', async (way, code, fault) => {
    const error = await pull([way]).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(TaesdError);
    expect(error.code).toBe(code);
    const begin = `"${url(way)}" `;
    expect(error.message.slice(0, begin.length)).toBe(begin);
    if (typeof fault === 'string') expect(error.message.slice(begin.length)).toBe(fault);
    else expect(error.message.slice(begin.length)).toMatch(fault);
    // The bytes before a cut or a stall are left for the next pull.
    expect(entries()).toEqual(['cut', 'stall'].includes(way) ? ['part'] : []);
    // The folder then takes the file.
    await pull(['good']);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(entries()).toEqual([NAME]);
  });

  test.each(FAULTS)('pullModel: %s, then a good mirror → fetched there', async (way) => {
    expect(await pull([way, 'good'])).toMatchObject([{ url: url('good') }]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(entries()).toEqual([NAME]);
  });

  test('pullModel: no server → NETWORK', async () => {
    const nowhere = new URL('http://127.0.0.1:2/');
    await expect(pull([], { from: nowhere })).rejects.toMatchObject({
      code: 'NETWORK',
      message:
        '"http://127.0.0.1:2/taesd_encoder.safetensors" expected an answer, got connect ECONNREFUSED 127.0.0.1:2 (nothing listens there)',
    });
  });

  test('pullModel: all mirrors fail → the fault of each, and their common code, else NETWORK', async () => {
    const status = (way: string) => `"${url(way)}" expected HTTP status 200, got ${way}`;
    const page = `"${url('page')}" ${whole} a web page (a login page or a proxy in between?)`;
    const long = `"${url('long')}" ${whole} more (another file?)`;
    for (const [ways, code, faults] of [
      [['404', '500'], 'NETWORK', [status('404'), status('500')]],
      [['page', 'long'], 'INTEGRITY', [page, long]],
      [['page', '404', 'long'], 'NETWORK', [page, status('404'), long]],
    ] as const) {
      await expect(pull(ways)).rejects.toMatchObject({
        code,
        message: `${faults.join('; ')}`,
      });
    }
  });

  test('pullModel: the second file fails → the first is kept, and not fetched again', async () => {
    const options = { store: new FolderStore(folder), stallMs: STALL_MS };
    const both = (files: typeof FILES, way: string) => {
      const manifest = manifestOf(files, [mirror(way)]);
      return pullModel(VARIANTS.taesd, ['encoder', 'decoder'], { ...options, manifest });
    };
    const wrong = { ...FILES, decoder: FILES.decoder.slice().reverse() };
    await expect(both(wrong, 'good')).rejects.toMatchObject({ code: 'INTEGRITY' });
    expect(entries()).toEqual([NAME]);
    expect(await both(FILES, 'good')).toMatchObject([{ before: 'whole' }, { before: 'missing' }]);
  });

  test('pullModel: a signal, before and while bytes are awaited → its reason; what came is left', async () => {
    const reason = new Error('enough');
    await expect(pull(['good'], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(requests).toEqual([]);
    const controller = new AbortController();
    const onDownload = ({ done }: DownloadProgress) => {
      if (done > 0) setTimeout(() => controller.abort(reason), 10);
    };
    // Only the signal can end the wait within the timeout of this test.
    const work = pull(['stall'], { signal: controller.signal, stallMs: 2 ** 31 - 1, onDownload });
    await expect(work).rejects.toBe(reason);
    expect(entries()).toEqual(['part']);
  });

  test('pullModel: onDownload that throws → that is thrown; the next pull continues', async () => {
    const boom = new Error('from the callback');
    const onDownload = ({ done }: DownloadProgress) => {
      if (done > 0) throw boom;
    };
    await expect(pull(['good'], { onDownload })).rejects.toBe(boom);
    await pull(['good']);
    expect(requests[1]).toMatch(/^good taesd_encoder\.safetensors bytes=\d+-$/);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: WebCrypto hidden, as jsdom does → that of Node; none → UNSUPPORTED', async () => {
    vi.stubGlobal('crypto', undefined);
    try {
      await pull(['good']);
      expect(entries()).toEqual([NAME]);
      rmSync(join(folder, NAME));
      // A runtime without the modules of Node.
      vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
      await expect(pull(['good'])).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message:
          '"crypto.subtle" expected WebCrypto, to check what is downloaded, got none (a page that came by HTTPS has it; or give the option weights)',
      });
    } finally {
      vi.unstubAllGlobals();
    }
    await pull(['good']);
    expect(entries()).toEqual([NAME]);
  });
});

describe('a file of unknown size', () => {
  const pullSizeless = (ways: readonly string[], options: PullOptions = {}) =>
    pull(ways, { manifest: manifestOf(FILES, ways.map(mirror), sizeless), ...options });
  const MAX = 2 ** 26;
  const upTo = (max: number) => `expected a file of at most ${max} bytes, got`;

  test('pullModel: → fetched, its SHA-256 checked; onDownload has no total', async () => {
    const seen: DownloadProgress[] = [];
    const onDownload = (progress: DownloadProgress) => seen.push(progress);
    const [first] = await pullSizeless(['good'], { onDownload });
    expect(first).toMatchObject({ halves: ['encoder'], before: 'missing', url: url('good') });
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(new Set(seen.map(({ total }) => total))).toEqual(new Set([undefined]));
    expect(seen.at(-1)?.done).toBe(SIZE);
    expect(await pullSizeless([])).toMatchObject([{ before: 'whole', url: undefined }]);
  });

  test('pullModel: one size known, one not → no total, and both are counted', async () => {
    const seen: DownloadProgress[] = [];
    const change: Change = (file) => (file.name === NAME ? sizeless(file) : file);
    await pullModel(VARIANTS.taesd, ['encoder', 'decoder'], {
      manifest: manifestOf(FILES, [mirror('good')], change),
      store: new FolderStore(folder),
      onDownload: (progress) => seen.push(progress),
    });
    const done = SIZE + FILES.decoder.length;
    expect(seen.at(-1)).toEqual({ file: 'taesd_decoder.safetensors', done, total: undefined });
  });

  test.each([
    ['good', [`good ${NAME} bytes=${HALF}-`]],
    ['whole', [`whole ${NAME} bytes=${HALF}-`]],
    ['shifted', [`shifted ${NAME} bytes=${HALF}-`, `shifted ${NAME}`]],
    ['unsatisfied', [`unsatisfied ${NAME} bytes=${HALF}-`, `unsatisfied ${NAME}`]],
    ['packed', [`packed ${NAME} bytes=${HALF}-`]],
  ])('pullModel: a draft, a server that is %s → continued, or begun again', async (way, asked) => {
    leavePart(FILES.encoder.subarray(0, HALF));
    await pullSizeless([way]);
    expect(requests).toEqual(asked);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(entries()).toEqual([NAME]);
  });

  test('pullModel: cut, then the next pull → continued; all of it left → no request', async () => {
    await expect(pullSizeless(['cut'])).rejects.toMatchObject({ code: 'NETWORK' });
    expect(entries()).toEqual(['part']);
    await pullSizeless(['good']);
    expect(requests).toEqual([`cut ${NAME}`, `good ${NAME} bytes=${HALF}-`]);
    rmSync(join(folder, NAME));
    requests.length = 0;
    leavePart(FILES.encoder);
    expect(await pullSizeless(['404'])).toMatchObject([{ before: 'missing', url: undefined }]);
    expect(requests).toEqual([]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: bytes left of another file, or too many → begun again', async () => {
    leavePart(new Uint8Array(HALF));
    await pullSizeless(['good']);
    expect(requests).toEqual([`good ${NAME} bytes=${HALF}-`, `good ${NAME}`]);
    rmSync(join(folder, NAME));
    requests.length = 0;
    leavePart(new Uint8Array(SIZE + 1));
    await pullSizeless(['good'], { maxBytes: SIZE });
    expect(requests).toEqual([`good ${NAME}`]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test.each([
    ['other', 'INTEGRITY', / expected SHA-256 [\da-f]{64}, got [\da-f]{64} \(a damaged or another/],
    ['ends', 'INTEGRITY', / expected SHA-256 [\da-f]{64}, got [\da-f]{64} \(a damaged or another/],
    ['empty', 'TRUNCATED', ` ${upTo(MAX)} 0 (another file?)`],
    ['page', 'INTEGRITY', ` ${upTo(MAX)} a web page (a login page or a proxy in between?)`],
    ['bare', 'INTEGRITY', ` ${upTo(MAX)} a web page (a login page or a proxy in between?)`],
  ])('pullModel: %s → %s, nothing left; then a good mirror → fetched', async (way, code, fault) => {
    const error = await pullSizeless([way]).catch((thrown) => thrown);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(fault);
    expect(error.message).toContain(`"${url(way)}"`);
    expect(entries()).toEqual([]);
    expect(await pullSizeless([way, 'good'])).toMatchObject([{ url: url('good') }]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: announced, sent or found longer than the limit → LIMIT, nothing left; then a good mirror', async () => {
    const maxBytes = SIZE - 1;
    const rule = upTo(maxBytes);
    await expect(pullSizeless(['good'], { maxBytes })).rejects.toMatchObject({
      code: 'LIMIT',
      message: `"${url('good')}" ${rule} ${SIZE} (another file?)`,
    });
    await expect(pullSizeless(['endless'], { maxBytes })).rejects.toMatchObject({
      code: 'LIMIT',
      message: `"${url('endless')}" ${rule} more (another file?)`,
    });
    leavePart(FILES.encoder.subarray(0, HALF));
    await expect(pullSizeless(['good'], { maxBytes })).rejects.toMatchObject({
      code: 'LIMIT',
      message: `"${url('good')}" ${rule} ${SIZE} (another file?)`,
    });
    rmSync(folder, { recursive: true });
    const from = join(parent, 'from-long');
    mkdirSync(from);
    writeFileSync(join(from, NAME), FILES.encoder);
    const long = pullSizeless([], { from: pathToFileURL(from), maxBytes });
    await expect(long).rejects.toMatchObject({ code: 'LIMIT' });
    expect(entries()).toEqual([]);
    await pullSizeless(['endless', 'good'], { maxBytes: SIZE });
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(entries()).toEqual([NAME]);
  });

  testAtFullLength(
    'pullModel: a server that never ends → LIMIT past 64 MiB, nothing left',
    async () => {
      const seen: number[] = [];
      const onDownload = ({ done }: DownloadProgress) => seen.push(done);
      await expect(pullSizeless(['endless'], { onDownload })).rejects.toMatchObject({
        code: 'LIMIT',
        message: `"${url('endless')}" ${upTo(67_108_864)} more (another file?)`,
      });
      expect(Math.max(...seen)).toBeGreaterThan(MAX - 2 ** 20);
      expect(entries()).toEqual([]);
    },
  );
});

describe('a model with alternatives', () => {
  const WHOLE = 'taesd.safetensors';
  const pullEither = (
    halves: readonly string[],
    whole: readonly string[],
    wanted: readonly Half[] = ['encoder', 'decoder'],
    options: PullOptions = {},
  ) =>
    pullModel(VARIANTS.taesd, wanted, {
      manifest: manifestOf(FILES, halves.map(mirror), undefined, whole.map(mirror)),
      store: new FolderStore(folder),
      stallMs: STALL_MS,
      ...options,
    });
  const wholeFile = () => new Uint8Array(readFileSync(join(folder, WHOLE)));

  test('pullModel: the first fails → one file of both halves; again → there, without a request', async () => {
    const pulled = await pullEither(['404', 'other'], ['good']);
    const address = `${mirror('good')}/${WHOLE}`;
    expect(pulled).toMatchObject([
      { halves: ['encoder', 'decoder'], name: WHOLE, before: 'missing', url: address },
    ]);
    expect(Buffer.compare(wholeFile(), FILES.both)).toBe(0);
    expect(entries()).toEqual([WHOLE]);
    expect(requests).toEqual([`404 ${NAME}`, `other ${NAME}`, `good ${WHOLE}`]);
    requests.length = 0;
    expect(await pullEither(['good'], ['good'])).toMatchObject([{ name: WHOLE, before: 'whole' }]);
    const [one] = await pullEither(['good'], ['good'], ['decoder']);
    expect(one).toMatchObject({ halves: ['decoder'], name: WHOLE, before: 'whole' });
    expect(requests).toEqual([]);
  });

  test('pullModel: all fail → the fault of each address, once', async () => {
    const error = await pullEither(['404', '500'], ['403']).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: 'TaesdError', code: 'NETWORK' });
    const status = (way: string, name: string) =>
      `"${mirror(way)}/${name}" expected HTTP status 200, got ${way}`;
    const faults = [status('404', NAME), status('500', NAME), status('403', WHOLE)];
    expect(error.message).toBe(faults.join('; '));
    expect(error.cause.errors.map(({ message }: Error) => message)).toEqual(faults);
    expect(entries()).toEqual([]);
  });

  test('pullModel: a folder without the halves → its file of both', async () => {
    const from = join(parent, 'from-whole');
    mkdirSync(from);
    const options = { from: pathToFileURL(from) };
    const none = await pullEither([], [], undefined, options).catch((thrown) => thrown);
    expect(none.code).toBe('ARG');
    expect(none.message.match(/got no such file/g)).toHaveLength(2);
    writeFileSync(join(from, WHOLE), FILES.both);
    expect(await pullEither([], [], undefined, options)).toMatchObject([{ name: WHOLE }]);
    expect(Buffer.compare(wholeFile(), FILES.both)).toBe(0);
  });

  test('pullModel: a full disk, a signal → its error, and the next alternative is not tried', async () => {
    const reason = new Error('enough');
    const stopped = pullEither(['good'], ['good'], undefined, {
      signal: AbortSignal.abort(reason),
    });
    await expect(stopped).rejects.toBe(reason);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    await expect(pullEither(['good'], ['good'])).rejects.toMatchObject({ code: 'ARG' });
    expect(requests).toEqual([]);
  });
});

describe('a file that has another name at its source', () => {
  const named: Change = (file) => ({ ...file, path: 'there_encoder.bin' });
  const manifest = () => manifestOf(FILES, [mirror('good')], named);

  test('pullModel: → asked for by the one, kept by the other', async () => {
    const [file] = await pull([], { manifest: manifest() });
    expect(file).toMatchObject({ name: NAME, url: `${mirror('good')}/there_encoder.bin` });
    expect(entries()).toEqual([NAME]);
  });

  test.each([NAME, 'there_encoder.bin'])(
    'pullModel: from a folder that has %s → copied',
    async (name) => {
      const from = join(parent, `from-${name}`);
      mkdirSync(from);
      writeFileSync(join(from, name), FILES.encoder);
      await pull([], { manifest: manifest(), from: pathToFileURL(from) });
      expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    },
  );
});

describe('a file whose SHA-256 is not known', () => {
  const hashless: Change = (file) => (file.name === NAME ? { ...file, sha256: null } : file);
  const both: readonly Half[] = ['encoder', 'decoder'];

  test('pullModel: → left out, the other half is fetched; unknownFiles, unknownRemedy → its name, what to do', async () => {
    const manifest = manifestOf(FILES, [mirror('good')], hashless);
    const options = { manifest, store: new FolderStore(folder) };
    const pulled = await pullModel(VARIANTS.taesd, both, options);
    expect(pulled).toMatchObject([{ halves: ['decoder'], name: 'taesd_decoder.safetensors' }]);
    expect(requests).toEqual(['good taesd_decoder.safetensors']);
    expect(unknownFiles(manifest, VARIANTS.taesd, both)).toEqual([NAME]);
    expect(unknownFiles(manifest, VARIANTS.taesd, ['decoder'])).toEqual([]);
    expect(unknownRemedy([NAME])).toEqual({
      api: `the SHA-256 of ${NAME} is not known, so nothing fetches it; the option weights gives it`,
      command: `the SHA-256 of ${NAME} is not known, so nothing fetches it; --weights DIR gives it`,
    });
  });

  test('pullModel: an alternative with all hashes → that, before the first', async () => {
    const manifest = manifestOf(FILES, [mirror('good')], hashless, [mirror('good')]);
    const pulled = await pullModel(VARIANTS.taesd, both, {
      manifest,
      store: new FolderStore(folder),
    });
    expect(pulled).toMatchObject([{ halves: both, name: 'taesd.safetensors' }]);
    expect(unknownFiles(manifest, VARIANTS.taesd, both)).toEqual([]);
  });
});
