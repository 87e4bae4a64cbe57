import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { isFullLength, testAtFullLength } from '../full-length.ts';
import { sharedFile, sharedPath, testShared } from '../shared.ts';
import { weightsServer } from '../weights/weights-server.ts';
import { type Outcome, startTaesd, taesd, temporaryFolder } from './command-line.ts';
import { randomPicture } from './tiny-files.ts';

/*
 * `taesd pull` and `taesd models`, and the other commands on what was pulled. The hashes are those
 * of the real files, so that nothing else can be pulled.
 */

const at = temporaryFolder();
let home: string;
let folder: string;
let count = 0;
beforeEach(() => {
  home = at(`home${count++}`);
  folder = join(home, 'taesd-wasm');
});
const env = () => ({ XDG_CACHE_HOME: home, LOCALAPPDATA: home });
const run = (...args: string[]) => taesd(args, { env: env() });
const failed = (message: string): Outcome => ({
  code: 1,
  stdout: '',
  stderr: `taesd: ${message}\n`,
});

const files = (model: string, ending = 'safetensors') =>
  ['encoder', 'decoder'].map((part) => `${model}_${part}.${ending}`);
const [ENCODER, DECODER] = files('taesd');
const size = (name: string) => (name === ENCODER ? '2,450,568' : '2,450,590');
const source = (name: string) => pathToFileURL(join(sharedPath('weights'), name)).href;
const fetchedLine = (name: string) =>
  `${join(folder, name)}: fetched from ${source(name)}, ${size(name)} bytes, SHA-256 checked\n`;
const thereLine = (name: string) =>
  `${join(folder, name)}: already there, ${size(name)} bytes, SHA-256 checked\n`;
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const PICTURE = at('in.png');
writeFileSync(PICTURE, encodePng(randomPicture(9, 9, 3)));

describe.skipIf(process.platform === 'darwin')('pull', () => {
  testShared('pull: --from a folder → fetched; again → there already; taesd by default', () => {
    const pulled = run('pull', '--from', sharedPath('weights'));
    const stdout = fetchedLine(ENCODER) + fetchedLine(DECODER);
    expect(pulled).toEqual({ code: 0, stdout, stderr: '' });
    expect(readdirSync(folder).sort()).toEqual([DECODER, ENCODER]);
    for (const name of [ENCODER, DECODER]) {
      expect(hash(readFileSync(join(folder, name)))).toBe(hash(sharedFile(`weights/${name}`)));
    }
    expect(run('pull', 'taesd')).toEqual({
      code: 0,
      stdout: thereLine(ENCODER) + thereLine(DECODER),
      stderr: '',
    });
    expect(run('pull', 'taesd', '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  testShared(
    'pull: --all from a folder without some models → every other one; models → where each is',
    () => {
      const { code, stdout, stderr } = run('pull', '--all', '--from', sharedPath('weights'));
      const absent = (name: string, rule = 'a file') =>
        `taesd: "${source(name)}" expected ${rule}, got no such file`;
      expect({ code, lines: stderr.split('\n') }).toEqual({
        code: 1,
        lines: [
          absent('taef1-1.1_encoder.pth'),
          absent('taesana_decoder.pth'),
          absent('taeqi2_1_decoder.pth', 'a file of 15314938 bytes'),
          absent('taew2_1.safetensors', 'a file of 22642902 bytes'),
          absent('taew2_1.pth'),
          'taesd: weights of taew2_1: cannot be fetched',
          'taesd: 4 of 9 models failed',
          '',
        ],
      });
      expect(stdout.split('\n').length).toBe(11);
      const names = ['taesd', 'taesdxl', 'taesd3', 'taef1'].flatMap((name) => files(name));
      const pth = [...files('taef2', 'pth'), 'taesana_encoder.pth'];
      expect(readdirSync(folder).sort()).toEqual([...names, ...pth].sort());
      rmSync(join(folder, 'taesdxl_encoder.safetensors'));
      for (const name of files('taesd3')) rmSync(join(folder, name));
      truncateSync(join(folder, 'taef1_decoder.safetensors'), 100);
      const listed = run('models');
      expect({ ...listed, stdout: '' }).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(listed.stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
        'model | latents of | bytes | weights',
        expect.stringMatching(/^─+/),
        `taesd | Stable Diffusion 1 and 2 | 4,901,158 | cache ${folder}`,
        'taesdxl | Stable Diffusion XL | 4,901,158 | one of two files found: npx taesd pull taesdxl',
        'taesd3 | Stable Diffusion 3 | 4,928,838 | not found: npx taesd pull taesd3',
        'taef1 | FLUX.1, Z-Image, HiDream | 4,928,838 | damaged in the cache: npx taesd pull taef1',
        'taef1-1.1 | FLUX.1, Z-Image, HiDream | not known | not found: npx taesd pull taef1-1.1',
        `taef2 | FLUX.2 | 5,409,448 | cache ${folder}`,
        'taesana | Sana | not known | one of two files found: npx taesd pull taesana',
        'taeqi2_1 | Qwen-Image 2.1, pictures with alpha | not known | not found: npx taesd pull taeqi2_1',
        'taew2_1 | Qwen-Image, Krea 2, Wan 2.1, Wan 2.2 14B | 22,642,902 | not found: npx taesd pull taew2_1',
        expect.stringMatching(/^nano \| Stable Diffusion 1 and 2 \| [\d,]+ \| in the package$/),
        expect.stringMatching(/^nano-sdxl \| Stable Diffusion XL \| 460,136 \| in the package$/),
        expect.stringMatching(/^nano-sd3 \| Stable Diffusion 3 \| [\d,]+ \| in the package$/),
        expect.stringMatching(
          /^nano-flux1 \| FLUX.1, Z-Image, HiDream \| [\d,]+ \| in the package$/,
        ),
        '',
      ]);
      const mended = run('pull', 'taef1', '--from', sharedPath('weights'));
      expect(mended.stdout.split('\n')[1]).toBe(
        `${join(folder, 'taef1_decoder.safetensors')}: fetched from ${source('taef1_decoder.safetensors')} in place of a damaged file, 2,464,414 bytes, SHA-256 checked`,
      );
    },
  );

  testShared('encode, Taesd.load: after a pull → the model of the cache', async () => {
    expect(run('pull', 'taesdxl', '--from', sharedPath('weights')).code).toBe(0);
    const out = at('z.png');
    const encoded = run('encode', PICTURE, '-o', out, '--model', 'taesdxl');
    expect(encoded).toEqual({ code: 0, stdout: '', stderr: '' });
    const given = at('given.png');
    const args = ['encode', PICTURE, '-o', given, '--model', 'taesdxl'];
    expect(taesd([...args, '--weights', sharedPath('weights')]).code).toBe(0);
    expect(readFileSync(out).equals(readFileSync(given))).toBe(true);

    const before = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = home;
    try {
      const instance = await Taesd.load({ model: 'taesdxl', only: 'encoder', download: true });
      expect(instance.info.weights).toBe(`cache ${folder}`);
      instance.dispose();
    } finally {
      if (before === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = before;
    }
  });

  testShared('roundtrip: taef2 after a pull → by the .pth files of the cache', () => {
    expect(run('pull', 'taef2', '--from', sharedPath('weights')).code).toBe(0);
    const done = { code: 0, stdout: '', stderr: '' };
    expect(run('roundtrip', PICTURE, '-o', at('again.png'), '--model', 'taef2')).toEqual(done);
    const { width, height, data } = decodePng(readFileSync(at('again.png')));
    expect([width, height]).toEqual([9, 9]);
    expect(new Set(data).size).toBeGreaterThan(40);
    rmSync(join(folder, 'taef2_encoder.pth'));
    const args = ['encode', PICTURE, '-o', at('no.png'), '--model', 'taef2'];
    expect(run(...args).stderr).toContain(`cache ${folder} (no taef2_encoder.pth)`);
  });

  test('pull: --from a folder without the files, a folder that is none → exit 1, one line', () => {
    mkdirSync(at('empty'), { recursive: true });
    for (const from of [at('empty'), at('nowhere')]) {
      const url = pathToFileURL(join(from, ENCODER)).href;
      const message = `"${url}" expected a file of 2450568 bytes, got no such file`;
      expect(run('pull', '--from', from)).toEqual(failed(message));
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  test('pull: a file where the cache folder should be → exit 1, one line', () => {
    writeFileSync(home, '');
    const { code, stderr } = run('pull', '--from', at('empty'));
    expect(code).toBe(1);
    const message = /^taesd: ".+" expected a file that can be written, got .+\n$/;
    expect(stderr).toMatch(message);
  });
});

describe('models', () => {
  testShared('models: TAESD_WEIGHTS → named where it has the model', () => {
    const TAESD_WEIGHTS = sharedPath('weights');
    const { stdout } = taesd(['models'], { env: { ...env(), TAESD_WEIGHTS } });
    // Five models are there, and four are not found there.
    expect(stdout.match(/TAESD_WEIGHTS/g)?.length).toBe(9);
    expect(stdout).toContain(`TAESD_WEIGHTS ${TAESD_WEIGHTS}\n`);
  });

  test('models, encode: a TAESD_WEIGHTS that does not exist → exit 1, named', () => {
    const TAESD_WEIGHTS = at('mistyped');
    const rule = (names: string) => `"${TAESD_WEIGHTS}" expected a folder that holds ${names}`;
    const message = (names: string) => failed(`TAESD_WEIGHTS: ${rule(names)}, got no such folder`);
    const both = `${ENCODER} and ${DECODER}`;
    expect(taesd(['models'], { env: { ...env(), TAESD_WEIGHTS } })).toEqual(message(both));
    for (const model of [[], ['--model', 'taesd']]) {
      const args = ['encode', PICTURE, '-o', at('z.png'), ...model];
      expect(taesd(args, { env: { ...env(), TAESD_WEIGHTS } })).toEqual(message(ENCODER));
    }
    const named = ['encode', PICTURE, '-o', at('z.png'), '--model', 'nano'];
    expect(taesd(named, { env: { ...env(), TAESD_WEIGHTS } }).code).toBe(0);
  });

  test('models: an unreadable file in TAESD_WEIGHTS → said in its row, the others are listed', () => {
    const TAESD_WEIGHTS = at('broken');
    mkdirSync(TAESD_WEIGHTS);
    for (const name of files('taesd3')) writeFileSync(join(TAESD_WEIGHTS, name), '');
    const { code, stdout } = taesd(['models'], { env: { ...env(), TAESD_WEIGHTS } });
    expect(code).toBe(0);
    const rows = stdout.split('\n').slice(2, 6);
    const path = `${TAESD_WEIGHTS}/taesd3_encoder.safetensors`;
    const fault = `"header length" expected at least 8 bytes, got 0 (empty file?)`;
    expect(rows[2]).toContain(`unreadable: ${path}: ${fault}`);
    const absent = `not found in TAESD_WEIGHTS ${TAESD_WEIGHTS} and the cache: npx taesd pull`;
    expect(rows.filter((row) => row.includes(absent)).length).toBe(3);
  });
});

const isLinux = process.platform !== 'win32' && process.platform !== 'darwin';

describe.runIf(isFullLength && isLinux)('a signal', () => {
  const half = new Uint8Array(2_450_568);
  const { requests, mirror } = weightsServer({ encoder: half, decoder: half });
  const children: { kill: (signal: 'SIGKILL') => unknown }[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  testAtFullLength(
    'pull: SIGINT in the middle → exit 130, half of it left; the next asks for the rest',
    async () => {
      const { child, ended } = startTaesd(['pull', '--from', mirror('stall')], env());
      children.push(child);
      const length = () => {
        try {
          const [name] = readdirSync(folder);
          return readFileSync(join(folder, name)).length;
        } catch {
          return 0;
        }
      };
      await expect.poll(length, { timeout: 300_000 }).toBe(half.length / 2);
      child.kill('SIGINT');
      expect(await ended).toEqual({
        code: 130,
        signal: null,
        stderr: 'taesd: interrupted by SIGINT, the next pull resumes the download\n',
      });
      expect(readdirSync(folder)).toEqual([
        expect.stringMatching(/^\.taesd_encoder\..*\.0\..*\.part$/),
      ]);
      const next = startTaesd(['pull', '--from', mirror('good')], env());
      const { code, stderr } = await next.ended;
      expect(requests.slice(1)).toEqual([
        `good ${ENCODER} bytes=${half.length / 2}-`,
        // The hash of zeros is wrong, so the file is fetched once more from the beginning.
        `good ${ENCODER}`,
      ]);
      expect({ code, stderr: stderr.replace(/[\da-f]{64}/g, 'HASH') }).toEqual({
        code: 1,
        stderr: `taesd: "${mirror('good')}/${ENCODER}" expected SHA-256 HASH, got HASH (a damaged or another file)\n`,
      });
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});
