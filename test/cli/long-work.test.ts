import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeLatentSafetensors } from '../../src/formats/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { isFullLength, sampled, testAtFullLength } from '../full-length.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { startTaesd, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * Work that takes seconds: its output grows meanwhile, and a signal ends it. The pictures are
 * 128×9600 and 64×2400: narrow, so that their first rows are soon there.
 */

const at = temporaryFolder();
const OUT = at('out');
const latents = randomTensor(seededRandom(3), [1, 4, 1200, 16], 3);
/** For the one that is decoded to its end. */
const narrow = randomTensor(seededRandom(3), [1, 4, 300, 8], 3);
const env = { TAESD_WEIGHTS: at('weights') };
const decode = (file: string, ...options: string[]) =>
  startTaesd(['decode', at(file), '-o', join(OUT, 'o.png'), ...options], env);

beforeAll(() => {
  mkdirSync(OUT);
  writeWeights(at('weights'), ['taesd']);
  writeFileSync(at('tall.safetensors'), encodeLatentSafetensors({ latents, model: 'taesd' }));
  writeFileSync(
    at('narrow.safetensors'),
    encodeLatentSafetensors({ latents: narrow, model: 'taesd' }),
  );
  writeFileSync(at('in.png'), encodePng(randomPicture(8, 8, 3)));
});

/** Bytes in the temporary file, once there are some. */
async function temporaryBytes(atLeast: number): Promise<number> {
  for (;;) {
    const [name] = readdirSync(OUT).filter((entry) => entry.endsWith('.tmp'));
    // A probe of the folder may be gone again.
    const found = name && statSync(join(OUT, name), { throwIfNoEntry: false });
    const size = found ? found.size : 0;
    if (size >= atLeast) return size;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe.runIf(isFullLength)('a tall picture', () => {
  test('decode [wasm]: 8×300 latents, fast → rows are in the file before the rest is decoded; as the API does', async () => {
    const { child, ended } = decode('narrow.safetensors', '--precision', 'fast');
    const early = await temporaryBytes(65536);
    expect([child.exitCode, existsSync(join(OUT, 'o.png'))]).toEqual([null, false]);
    expect(await ended).toEqual({ code: 0, signal: null, stderr: '' });
    expect(readdirSync(OUT)).toEqual(['o.png']);
    const file = readFileSync(join(OUT, 'o.png'));
    expect(early / file.length).toBeLessThan(0.5);
    const { width, height, data } = decodePng(file);
    const api = await Taesd.load({ weights: at('weights'), precision: 'fast', only: 'decoder' });
    const wanted = await api.decode(narrow);
    api.dispose();
    expect([width, height]).toEqual([wanted.width, wanted.height]);
    expect(Buffer.compare(data, new Uint8Array(wanted.data.buffer))).toBe(0);
  });
});

describe.skipIf(process.platform === 'win32')('a signal', () => {
  const interrupted = (signal: string, code: number) => ({
    code,
    signal: null,
    stderr: `taesd: interrupted by ${signal}, nothing was written\n`,
  });
  let before: string[];

  beforeAll(() => {
    writeFileSync(join(OUT, 'o.png'), 'as it was');
    before = readdirSync(OUT);
  });
  afterEach(() => {
    expect(readdirSync(OUT), 'left behind').toEqual(before);
    expect(readFileSync(join(OUT, 'o.png'), 'utf8')).toBe('as it was');
  });

  const ends = [
    ['SIGINT', 130, '0'],
    ['SIGINT', 130, '2'],
    ['SIGTERM', 143, '0'],
    ['SIGHUP', 129, '0'],
  ] as const;
  test.each(sampled<(typeof ends)[number]>([ends[1], ends[3]], ends))(
    'decode: %s while rows are written → exit %i, --workers %s',
    async (name, code, workers) => {
      const { child, ended } = decode('tall.safetensors', '--workers', workers);
      await temporaryBytes(1);
      child.kill(name);
      expect(await ended).toEqual(interrupted(name, code));
    },
  );

  testAtFullLength('decode: SIGINT amid several files → exit 130, whole files alone', async () => {
    const files = ['narrow.safetensors', 'tall.safetensors'].map(at);
    const { child, ended } = startTaesd(['decode', ...files, '-o', at('several/')], env);
    while (!existsSync(at('several/narrow.png'))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill('SIGINT');
    expect(await ended).toMatchObject({
      code: 130,
      stderr: 'taesd: interrupted by SIGINT, the files written so far are complete\n',
    });
    expect(readdirSync(at('several'))).toEqual(['narrow.png']);
    expect(decodePng(readFileSync(at('several/narrow.png')))).toMatchObject({ width: 64 });
  });

  testAtFullLength('decode: SIGINT, then another at once → one line, exit 130', async () => {
    const { child, ended } = decode('tall.safetensors');
    await temporaryBytes(1);
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await ended).toEqual(interrupted('SIGINT', 130));
  });

  test('encode: SIGINT while a server keeps the weights to itself → exit 130 all the same', async () => {
    const asked = { by: () => {} };
    const request = new Promise<void>((resolve) => {
      asked.by = resolve;
    });
    const server = createServer(() => asked.by()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const args = ['encode', at('in.png'), '-o', join(OUT, 'z.png')];
    const { child, ended } = startTaesd([...args, '--weights', `http://127.0.0.1:${port}`], {});
    await request;
    child.kill('SIGINT');
    expect(await ended).toEqual(interrupted('SIGINT', 130));
    server.closeAllConnections();
    server.close();
  });
});
