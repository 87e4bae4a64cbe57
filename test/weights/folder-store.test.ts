import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cacheFolder, FolderStore } from '../../src/weights/folder-store.ts';

const parent = mkdtempSync(join(tmpdir(), 'taesd-folder-'));
afterAll(() => rmSync(parent, { recursive: true }));
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(parent, `${count++}`);
});

const FILE = { name: 'a.safetensors', bytes: 4, sha256: '' };
const BYTES = Uint8Array.of(1, 2, 3, 4);
const begin = () => new FolderStore(folder).begin(FILE);

/** Makes an abandoned draft, as a process with that number on that machine leaves it. */
function part(host: string, pid: number, bytes: readonly number[], ageMinutes = 0): string {
  mkdirSync(folder, { recursive: true });
  const name = `.${FILE.name}.${host}.${pid}.a-b.part`;
  writeFileSync(join(folder, name), Uint8Array.from(bytes));
  const time = new Date(Date.now() - ageMinutes * 60_000);
  utimesSync(join(folder, name), time, time);
  return name;
}

/** The host in the names of drafts. */
const HERE = hostname().replace(/[^\w-]/g, '_');
/** No process has this number: it is past the largest of Linux. */
const NOBODY = 2 ** 22 + 1;

describe('cacheFolder', () => {
  afterEach(() => vi.unstubAllGlobals());
  const on = (platform: string, env: Record<string, string>) => {
    vi.stubGlobal('process', { ...process, platform, env });
    return cacheFolder();
  };

  test.each([
    ['linux', { XDG_CACHE_HOME: join(parent, 'x') }, join(parent, 'x', 'taesd-wasm')],
    ['linux', {}, join(homedir(), '.cache', 'taesd-wasm')],
    ['linux', { XDG_CACHE_HOME: '' }, join(homedir(), '.cache', 'taesd-wasm')],
    ['linux', { XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache', 'taesd-wasm')],
    ['freebsd', {}, join(homedir(), '.cache', 'taesd-wasm')],
    ['darwin', {}, join(homedir(), 'Library', 'Caches', 'taesd-wasm')],
    ['win32', { LOCALAPPDATA: join(parent, 'l') }, join(parent, 'l', 'taesd-wasm')],
    ['win32', {}, join(homedir(), 'AppData', 'Local', 'taesd-wasm')],
  ])('cacheFolder: %s, %o → %s', (platform, env, path) => {
    expect(on(platform, env as Record<string, string>)).toBe(path);
  });
});

describe('FolderStore', () => {
  test('read: a file, none, no folder → its bytes, undefined; a larger one → its size', async () => {
    const store = new FolderStore(folder);
    expect(await store.read(FILE.name, 4)).toBeUndefined();
    mkdirSync(folder);
    writeFileSync(join(folder, FILE.name), BYTES);
    expect(await store.read(FILE.name, 4)).toEqual({ otherKind: undefined, size: 4, bytes: BYTES });
    const unread = { otherKind: undefined, size: 4, bytes: undefined };
    expect(await store.read(FILE.name, 3)).toEqual(unread);
    expect(store.location).toBe(`cache ${folder}`);
  });

  test('read: a file without permission → ARG', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root may read any file');
    mkdirSync(folder);
    writeFileSync(join(folder, FILE.name), BYTES, { mode: 0o200 });
    await expect(new FolderStore(folder).read(FILE.name, 4)).rejects.toMatchObject({
      code: 'ARG',
      message: `"${join(folder, FILE.name)}" expected a readable file, got no permission`,
    });
  });

  test('begin, append, keep → no name before the end, nothing else after it; an older file is replaced', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, FILE.name), 'older');
    const draft = await begin();
    await draft.append(BYTES.slice(0, 3));
    await draft.append(BYTES.slice(3));
    expect(draft.length).toBe(4);
    expect(Uint8Array.from(await draft.bytes())).toEqual(BYTES);
    expect(readFileSync(join(folder, FILE.name), 'utf8')).toBe('older');
    await draft.keep();
    expect(readdirSync(folder)).toEqual([FILE.name]);
    expect(Uint8Array.from(readFileSync(join(folder, FILE.name)))).toEqual(BYTES);
  });

  test('restart → the bytes before are forgotten', async () => {
    const draft = await begin();
    await draft.append(BYTES);
    await draft.restart();
    expect(draft.length).toBe(0);
    await draft.append(BYTES.slice(1));
    expect(Uint8Array.from(await draft.bytes())).toEqual(BYTES.slice(1));
    await draft.leave();
  });

  test('leave: some bytes → the next draft of this process has them; none → nothing is left', async () => {
    const draft = await begin();
    await draft.append(BYTES.slice(0, 2));
    await draft.leave();
    const next = await begin();
    expect(next.length).toBe(2);
    await next.restart();
    await next.leave();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('begin: drafts of ended processes → the longest is taken over; those of others stay; keep removes the rest', async () => {
    part(HERE, NOBODY, [1]);
    part(HERE, 0, [1, 2, 3]);
    const live = part(HERE, process.pid, [1, 2, 3, 4]);
    const elsewhere = part('elsewhere', NOBODY, [1, 2, 3, 4]);
    part('elsewhere', NOBODY - 1, [1, 2], 11);
    const other = `.b${FILE.name}.${HERE}.0.a-b.part`;
    writeFileSync(join(folder, other), 'another file');
    const draft = await begin();
    expect(draft.length).toBe(3);
    await draft.append(BYTES.slice(3));
    await draft.keep();
    expect(readdirSync(folder).sort()).toEqual([live, elsewhere, other, FILE.name].sort());
    expect(Uint8Array.from(readFileSync(join(folder, FILE.name)))).toEqual(BYTES);
  });

  test('begin: two drafts at once → each has a file of its own', async () => {
    part(HERE, NOBODY, [1, 2]);
    const drafts = await Promise.all([begin(), begin(), begin()]);
    expect(drafts.map(({ length }) => length).sort()).toEqual([0, 0, 2]);
    for (const draft of drafts) {
      await draft.restart();
      await draft.append(BYTES);
    }
    await Promise.all(drafts.map((draft) => draft.keep()));
    expect(readdirSync(folder)).toEqual([FILE.name]);
    expect(Uint8Array.from(readFileSync(join(folder, FILE.name)))).toEqual(BYTES);
  });

  test('begin: a file where the folder should be → ARG', async () => {
    writeFileSync(folder, 'x');
    await expect(begin()).rejects.toMatchObject({
      code: 'ARG',
      message: expect.stringMatching(
        /a\.safetensors" expected a file that can be written, got (?:EEXIST: .*|no such file.*)$/,
      ),
    });
  });

  test('keep: a folder that has come under the name → ARG, and what came is removed', async () => {
    const draft = await begin();
    await draft.append(BYTES);
    mkdirSync(join(folder, FILE.name, 'below'), { recursive: true });
    await expect(draft.keep()).rejects.toMatchObject({
      code: 'ARG',
      message: expect.stringMatching(
        /^".*a\.safetensors" expected a file that can be written, got /,
      ),
    });
    await draft.leave();
    expect(readdirSync(folder)).toEqual([FILE.name]);
  });

  test('keep: a runtime that forbids to wait for the disk → kept; a disk that fails → ARG', async () => {
    const draft = await begin();
    const probe = await open(join(folder, readdirSync(folder)[0]));
    const sync = vi.spyOn(Object.getPrototypeOf(probe), 'sync');
    await probe.close();
    try {
      await draft.append(BYTES);
      // As Node 26 with --permission.
      sync.mockRejectedValueOnce(Object.assign(new Error('x'), { code: 'ERR_ACCESS_DENIED' }));
      await draft.keep();
      expect(readdirSync(folder)).toEqual([FILE.name]);
      const next = await begin();
      sync.mockRejectedValueOnce(Object.assign(new Error('i/o error'), { code: 'EIO' }));
      await expect(next.keep()).rejects.toMatchObject({
        code: 'ARG',
        message: `"${join(folder, FILE.name)}" expected a file that can be written, got i/o error`,
      });
      await next.leave();
    } finally {
      sync.mockRestore();
    }
    expect(readdirSync(folder)).toEqual([FILE.name]);
  });

  test('begin: a folder without permission → ARG', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root may write to any folder');
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    await expect(begin()).rejects.toMatchObject({
      code: 'ARG',
      message: `"${join(folder, FILE.name)}" expected a file that can be written, got no permission`,
    });
  });
});
