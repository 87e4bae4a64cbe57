import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { LoadOptions } from '../../src/options/types.ts';
import { encodePng } from '../../src/png/index.ts';
import { randomPicture } from '../cli/tiny-files.ts';
import { isFullLength, sampled, testAtFullLength } from '../full-length.ts';
import { SHARED_ABSENT, sharedIsThere, sharedPath, testShared } from '../shared.ts';

/*
 * Hosts that refuse: homes of other users, full disks, Node's permission model, limits of address
 * space. Each case is a process of its own, on the built package.
 */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HOST = join(ROOT, 'test/hosts/host.mjs');
const COMMAND = join(ROOT, 'dist/cli/main.js');
const WEIGHTS = sharedPath('weights');

const parent = mkdtempSync(join(tmpdir(), 'taesd-hosts-'));
// Other users must be able to walk through it.
chmodSync(parent, 0o755);
afterAll(() => rmSync(parent, { recursive: true, force: true }));
const PICTURE = join(parent, 'in.png');
writeFileSync(PICTURE, encodePng(randomPicture(8, 8, 3)));
let home: string;
let count = 0;
beforeEach(() => {
  home = join(parent, `home${count++}`);
  mkdirSync(home);
});
const cache = () => join(home, '.cache', 'taesd-wasm');

interface Host {
  /** The program that runs Node, and its arguments: another user, a limit. */
  readonly under?: readonly string[];
  /** The flags of Node. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

async function run({ under = [], flags = [], env = {} }: Host, ...args: string[]) {
  const [program, ...rest] = [...under, process.execPath, ...flags, ...args];
  const clean = { PATH: process.env.PATH, HOME: home, ...env };
  // A command that fails has its reason on stderr.
  return promisify(execFile)(program, rest, { env: clean }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
}

/**
 * Loads a model and decodes latents of `side` × `side`.
 *
 * @param more  the folder that the network is, if any
 * @returns the width and `info`, or the error
 */
async function load(host: Host, options: LoadOptions, side = 2, ...more: string[]) {
  const { stdout, stderr } = await run(host, HOST, JSON.stringify(options), `${side}`, ...more);
  try {
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  } catch {
    throw new Error(`no result: ${stdout}${stderr}`);
  }
}

const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
/** A user whom the system does not know. */
const STRANGER = ['setpriv', '--reuid', '4242', '--regid', '4242', '--clear-groups'];

/** Why other users cannot be tried here; undefined if they can. */
function whyNoOthers(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can become another user';
  const [program, ...args] = [...NOBODY, 'test', '-r', COMMAND];
  const { error, status } = spawnSync(program, args);
  if (error !== undefined) return 'setpriv is absent';
  return status === 0 ? undefined : 'other users cannot read this checkout';
}
const noOthers = whyNoOthers();

const FIRST = 'https://raw.githubusercontent.com/comfyanonymous/taesd/main';
const DOWNLOADED = `fetched from ${FIRST}/taesd_encoder.safetensors and ${FIRST}/taesd_decoder.safetensors`;
const DOWNLOAD = { model: 'taesd', download: true } as const;

/** Adds a test as other users; skipped with the reason where nobody can become one. */
const testOthers = (title: string, work: () => Promise<void>) =>
  test(title, ({ skip }) => {
    skip(noOthers !== undefined, noOthers);
    return work();
  });

/** Adds a test as other users that reads the real weights, which come by a `fetch` of its own. */
const testDownload = (title: string, work: () => Promise<void>) =>
  noOthers === undefined ? testShared(title, work) : testOthers(title, work);

const testSharedAtFullLength: typeof testShared = (...args) => {
  if (isFullLength) testShared(...args);
};

describe.skipIf(process.platform === 'win32')('homes', () => {
  testOthers(
    'the home of another user → nano, and info says why; taesd → ARG that says why',
    async () => {
      chmodSync(home, 0o700);
      const unread = `cache ${cache()} cannot be read: no permission`;
      const under = NOBODY;
      const [byDefault, named, roundtrip, models, pull] = await Promise.all([
        load({ under }, {}),
        load({ under }, { model: 'taesd' }),
        run({ under }, COMMAND, 'roundtrip', PICTURE, '-o', '-'),
        run({ under }, COMMAND, 'models'),
        run({ under }, COMMAND, 'pull'),
      ]);
      expect(byDefault).toMatchObject({
        width: 16,
        model: 'nano',
        weights: 'the package',
        weightsNote: unread,
      });
      expect(named).toEqual({
        name: 'TaesdError',
        code: 'ARG',
        message: expect.stringContaining(`cache ${cache()} (no permission)`),
      });
      expect(roundtrip.stderr).toBe(
        `taesd: note: using nano, the small model in the package; "npx taesd pull" fetches taesd, which is sharper\ntaesd: note: weights: ${unread}\n`,
      );
      expect(models.stdout).toMatch(/^taesd .+ not found: npx taesd pull taesd$/m);
      expect(models.stderr).toBe(`taesd: note: ${unread}\n`);
      // Both files are looked for at once: either may be the first to fail.
      expect(pull.stderr.replace('taesd_decoder', 'taesd_encoder')).toBe(
        `taesd: "${cache()}/taesd_encoder.safetensors" expected a readable file, got no permission (XDG_CACHE_HOME=DIR puts the cache into another folder)\n`,
      );
    },
  );

  testDownload(
    'a home that is read-only, download → the real taesd, not kept, and info says so',
    async () => {
      chmodSync(home, 0o555);
      expect(await load({ under: NOBODY }, DOWNLOAD, 2, WEIGHTS)).toMatchObject({
        width: 16,
        model: 'taesd',
        weights: DOWNLOADED,
        weightsNote: `the download is not kept: cache ${cache()} cannot be written: no permission`,
      });
      expect(readdirSync(home)).toEqual([]);
    },
  );

  const RELATIVE = 'HOME is empty or relative; XDG_CACHE_HOME names another folder';
  const HOMES = [
    ['', `an absolute path, got "" (${RELATIVE})`],
    ['here', `an absolute path, got "here" (${RELATIVE})`],
  ] as const;
  test.each(sampled(HOMES.slice(0, 1), HOMES))(
    'HOME=%s → nano, nothing in the working folder, and info says why',
    async (HOME, why) => {
      const weightsNote = `the cache cannot be read: "home folder" expected ${why}`;
      expect(await load({ env: { HOME } }, {})).toMatchObject({
        width: 16,
        model: 'nano',
        weightsNote,
      });
    },
  );

  testOthers(
    'no HOME, of a user whom the system does not know → nano, and info says why',
    async () => {
      expect(await load({ under: STRANGER, env: { HOME: undefined } }, {})).toMatchObject({
        model: 'nano',
        weightsNote:
          'the cache cannot be read: "home folder" expected a user who has one, got none (HOME or XDG_CACHE_HOME names one)',
      });
    },
  );

  testSharedAtFullLength(
    'a limit of the size of files, download → the real taesd, not kept; without → kept',
    async () => {
      const under = ['sh', '-c', 'ulimit -f 100 && exec "$@"', 'sh'];
      expect(await load({ under }, DOWNLOAD, 2, WEIGHTS)).toMatchObject({
        width: 16,
        weights: DOWNLOADED,
        weightsNote: `the download is not kept: cache ${cache()} cannot be written: a limit of the size of files`,
      });
      expect(readdirSync(cache())).toEqual([]);
      const kept = await load({}, DOWNLOAD, 2, WEIGHTS);
      expect(kept.weights).toBe(`cache ${cache()}, ${DOWNLOADED}`);
      expect(kept.weightsNote).toBeUndefined();
      expect(readdirSync(cache()).length).toBe(2);
    },
  );

  testAtFullLength(
    'a full disk, download → the real taesd, not kept, and info says so',
    async ({ skip }) => {
      skip(!sharedIsThere, SHARED_ABSENT);
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', home]);
      skip(mounted.status !== 0, 'no right to mount a small disk here');
      try {
        expect(await load({}, DOWNLOAD, 2, WEIGHTS)).toMatchObject({
          width: 16,
          weights: DOWNLOADED,
          weightsNote: `the download is not kept: cache ${cache()} cannot be written: a full disk`,
        });
        expect(readdirSync(cache())).toEqual([]);
      } finally {
        expect(spawnSync('umount', [home]).status).toBe(0);
      }
    },
  );
});

describe("Node's permission model", () => {
  const isNew = process.allowedNodeEnvironmentFlags.has('--permission');
  const PERMISSION = isNew ? '--permission' : '--experimental-permission';
  const reads = (...paths: string[]) => paths.map((path) => `--allow-fs-read=${path}`);
  const PACKAGE = [PERMISSION, ...reads(join(ROOT, '*'))];

  test('the package alone may be read → nano on one thread; info says what is missing', async () => {
    const options = { workers: 2 };
    const flags = [...PACKAGE, '--allow-worker'];
    const [alone, both] = await Promise.all([
      load({ flags: PACKAGE }, options, 8),
      load({ flags }, options, 8),
    ]);
    const weightsNote = `cache ${cache()} cannot be read: no permission from Node: --allow-fs-read`;
    expect(alone).toMatchObject({
      width: 64,
      model: 'nano',
      weightsNote,
      workers: 0,
      workersReason: 'no permission from Node: --allow-worker',
    });
    expect(both).toMatchObject({ width: 64, weightsNote, workers: 2 });
  });

  testSharedAtFullLength(
    'all may be read, download → the real taesd, not kept; with --allow-fs-write → kept',
    async () => {
      const flags = [PERMISSION, ...reads('*')];
      expect(await load({ flags }, DOWNLOAD, 2, WEIGHTS)).toMatchObject({
        width: 16,
        weights: DOWNLOADED,
        weightsNote: `the download is not kept: cache ${cache()} cannot be written: no permission from Node: --allow-fs-write`,
      });
      const writes = [...flags, `--allow-fs-write=${home}/*`];
      expect((await load({ flags: writes }, DOWNLOAD, 2, WEIGHTS)).weights).toContain(
        `cache ${cache()}`,
      );
    },
  );

  test('pull → ARG naming the flag; models → listed, and a note', async () => {
    const [pull, models] = await Promise.all([
      run({ flags: [PERMISSION, ...reads('*')] }, COMMAND, 'pull'),
      run({ flags: PACKAGE }, COMMAND, 'models'),
    ]);
    expect(pull.stderr).toContain(
      `taesd: "${cache()}/taesd_encoder.safetensors" expected a file that can be written, got no permission from Node: --allow-fs-write (XDG_CACHE_HOME=DIR puts the cache into another folder)\n`,
    );
    expect(models.stdout).toContain('in the package');
    expect(models.stderr).toContain(
      `taesd: note: cache ${cache()} cannot be read: no permission from Node: --allow-fs-read\n`,
    );
  });
});

describe.skipIf(process.platform !== 'linux')('limits of address space', () => {
  const limited = (gb: number) => ['sh', '-c', `ulimit -v ${gb * 1_000_000} && exec "$@"`, 'sh'];
  const [major] = process.versions.node.split('.').map(Number);
  /** Newer versions of Node may look for room when they start, and do without the trap handler. */
  const mayLook = major > 20;
  const NANO = { model: 'nano' } as const;
  const NO_ROOM =
    '"memory" expected 10 GiB of address space to be free, got less (ulimit -v or another limit; each thread reserves it, whatever its maxMemory: NODE_OPTIONS=--disable-wasm-trap-handler reserves less, the backend reference nothing)';

  test('8 GB → OOM that names the flag; with the flag → works', async () => {
    const env = { NODE_OPTIONS: '--disable-wasm-trap-handler' };
    const [bare, flagged] = await Promise.all([
      load({ under: limited(8) }, NANO),
      load({ under: limited(8), env }, NANO),
    ]);
    if (!mayLook || bare.width !== 16)
      expect(bare).toEqual({ name: 'TaesdError', code: 'OOM', message: `Taesd.load: ${NO_ROOM}` });
    expect(flagged).toMatchObject({ width: 16, workers: 0 });
  });

  test('16 GB, a picture for workers → one thread, and info says why', async ({ skip }) => {
    skip(availableParallelism() === 1, 'one core has no workers');
    const { width, workers, workersReason } = await load({ under: limited(16) }, NANO, 48);
    expect({ width, workers }).toEqual({ width: 384, workers: 0 });
    expect(workersReason).toMatch(
      /^"ulimit -v" expected \d+ GiB of address space for \d workers, got 15 GiB \(a given number of workers is started all the same\)$/,
    );
  });

  testAtFullLength('8 GB, a smaller maxMemory → no more room; the reference → works', async () => {
    const small = await load({ under: limited(8) }, { ...NANO, maxMemory: 2 ** 26 });
    expect(small).toMatchObject(mayLook && small.width ? { width: 16 } : { code: 'OOM' });
    const reference = { ...NANO, backend: 'reference' } as const;
    expect(await load({ under: limited(8) }, reference, 1)).toMatchObject({ width: 8 });
    expect(await load({ under: limited(12) }, NANO)).toMatchObject({ width: 16 });
  });

  testAtFullLength('workers: 2, 16 GB → one thread, and info says why; 24 GB → two', async () => {
    const options = { ...NANO, workers: 2 };
    const { width, workers, workersReason } = await load({ under: limited(16) }, options);
    expect(width).toBe(16);
    if (!mayLook)
      expect({ workers, workersReason }).toEqual({ workers: 0, workersReason: NO_ROOM });
    expect(await load({ under: limited(24) }, options)).toMatchObject({ width: 16, workers: 2 });
  });
});
