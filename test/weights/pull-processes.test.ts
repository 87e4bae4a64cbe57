import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testAtFullLength } from '../full-length.ts';
import { manifestOf, noiseFiles } from './small-manifest.ts';
import { weightsServer } from './weights-server.ts';

/*
 * Pulls in processes of their own: at the same time, killed, and with too little room on the disk
 * or under a limit.
 */

const FILES = noiseFiles();
const NAME = 'taesd_encoder.safetensors';
const SIZE = FILES.encoder.length;
const HALF = SIZE / 2;
const SCRIPT = fileURLToPath(new URL('pull-process.mjs', import.meta.url));
const { requests, mirror } = weightsServer(FILES);

const parent = mkdtempSync(join(tmpdir(), 'taesd-pulls-'));
afterAll(() => rmSync(parent, { recursive: true }));
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(parent, `${count++}`);
});
beforeAll(() => {
  for (const way of ['good', 'cut', 'stall', 'pair']) {
    writeFileSync(manifestPath(way), JSON.stringify(manifestOf(FILES, [mirror(way)])));
  }
});
const manifestPath = (way: string) => join(parent, `${way}.json`);
const entries = () => readdirSync(folder).map((name) => name.replace(/^\..*\.part$/, 'part'));
const kept = () => new Uint8Array(readFileSync(join(folder, NAME)));

interface Pulling {
  readonly child: ChildProcess;
  /** Resolves when so many bytes have come. */
  readonly reached: (bytes: number) => Promise<void>;
  readonly ended: Promise<unknown>;
}

/** Starts a pull from a server that behaves in this way. `prefix` is a command that runs it. */
function start(way: string, prefix: readonly string[] = []): Pulling {
  const [program, ...args] = [...prefix, process.execPath, SCRIPT, manifestPath(way), folder];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const ended = new Promise<unknown>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code === 0 ? JSON.parse(out) : { code, signal }));
  });
  const reached = (bytes: number) =>
    new Promise<void>((resolve) => {
      child.on('message', (done: number) => done >= bytes && resolve());
    });
  return { child, reached, ended };
}

const fetched = (way: string) => ({ before: 'missing', url: `${mirror(way)}/${NAME}` });

test('pull: two processes at once → both fetch, one whole file, nothing beside it', async () => {
  // The server makes sure that both are downloading at the same time.
  const both = [start('pair'), start('pair')];
  await Promise.all(both.map(({ reached }) => reached(1)));
  expect(entries()).toEqual(['part', 'part']);
  const outcomes = await Promise.all(both.map(({ ended }) => ended));
  expect(outcomes).toEqual([fetched('pair'), fetched('pair')]);
  expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
  expect(entries()).toEqual([NAME]);
  expect(requests).toEqual([`pair ${NAME}`, `pair ${NAME}`]);
});

testAtFullLength(
  'pull: two processes at once, a draft left → one continues it, the other begins anew',
  async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, `.${NAME}.here.0.a-b.part`), FILES.encoder.subarray(0, HALF));
    const outcomes = await Promise.all([start('pair'), start('pair')].map(({ ended }) => ended));
    expect(outcomes).toEqual([fetched('pair'), fetched('pair')]);
    expect([...requests].sort()).toEqual([`pair ${NAME}`, `pair ${NAME} bytes=${HALF}-`]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(entries()).toEqual([NAME]);
  },
);

testAtFullLength(
  'pull: killed in the middle → nothing under the name; the next continues it',
  async () => {
    const { child, reached, ended } = start('stall');
    await reached(HALF);
    child.kill('SIGKILL');
    expect(await ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(entries()).toEqual(['part']);
    expect(await start('good').ended).toEqual(fetched('good'));
    expect(requests).toEqual([`stall ${NAME}`, `good ${NAME} bytes=${HALF}-`]);
    expect(Buffer.compare(kept(), FILES.encoder)).toBe(0);
    expect(entries()).toEqual([NAME]);
  },
);

testAtFullLength('pull: beside a live process with a draft → its draft is left alone', async () => {
  const live = start('stall');
  await live.reached(HALF);
  expect(await start('good').ended).toEqual(fetched('good'));
  expect(requests).toEqual([`stall ${NAME}`, `good ${NAME}`]);
  expect(entries().sort()).toEqual(['part', NAME]);
  live.child.kill('SIGKILL');
  await live.ended;
});

describe.skipIf(process.platform === 'win32')('too little room', () => {
  const room = (got: string) => ({
    code: 'ARG',
    message: `"${join(folder, NAME)}" expected room for ${SIZE} bytes, got ${got}`,
  });

  test('pull: a limit of 100 KiB a file → ARG, nothing left behind', async () => {
    // In units of 512 bytes (POSIX) or 1024 (bash as bash): less than the file either way.
    const limited = ['sh', '-c', 'ulimit -f 100 && exec "$@"', 'sh'];
    expect(await start('good', limited).ended).toEqual(room('a limit of the size of files'));
    expect(entries()).toEqual([]);
    expect(await start('good').ended).toEqual(fetched('good'));
  });

  test('pull: a disk of 128 KiB → ARG, nothing left behind', async (context) => {
    mkdirSync(folder);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder]);
    if (mounted.status !== 0) {
      console.warn('skipping the test of a full disk: no right to mount one');
      context.skip('no right to mount a small disk here');
    }
    try {
      expect(await start('good').ended).toEqual(room('a full disk'));
      expect(entries()).toEqual([]);
      expect(requests).toEqual([`good ${NAME}`]);
    } finally {
      expect(spawnSync('umount', [folder]).status).toBe(0);
    }
  });
});
