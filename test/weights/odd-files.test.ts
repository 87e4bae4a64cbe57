import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { VARIANTS } from '../../src/model/variants.ts';
import { readRegularFile } from '../../src/platform/regular-file.ts';
import { FolderStore } from '../../src/weights/folder-store.ts';
import { openLenientStore } from '../../src/weights/lenient-store.ts';
import { loadWeights } from '../../src/weights/load.ts';
import { type PullOptions, pullModel } from '../../src/weights/pull.ts';
import { readCached } from '../../src/weights/read-cached.ts';
import { ODD_THINGS, plantHuge, plantPipe } from './plant.ts';
import { manifestOf, noiseFiles } from './small-manifest.ts';
import { weightsServer } from './weights-server.ts';

/*
 * Folders that others may write to: names that lead to anything but a file of one's own. Nothing is
 * waited for, nothing of others is written to, and afterwards the same process works.
 */

const FILES = noiseFiles();
const NAME = 'taesd_encoder.safetensors';
const SIZE = FILES.encoder.length;
const HALF = SIZE / 2;
const { requests, mirror } = weightsServer(FILES);
const fetched = () => ({ url: `${mirror('good')}/${NAME}` });

const parent = mkdtempSync(join(tmpdir(), 'taesd-odd-'));
afterAll(() => rmSync(parent, { recursive: true }));
let folder: string;
let path: string;
/** A file of the user's elsewhere, which nothing may change. */
let victim: string;
let count = 0;
beforeEach(() => {
  folder = join(parent, `${count}`);
  mkdirSync(folder);
  path = join(folder, NAME);
  victim = join(parent, `victim${count++}`);
  writeFileSync(victim, 'of the user');
  utimesSync(victim, 1e9, 1e9);
  vi.stubEnv('TAESD_WEIGHTS', '');
});
afterEach(() => vi.unstubAllEnvs());
const victimNow = () => [readFileSync(victim, 'utf8'), statSync(victim).mtimeMs];
const UNTOUCHED = ['of the user', 1e12];

const manifest = (way = 'good') => manifestOf(FILES, [mirror(way)]);
const pull = (options: PullOptions = {}) =>
  pullModel(VARIANTS.taesd, ['encoder'], {
    manifest: manifest(),
    store: new FolderStore(folder),
    ...options,
  });
const load = (options = {}) =>
  loadWeights(VARIANTS.taesd, ['encoder'], {
    manifest: manifest(),
    store: new FolderStore(folder),
    ...options,
  });
const kept = () => new Uint8Array(readFileSync(path));

describe.skipIf(process.platform === 'win32')('a name of weights that leads to no file', () => {
  test.each(ODD_THINGS)(
    'pullModel, loadWeights: $what → ARG that says so; it stays; without it → fetched',
    async ({ kind, plant }) => {
      await plant(path);
      const before = lstatSync(path).ino;
      await expect(pull()).rejects.toMatchObject({
        name: 'TaesdError',
        code: 'ARG',
        message: `"${path}" expected a file, got ${kind} (move it away: a file of weights belongs there)`,
      });
      expect(requests).toEqual([]);
      await expect(load()).rejects.toMatchObject({
        code: 'ARG',
        message: expect.stringContaining(`cache ${folder} (${NAME} is ${kind})`),
      });
      // `load` with `download: true` uses such a store.
      const store = await openLenientStore(new FolderStore(folder));
      const [{ bytes }] = await pull({ store });
      expect(Buffer.compare(bytes, FILES.encoder)).toBe(0);
      expect(store.note).toBe(
        `the download is not kept: cache ${folder} cannot be written: ${NAME} is ${kind}`,
      );
      expect(lstatSync(path).ino).toBe(before);
      rmSync(path, { recursive: true });
      expect(await pull()).toMatchObject([{ before: 'missing', ...fetched() }]);
      expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    },
  );

  test.each(ODD_THINGS)('readCached: $what → blocked', async ({ kind, plant }) => {
    await plant(path);
    const store = new FolderStore(folder);
    const [{ files }] = await readCached(manifest(), store, VARIANTS.taesd, ['encoder', 'decoder']);
    expect(files).toMatchObject([{ state: 'blocked', got: kind }, { state: 'missing' }]);
  });

  test.each(ODD_THINGS)('loadWeights: $what in the folder given → ARG', async ({ kind, plant }) => {
    await plant(path);
    await expect(load({ weights: folder })).rejects.toMatchObject({
      code: 'ARG',
      message: `"${pathToFileURL(path).href}" expected a file, got ${kind}`,
    });
  });

  test.each(ODD_THINGS)(
    'pullModel: $what at the source → ARG, nothing kept',
    async ({ kind, plant }) => {
      const source = join(folder, 'source');
      mkdirSync(source);
      await plant(join(source, NAME));
      await expect(pull({ from: pathToFileURL(source) })).rejects.toMatchObject({
        code: 'ARG',
        message: `"${pathToFileURL(join(source, NAME)).href}" expected a file, got ${kind}`,
      });
      expect(readdirSync(folder)).toEqual(['source']);
    },
  );

  test('readRegularFile: a pipe that comes between look and opening → not read, not waited for', async () => {
    writeFileSync(path, 'x');
    const fs = process.getBuiltinModule('node:fs/promises');
    const { stat } = fs;
    const swap = vi.spyOn(fs, 'stat').mockImplementationOnce(async (name) => {
      const found = await stat(name);
      rmSync(path);
      plantPipe(path);
      return found;
    });
    try {
      const { otherKind, bytes } = await readRegularFile(path, 10);
      expect([otherKind, bytes]).toEqual(['a pipe', undefined]);
    } finally {
      swap.mockRestore();
    }
  });
});

describe('a link under the name of weights', () => {
  test('to a whole file → read; to another file, to nothing → the link is replaced, not what it leads to', async () => {
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, FILES.encoder);
    symlinkSync(elsewhere, path);
    expect(await pull()).toMatchObject([{ before: 'whole' }]);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    rmSync(path);
    for (const [target, before] of [
      [victim, 'broken'],
      [join(folder, 'nothing'), 'missing'],
    ]) {
      symlinkSync(target, path);
      expect(await pull()).toMatchObject([{ before, ...fetched() }]);
      expect(lstatSync(path).isFile()).toBe(true);
      expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
      rmSync(path);
    }
    expect(victimNow()).toEqual(UNTOUCHED);
    expect(readdirSync(folder)).toEqual(['elsewhere']);
  });
});

describe('a huge file', () => {
  const HUGE = 2 ** 40;

  test('under the name of weights → broken, INTEGRITY with its size, unread; pullModel → mended', async () => {
    plantHuge(path, HUGE);
    await expect(load()).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: `"${path}" expected at most ${SIZE} bytes, got ${HUGE} (npx taesd pull taesd or the option download: true mends it)`,
    });
    expect(await pull()).toMatchObject([{ before: 'broken', ...fetched() }]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('in the folder given → LIMIT; at the source of pullModel → LIMIT, nothing kept', async () => {
    const source = join(folder, 'source');
    mkdirSync(source);
    plantHuge(join(source, NAME), HUGE);
    const { href } = pathToFileURL(join(source, NAME));
    const limit = (bytes: number) => ({
      code: 'LIMIT',
      message: `"${href}" expected at most ${bytes} bytes, got ${HUGE} (another file?)`,
    });
    await expect(load({ weights: source })).rejects.toMatchObject(limit(2 ** 28));
    await expect(pull({ from: pathToFileURL(source) })).rejects.toMatchObject(limit(SIZE));
    expect(readdirSync(folder)).toEqual(['source']);
  });

  test('left as a draft → emptied and begun again, also by a lenient store', async () => {
    const draft = join(folder, `.${NAME}.elsewhere.0.a-b.part`);
    plantHuge(draft, HUGE);
    expect(await pull()).toMatchObject([{ before: 'missing', ...fetched() }]);
    rmSync(path);
    plantHuge(draft, HUGE);
    const store = await openLenientStore(new FolderStore(folder));
    await pull({ store });
    expect(store.note).toBeUndefined();
    expect(requests).toEqual([`good ${NAME}`, `good ${NAME}`]);
    expect(readdirSync(folder)).toEqual([NAME]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('from a server → the draft never has more bytes than the manifest says', async () => {
    const sizes: number[] = [];
    const sizesNow = () => {
      for (const name of readdirSync(folder)) sizes.push(statSync(join(folder, name)).size);
    };
    const options = { manifest: manifest('long'), onDownload: sizesNow };
    await expect(pull(options)).rejects.toMatchObject({ code: 'INTEGRITY' });
    expect(Math.max(...sizes)).toBeLessThanOrEqual(SIZE);
    expect(readdirSync(folder)).toEqual([]);
  });
});

/** Things planted under the names of drafts that any process may take over. */
const PLANTED: readonly (readonly [what: string, plant: (draft: string) => unknown])[] = [
  ['a link to a file of the user', (draft) => symlinkSync(victim, draft)],
  ['a second name of a file of the user', (draft) => linkSync(victim, draft)],
  ['a link to nothing', (draft) => symlinkSync(`${victim}.none`, draft)],
  ['a folder', (draft) => mkdirSync(draft)],
  ...(process.platform === 'win32' ? [] : [['a pipe', plantPipe] as const]),
];

/** The names under which a draft counts as abandoned: left, of an ended process, and of old age. */
const ABANDONED = [
  `.${NAME}.elsewhere.0.a-b.part`,
  `.${NAME}.${hostname().replace(/[^\w-]/g, '_')}.${2 ** 22 + 1}.a-b.part`,
];

describe('a planted draft', () => {
  test.each(PLANTED)(
    'pullModel: %s → passed over, neither written to nor removed; the file is fetched whole',
    async (_, plant) => {
      for (const name of ABANDONED) plant(join(folder, name));
      const inodes = () => ABANDONED.map((name) => lstatSync(join(folder, name)).ino);
      const before = inodes();
      expect(await pull()).toMatchObject([{ before: 'missing', ...fetched() }]);
      expect(requests).toEqual([`good ${NAME}`]);
      expect(readdirSync(folder).sort()).toEqual([...ABANDONED, NAME].sort());
      expect(inodes()).toEqual(before);
      expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
      expect(victimNow()).toEqual(UNTOUCHED);
      expect(existsSync(`${victim}.none`)).toBe(false);
    },
  );

  test('pullModel: a file of another user → passed over, though its bytes are right', async ({
    skip,
  }) => {
    skip(process.getuid?.() !== 0, 'root alone may give files away');
    const [name] = ABANDONED;
    writeFileSync(join(folder, name), FILES.encoder.subarray(0, HALF));
    chownSync(join(folder, name), 12345, 12345);
    await pull();
    expect(requests).toEqual([`good ${NAME}`]);
    expect(statSync(join(folder, name))).toMatchObject({ uid: 12345, size: HALF });
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  });

  test('pullModel: beside one of our own → ours is continued', async () => {
    const [planted, own] = ABANDONED;
    symlinkSync(victim, join(folder, planted));
    writeFileSync(join(folder, own), FILES.encoder.subarray(0, HALF));
    await pull();
    expect(requests).toEqual([`good ${NAME} bytes=${HALF}-`]);
    expect(readdirSync(folder).sort()).toEqual([planted, NAME].sort());
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(victimNow()).toEqual(UNTOUCHED);
  });

  test.each(PLANTED)(
    'pullModel: %s that comes while a draft is taken over → passed over',
    async (_, plant) => {
      writeFileSync(join(folder, ABANDONED[0]), FILES.encoder.subarray(0, HALF));
      const fs = process.getBuiltinModule('node:fs/promises');
      const { rename } = fs;
      const swap = vi.spyOn(fs, 'rename').mockImplementationOnce(async (from, to) => {
        await rename(from, to);
        rmSync(`${to}`);
        plant(`${to}`);
      });
      try {
        await pull();
      } finally {
        swap.mockRestore();
      }
      expect(requests).toEqual([`good ${NAME}`]);
      expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
      expect(victimNow()).toEqual(UNTOUCHED);
      expect(existsSync(`${victim}.none`)).toBe(false);
    },
  );
});
