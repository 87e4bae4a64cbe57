import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { listFolder } from '../../src/cli/files/list-folder.ts';
import { readInput, readSource } from '../../src/cli/files/read-input.ts';
import { checkOutput, writeOutput } from '../../src/cli/files/write-output.ts';
import { encodePng } from '../../src/png/index.ts';
import { ODD_THINGS, plantHuge, plantPipe } from '../weights/plant.ts';
import { taesd, temporaryFolder } from './command-line.ts';
import { randomPicture } from './tiny-files.ts';

/*
 * The command in folders that others may write to: a name leads to anything but a file, an output
 * is a link of another user. What the user names as IN may be a pipe.
 */

const at = temporaryFolder();
const PNG = encodePng(randomPicture(17, 9, 3));
writeFileSync(at('in.png'), PNG);
const failed = (message: string) => ({ code: 1, stdout: '', stderr: `taesd: ${message}\n` });

describe.skipIf(process.platform === 'win32')('a name of weights that leads to no file', () => {
  const NAME = 'taesd_encoder.safetensors';
  let count = 0;

  test.each(ODD_THINGS)(
    'pull, models: $what → ARG, its row says so, it stays',
    async ({ kind, plant }) => {
      const home = at(`home${count++}`);
      const path = join(home, 'taesd-wasm', NAME);
      mkdirSync(join(home, 'taesd-wasm'), { recursive: true });
      await plant(path);
      const before = lstatSync(path).ino;
      const env = { XDG_CACHE_HOME: home, HOME: home };
      const reason = `"${path}" expected a file, got ${kind}`;
      const remedy = 'move it away: a file of weights belongs there';
      expect(taesd(['pull', 'taesd'], { env })).toEqual(failed(`${reason} (${remedy})`));
      const { models } = JSON.parse(taesd(['models', '--json'], { env }).stdout);
      expect(models[0]).toMatchObject({
        model: 'taesd',
        bytes: 4_901_158,
        state: 'unreadable',
        location: null,
        reason,
      });
      expect(models[1]).toMatchObject({ model: 'taesdxl', state: 'missing', reason: null });
      expect(taesd(['models'], { env }).stdout).toContain(`unreadable: ${reason}\n`);
      expect(lstatSync(path).ino).toBe(before);
    },
  );

  test('pull: of several models → the others go on', () => {
    const home = at('several');
    const path = join(home, 'taesd-wasm', NAME);
    mkdirSync(path, { recursive: true });
    mkdirSync(at('empty'));
    const env = { XDG_CACHE_HOME: home, HOME: home };
    const args = ['pull', 'taesd', 'taesdxl', '--from', at('empty')];
    const { code, stderr } = taesd(args, { env });
    expect([code, stderr.split('\n')]).toEqual([
      1,
      [
        expect.stringContaining(`taesd: "${path}" expected a file, got a folder (move it away`),
        expect.stringContaining('taesdxl_encoder.safetensors" expected a file of'),
        'taesd: 2 of 2 models failed',
        '',
      ],
    ]);
  });
});

describe.skipIf(process.platform === 'win32')('IN is what the user names', () => {
  test('inspect, encode: a pipe of the shell, a named one, /dev/stdin → read', () => {
    const main = `${process.execPath} dist/cli/main.js`;
    const picture = at('in.png');
    plantPipe(at('named'));
    const script = [
      `${main} inspect <(cat ${picture}) ${at('named')} /dev/stdin --json < ${picture}`,
      `cat ${picture} | ${main} encode /dev/stdin -o ${at('z.png')} --model nano`,
    ].join(' && ');
    const writer = `cat ${picture} > ${at('named')} &`;
    const stdout = `${execFileSync('bash', ['-c', `${writer} ${script}`])}`;
    const picture17 = { kind: 'picture', width: 17, height: 9 };
    expect(JSON.parse(stdout)).toMatchObject([picture17, picture17, picture17]);
    const { kind, width } = JSON.parse(taesd(['inspect', at('z.png'), '--json']).stdout);
    expect([kind, width]).toEqual(['latents', 17]);
  });

  test('inspect: a folder as stdin → exit 1', () => {
    const command = `${process.execPath} dist/cli/main.js inspect - < ${at('.')}`;
    const { status, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, 'taesd: stdin: cannot be read (a folder)\n']);
  });

  test('inspect: a file of 1 TB → LIMIT, unread', () => {
    plantHuge(at('huge.safetensors'), 2 ** 40);
    expect(taesd(['inspect', at('huge.safetensors')])).toEqual(
      failed(
        `${at('huge.safetensors')}: expected at most 536,870,912 bytes, got 1,099,511,627,776 (another file?)`,
      ),
    );
  });

  /** Runs `work` while a pipe comes in the place of a file when that is opened. */
  async function asPipeComes(path: string, work: () => Promise<void>): Promise<void> {
    const fs = process.getBuiltinModule('node:fs/promises');
    const { open } = fs;
    writeFileSync(path, PNG);
    vi.spyOn(fs, 'open').mockImplementationOnce(async (name, ...rest) => {
      rmSync(path);
      plantPipe(path);
      return open(name, ...rest);
    });
    syncBuiltinESMExports();
    try {
      await work();
    } finally {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
      rmSync(path);
    }
  }

  test('a pipe that comes after the look → not waited for: readInput → ARG, listFolder → left out', async () => {
    mkdirSync(at('race'));
    const path = at('race/a.png');
    const error = {
      code: 'ARG',
      message: `${path}: expected a file, got a pipe`,
    };
    await asPipeComes(path, () => expect(readInput(path)).rejects.toMatchObject(error));
    const heads: unknown[] = [];
    const takes = (_: string, head: unknown) => heads.push(head) > 0;
    const contents = { what: 'x', endings: [], takes };
    const ignore = () => undefined;
    const options = { isDeep: false, output: at('o'), contents, say: ignore, onBroken: ignore };
    await asPipeComes(path, () => listFolder(at('race'), options).then(() => undefined));
    expect(heads).toEqual([undefined]);
    // As if it had come after the folder was listed.
    plantPipe(path);
    await expect(readSource({ input: path, isListed: true })).rejects.toMatchObject(error);
  });
});

describe.skipIf(process.platform === 'win32')('OUT is a link', () => {
  /** Makes a shared folder with a link to a file of the user. */
  function plantLink(name: string, owner: number) {
    const folder = at(name);
    mkdirSync(folder);
    chmodSync(folder, 0o1777);
    const [victim, link] = [at(`${name}-victim`), join(folder, 'o.png')];
    writeFileSync(victim, 'of the user');
    symlinkSync(victim, link);
    if (owner !== process.getuid?.()) lchownSync(link, owner, owner);
    return { folder, victim, link };
  }

  test('of another user, also behind a link of one’s own → ARG before the work; its file is as it was', async ({
    skip,
  }) => {
    skip(process.getuid?.() !== 0, 'root alone may give links away');
    const { folder, victim, link } = plantLink('shared', 12345);
    symlinkSync('shared/o.png', at('own.png'));
    for (const path of [link, at('own.png')]) {
      const message = `${path}: expected a file to write, got a link that another user made (it may lead to any of your files: name that file itself)`;
      const error = { name: 'TaesdError', code: 'ARG', message };
      await expect(checkOutput(path, 'in.png')).rejects.toMatchObject(error);
      await expect(writeOutput(path, [PNG])).rejects.toMatchObject(error);
      const args = ['roundtrip', at('in.png'), '-o', path, '--model', 'nano'];
      expect(taesd(args)).toEqual(failed(message));
    }
    expect(readFileSync(victim, 'utf8')).toBe('of the user');
    expect(readdirSync(folder)).toEqual(['o.png']);
  });

  test('of the user, of the owner of the folder → followed; through a linked folder too', async ({
    skip,
  }) => {
    const own = plantLink('own', process.getuid?.() ?? 0);
    await writeOutput(own.link, [Uint8Array.of(1)]);
    expect([...readFileSync(own.victim)]).toEqual([1]);
    mkdirSync(at('deep/er'), { recursive: true });
    writeFileSync(at('deep/real.png'), '');
    symlinkSync(at('deep/er'), at('linked'));
    // `..` is the folder of `er`, not that of `linked`.
    symlinkSync('../real.png', at('deep/er/o.png'));
    await writeOutput(at('linked/o.png'), [Uint8Array.of(2)]);
    expect([...readFileSync(at('deep/real.png'))]).toEqual([2]);
    expect(lstatSync(at('deep/er/o.png')).isSymbolicLink()).toBe(true);
    skip(process.getuid?.() !== 0, 'root alone may give links away');
    const theirs = plantLink('theirs', 12345);
    lchownSync(theirs.folder, 12345, 12345);
    await writeOutput(theirs.link, [Uint8Array.of(3)]);
    expect([...readFileSync(theirs.victim)]).toEqual([3]);
  });

  test('to nothing, to itself → replaced by the file', async () => {
    for (const leadsTo of ['nothing.png', 'loose.png']) {
      symlinkSync(leadsTo, at('loose.png'));
      await writeOutput(at('loose.png'), [Uint8Array.of(4)]);
      expect(lstatSync(at('loose.png')).isFile()).toBe(true);
      rmSync(at('loose.png'));
    }
  });

  test('that comes while a temporary file is written → never followed', async () => {
    const victim = at('late-victim');
    writeFileSync(victim, 'of the user');
    async function* pieces() {
      yield Uint8Array.of(1);
      symlinkSync(victim, at('late.png'));
      yield Uint8Array.of(2);
    }
    await writeOutput(at('late.png'), pieces());
    expect([...readFileSync(at('late.png'))]).toEqual([1, 2]);
    expect(readFileSync(victim, 'utf8')).toBe('of the user');
  });
});
