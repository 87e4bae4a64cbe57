import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { piecesOf } from '../../src/cli/files/pieces.ts';
import { readInput } from '../../src/cli/files/read-input.ts';
import { checkOutput, writeOutput } from '../../src/cli/files/write-output.ts';
import {
  decodeLatentPng,
  decodeLatentSafetensors,
  encodeLatentSafetensors,
} from '../../src/formats/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { isFullLength, testAtFullLength } from '../full-length.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { startTaesd, taesd, taesdAsProcess, taesdBytes, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * `-` as input and output, and inputs that do not end. Random weights.
 */

const at = temporaryFolder();
writeWeights(at('weights'), ['taesd']);
const env = { TAESD_WEIGHTS: at('weights') };
const PNG = encodePng(randomPicture(17, 9, 3));
writeFileSync(at('in.png'), PNG);
const bytes = (name: string) => new Uint8Array(readFileSync(at(name)));
const failed = (message: string) => ({ code: 1, stdout: '', stderr: `taesd: ${message}\n` });

describe('-', () => {
  test('encode, decode, roundtrip: - to - → the bytes that files would have; nothing else on stdout', () => {
    taesd(['encode', at('in.png'), '-o', at('z.png')], { env });
    const encoded = taesdBytes(['encode', '-', '-o', '-'], { env, input: PNG });
    expect(encoded).toEqual({ code: 0, stdout: bytes('z.png'), stderr: '' });
    expect(decodeLatentPng(encoded.stdout)).toMatchObject({ model: 'taesd', width: 17, height: 9 });
    taesd(['decode', at('z.png'), '-o', at('d.png')], { env });
    const decoded = taesdBytes(['decode', '-', '-o', '-'], { env, input: encoded.stdout });
    expect(decoded).toEqual({ code: 0, stdout: bytes('d.png'), stderr: '' });
    const options = { env, input: PNG, asProcess: true };
    const again = taesdBytes(['roundtrip', '-', '-o', '-'], options);
    expect(again).toEqual(decoded);
    expect(decodePng(again.stdout)).toMatchObject({ width: 17, height: 9 });
  });

  test('encode, decode: --format → the format of stdout, and of a file whatever its ending', () => {
    const args = ['encode', '-', '--format', 'safetensors', '-o'];
    const { stdout } = taesdBytes([...args, '-'], { env, input: PNG });
    const { model, width, latents } = decodeLatentSafetensors(stdout);
    expect({ model, width, shape: latents.shape }).toEqual({
      model: 'taesd',
      width: 17,
      shape: [1, 4, 2, 3],
    });
    expect(
      taesd(['encode', at('in.png'), '-o', at('z.bin'), '--format', 'SAFETENSORS'], { env }),
    ).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(bytes('z.bin')).toEqual(stdout);
    const decoding = ['decode', '-', '-o', '-', '--format', 'safetensors'];
    const decoded = taesdBytes(decoding, { env, input: stdout });
    expect(Buffer.from(decoded.stdout).subarray(8, 40).toString()).toContain('decoded');
  });

  test('decode - → notes go to stderr under the name stdin; --quiet → none', () => {
    const bare = Buffer.alloc(4 * 4 * 6, 1);
    const args = ['decode', '-', '-o', '-', '--shape', '4x2x3', '--dtype', 'f32'];
    const noted = taesdBytes(args, { env, input: bare });
    expect(noted.code).toBe(0);
    expect(noted.stderr).toContain('taesd: note: stdin: the file does not say its space');
    expect(noted.stderr).toContain('taesd: note: decoding with taesd; --model chooses another');
    const quiet = taesdBytes([...args, '--quiet'], { env, input: bare });
    expect(quiet).toEqual({ code: 0, stdout: noted.stdout, stderr: '' });
  });

  test('inspect: - → stdin', () => {
    const { code, stdout } = taesdBytes(['inspect', '-'], { input: PNG });
    expect({ code, text: `${Buffer.from(stdout)}` }).toEqual({
      code: 0,
      text: expect.stringContaining('size        17×9\n'),
    });
    const both = taesdBytes(['inspect', 'nano', '-', '--json'], { input: PNG });
    expect(JSON.parse(`${Buffer.from(both.stdout)}`)).toMatchObject([
      { file: 'nano', kind: 'model' },
      { file: 'stdin', kind: 'picture', width: 17 },
    ]);
  });

  test('encode: what stdin holds is wrong → stdin is named, nothing on stdout', () => {
    const run = (input: string) =>
      taesd(['encode', '-', '-o', '-'], { env, input: Buffer.from(input) });
    const rule = 'stdin: "bytes" expected a PNG, JPEG or WebP file, got';
    expect(run('# Pictures').stderr).toContain(
      `taesd: ${rule} a file that begins with "# Pictures"`,
    );
    const stderr = expect.stringMatching(/^taesd: stdin: [^\n]+\n$/);
    expect(run('')).toEqual({ code: 1, stdout: '', stderr });
  });

  testAtFullLength('roundtrip -o - on a full disk → one line, exit 1', (context) => {
    if (!existsSync('/dev/full')) context.skip('no /dev/full here');
    const full = openSync('/dev/full', 'w');
    const args = ['roundtrip', at('wide.png'), '-o', '-', '-q'];
    writeFileSync(at('wide.png'), encodePng(randomPicture(48, 48, 3)));
    const { code, stderr } = taesd(args, { env, stdout: full });
    closeSync(full);
    expect([code, stderr.split('\n').length]).toEqual([1, 2]);
    expect(stderr).toMatch(/^taesd: stdout: cannot be written \(ENOSPC/);
  });

  test('decode: NaN in the latents → not one byte on stdout', () => {
    const input = Buffer.from(Float32Array.of(0, 0, Number.NaN, 0).buffer);
    const args = ['decode', '-', '-o', '-', '--shape', '4x1x1', '--dtype', 'f32', '-q'];
    expect(taesd(args, { env, input })).toEqual(
      failed('stdin: "latents" expected finite numbers, got NaN at element 2'),
    );
  });
});

describe('an output above 1 MiB on stdout', () => {
  const latents = randomTensor(seededRandom(5), [1, 4, 256, 256], 1.5);
  const file = encodeLatentSafetensors({ latents, model: 'taesd' });

  /** Makes a folder of files of latents, and one for temporary files. */
  function folders(name: string, count: number) {
    const [from, temporary] = [at(name), at(`${name}-tmp`)];
    mkdirSync(from);
    mkdirSync(temporary);
    for (let n = 0; n < count; n++) writeFileSync(`${from}/${n}.safetensors`, file);
    return {
      args: ['sheet', from, '--matrix', '--thumb', '512', '--columns', '1', '-o'],
      temporary,
    };
  }

  testAtFullLength(
    'the bytes that a file would have; no temporary file is left; no folder for it → one line',
    () => {
      const { args, temporary } = folders('spooled', 4);
      expect(taesd([...args, at('spooled.png')]).code).toBe(0);
      const written = taesdToFile([...args, '-'], temporary);
      expect(written.length).toBeGreaterThan(2 ** 21);
      expect(written.equals(readFileSync(at('spooled.png')))).toBe(true);
      expect(readdirSync(temporary)).toEqual([]);
      const none = { TMPDIR: at('none'), TEMP: at('none') };
      const outcome = taesdAsProcess([...args, '-'], { env: none });
      expect(outcome).toEqual(failed(`${at('none')}: cannot be written (no such file)`));
    },
  );

  test.runIf(isFullLength && process.platform !== 'win32')(
    'the reader leaves → exit 0; no temporary file is left',
    () => {
      const { args, temporary } = folders('left', 4);
      const words = [process.execPath, 'dist/cli/main.js', ...args, '-'].join(' ');
      const script = `set -o pipefail; ${words} | head -c 10 | wc -c`;
      const options = { env: { ...process.env, TMPDIR: temporary } };
      expect(`${execFileSync('bash', ['-c', script], options)}`.trim()).toBe('10');
      expect(readdirSync(temporary)).toEqual([]);
    },
  );

  testAtFullLength('SIGINT → exit 130; no temporary file is left', async () => {
    const { args, temporary } = folders('stopped', 60);
    const { child, ended } = startTaesd([...args, '-'], { TMPDIR: temporary, TEMP: temporary });
    while (readdirSync(temporary).length === 0 && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill('SIGINT');
    expect(await ended).toMatchObject({
      code: 130,
      stderr: 'taesd: interrupted by SIGINT, nothing was written\n',
    });
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('an error midway → not one byte; no temporary file is left', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('.taesd-'));
    const pieces = function* () {
      for (let n = 0; n < 5; n++) yield new Uint8Array(2 ** 19);
      const now = readdirSync(tmpdir()).filter((name) => name.startsWith('.taesd-'));
      expect(now.length).toBeGreaterThan(before.length);
      throw new RangeError('midway');
    };
    const write = vi.spyOn(process.stdout, 'write');
    try {
      await expect(writeOutput('-', pieces())).rejects.toThrow('midway');
      expect(write).not.toHaveBeenCalled();
    } finally {
      write.mockRestore();
    }
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith('.taesd-'));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  });

  /** Runs it with stdout in a file. @returns the file's bytes */
  function taesdToFile(args: readonly string[], temporary: string): Buffer {
    const stdout = openSync(at('stdout'), 'w');
    const env = { TMPDIR: temporary, TEMP: temporary };
    expect(taesd(args, { env, stdout })).toMatchObject({ code: 0, stderr: '' });
    closeSync(stdout);
    return readFileSync(at('stdout'));
  }
});

test('checkOutput: - on a terminal → ARG; on a pipe → nothing', async () => {
  const before = process.stdout.isTTY;
  try {
    process.stdout.isTTY = true;
    await expect(checkOutput('-', 'in.png')).rejects.toMatchObject({
      code: 'ARG',
      message: 'stdout: expected a pipe or a file, got a terminal',
    });
    process.stdout.isTTY = false;
    await checkOutput('-', '-');
  } finally {
    process.stdout.isTTY = before;
  }
});

describe.skipIf(process.platform === 'win32')('inputs that do not end', () => {
  const LIMIT =
    'expected at most 536,870,912 bytes, got more (a pipe or device that does not end?)';

  testAtFullLength('inspect: /dev/zero → LIMIT', ({ skip }) => {
    if (!existsSync('/dev/zero')) skip('no /dev/zero here');
    expect(taesd(['inspect', '/dev/zero'])).toEqual(failed(`/dev/zero: ${LIMIT}`));
  });

  testAtFullLength('encode: a FIFO and a stdin that do not end → LIMIT', () => {
    execFileSync('mkfifo', [at('endless')]);
    const zeros = spawn('sh', ['-c', `cat /dev/zero > ${at('endless')}`], { stdio: 'ignore' });
    expect(taesd(['encode', at('endless'), '-o', at('o.png')])).toEqual(
      failed(`${at('endless')}: ${LIMIT}`),
    );
    zeros.kill();
    const command = `cat /dev/zero | ${process.execPath} dist/cli/main.js encode - -o - | wc -c`;
    const lines = `${execFileSync('sh', ['-c', `(${command}) 2>&1`])}`.trim().split('\n').sort();
    expect(lines).toEqual(['0', `taesd: stdin: ${LIMIT}`]);
    expect(existsSync(at('o.png'))).toBe(false);
  });

  test('readInput: a pipe that does not end → LIMIT after one piece more than the limit', async () => {
    const fifo = at('fifo');
    execFileSync('mkfifo', [fifo]);
    let written = 0;
    const source = new Readable({
      read() {
        written += 65536;
        this.push(Buffer.alloc(65536));
      },
    });
    const sink = createWriteStream(fifo);
    // The reader leaves before the writer ends.
    sink.on('error', () => source.destroy());
    source.pipe(sink);
    await expect(readInput(fifo, undefined, 2 ** 20)).rejects.toMatchObject({
      code: 'LIMIT',
      message: `${fifo}: expected at most 1,048,576 bytes, got more (a pipe or device that does not end?)`,
    });
    expect(written).toBeLessThan(8 * 2 ** 20);
  });

  test('piecesOf: bytes that come one by one → the memory of bytes, not of a buffer each', async () => {
    const fifo = at('bytes');
    execFileSync('mkfifo', [fifo]);
    // Opened for both, because a FIFO that is opened for writing waits for a reader.
    const writer = openSync(fifo, 'r+');
    const pieces: Uint8Array[] = [];
    const before = process.memoryUsage().arrayBuffers;
    writeSync(writer, 'a');
    for await (const piece of piecesOf(fifo, true)) {
      pieces.push(piece);
      if (pieces.length < 200) writeSync(writer, String.fromCharCode(97 + (pieces.length % 26)));
      else break;
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
    closeSync(writer);
    expect(pieces.map((piece) => piece.length)).toEqual(pieces.map(() => 1));
    expect(`${Buffer.concat(pieces.slice(0, 28))}`).toBe('abcdefghijklmnopqrstuvwxyzab');
  });

  test('readInput: a pipe whose writer comes late, pauses and ends → its bytes', async () => {
    const fifo = at('ends');
    execFileSync('mkfifo', [fifo]);
    const read = readInput(fifo);
    const script = `sleep 0.1; printf by; sleep 0.1; printf tes`;
    const writer = spawn('sh', ['-c', `(${script}) > ${fifo}`], { stdio: 'ignore' });
    expect(`${await read}`).toBe('bytes');
    writer.kill();
  });

  testAtFullLength('encode: SIGINT while a pipe has no writer → exit 130', async () => {
    execFileSync('mkfifo', [at('alone')]);
    const { child, ended } = startTaesd(['encode', at('alone'), '-o', at('o.png')], env);
    setTimeout(() => child.kill('SIGINT'), 3000);
    expect(await ended).toMatchObject({
      code: 130,
      stderr: 'taesd: interrupted by SIGINT, nothing was written\n',
    });
  });

  test('readInput: a shell’s pipe without bytes → none; a file above the limit → LIMIT, unread', async () => {
    const main = 'dist/cli/main.js';
    const command = `${process.execPath} ${main} inspect <(true) 2>&1; exit 0`;
    expect(`${execFileSync('bash', ['-c', command])}`).toContain('got an empty file');
    writeFileSync(at('large'), new Uint8Array(11));
    await expect(readInput(at('large'), undefined, 10)).rejects.toMatchObject({
      code: 'LIMIT',
      message: `${at('large')}: expected at most 10 bytes, got 11 (another file?)`,
    });
    expect((await readInput(at('large'), undefined, 11)).length).toBe(11);
  });
});
