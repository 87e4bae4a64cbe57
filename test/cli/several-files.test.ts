import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { decodeLatentPng, encodeLatentSafetensors } from '../../src/formats/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { taesd, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * Several inputs and folders into a folder. Random weights.
 */

const at = temporaryFolder();
writeWeights(at('weights'), ['taesd', 'taesd3']);
const env = { TAESD_WEIGHTS: at('weights') };
const run = (...args: string[]) => taesd(args, { env, cwd: at('.') });
const done = { code: 0, stdout: '', stderr: '' };
const failed = (...lines: string[]) => ({
  code: 1,
  stdout: '',
  stderr: lines.map((line) => `taesd: ${line}\n`).join(''),
});
const read = (name: string) => new Uint8Array(readFileSync(at(name)));

for (const [name, width] of [
  ['a', 8],
  ['b', 16],
  ['c', 17],
] as const) {
  mkdirSync(at('in'), { recursive: true });
  writeFileSync(at(`in/${name}.png`), encodePng(randomPicture(width, 9, 3)));
}
beforeEach(() => rmSync(at('out'), { recursive: true, force: true }));

describe('encode, decode, roundtrip', () => {
  test('several files, -o DIR/ → a file for each by its name, as if each were alone; DIR is made', () => {
    expect(run('encode', 'in/a.png', 'in/c.png', '-o', 'out/')).toEqual(done);
    expect(readdirSync(at('out'))).toEqual(['a.png', 'c.png']);
    run('encode', 'in/c.png', '-o', 'alone.png');
    expect(read('out/c.png')).toEqual(read('alone.png'));
    expect(decodeLatentPng(read('out/c.png'))).toMatchObject({ width: 17, height: 9 });
    expect(run('decode', 'out/a.png', 'out/c.png', '-o', 'back/')).toEqual(done);
    run('roundtrip', 'in/c.png', '-o', 'alone.png');
    expect(read('back/c.png')).toEqual(read('alone.png'));
  });

  test('a folder, -o a folder that is there, --format → its pictures; other files are left out, and a line says so', () => {
    writeFileSync(at('in/notes.txt'), '');
    writeFileSync(at('in/.hidden.png'), '');
    mkdirSync(at('in/folder.png'), { recursive: true });
    mkdirSync(at('out'));
    const args = ['encode', 'in', '-o', 'out', '--format', 'safetensors'];
    const ending = expect.stringMatching(
      /^taesd: note: in: 1 file without pictures and 1 folder left out \(--recursive reads folders too\)\n$/,
    );
    expect(run(...args)).toEqual({ ...done, stderr: ending });
    expect(readdirSync(at('out'))).toEqual(['a', 'b', 'c'].map((name) => `${name}.safetensors`));
    expect(run(...args, '--quiet')).toEqual(done);
    rmSync(at('in/notes.txt'));
    rmSync(at('in/folder.png'), { recursive: true });
  });

  test('one file is bad, one is missing → a line for each, the others are done, exit 1', () => {
    writeFileSync(at('bad.png'), 'no picture');
    const { code, stdout, stderr } = run(
      'encode',
      'bad.png',
      'in/a.png',
      'no.png',
      'in/b.png',
      '-o',
      'out/',
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const lines = stderr.split('\n');
    expect(lines[0]).toMatch(/^taesd: bad\.png: "bytes" expected a PNG, JPEG or WebP file, got /);
    expect(lines.slice(1)).toEqual([
      'taesd: no.png: no such file',
      'taesd: 2 of 4 files failed',
      '',
    ]);
    expect(readdirSync(at('out'))).toEqual(['a.png', 'b.png']);
    expect(run('encode', 'bad.png', 'no.png', '-o', 'out2/').code).toBe(1);
    expect(readdirSync(at('.'))).not.toContain('out2');
  });

  test('decode: files of two models → each by its own; a note about an assumption once', () => {
    mkdirSync(at('z'));
    for (const [name, model] of [
      ['one', 'taesd'],
      ['two', 'taesd3'],
      ['three', undefined],
      ['four', undefined],
    ] as const) {
      const channels = model === 'taesd3' ? 16 : 4;
      const latents = randomTensor(seededRandom(3), [1, channels, 1, 1], 2);
      writeFileSync(at(`z/${name}.safetensors`), encodeLatentSafetensors({ latents, model }));
    }
    const { code, stderr } = run('decode', 'z', '-o', 'out/');
    expect(code).toBe(0);
    expect(stderr.match(/decoding with taesd/g)).toHaveLength(1);
    expect(
      stderr.match(/z\/(?:three|four)\.safetensors: the file does not say its model/g),
    ).toHaveLength(2);
    expect(read('out/one.png')).toEqual(read('out/three.png'));
    run('decode', 'z/two.safetensors', '-o', 'two.png', '--model', 'taesd3');
    expect(read('out/two.png')).toEqual(read('two.png'));
    expect(decodePng(read('out/two.png'))).toMatchObject({ width: 8, height: 8 });
    expect(run('decode', 'z', '-o', 'out/', '-q')).toEqual(done);
  });

  test('- among several → stdin.png', () => {
    const { code } = taesd(['encode', '-', at('in/a.png'), '-o', `${at('out')}/`], {
      env,
      input: read('in/b.png'),
    });
    expect(code).toBe(0);
    expect(readdirSync(at('out'))).toEqual(['a.png', 'stdin.png']);
    expect(decodeLatentPng(read('out/stdin.png'))).toMatchObject({ width: 16, height: 9 });
  });

  test('the weights are missing → one line, whatever the number of files', () => {
    const { code, stderr } = run('encode', 'in', '-o', 'out/', '--model', 'taef1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^taesd: "weights of taef1" expected [^\n]+\n$/);
    expect(readdirSync(at('.'))).not.toContain('out');
  });
});

describe('an error before any work', () => {
  const nothing = () => expect(readdirSync(at('.'))).not.toContain('out');

  test('two inputs have one output → both are named', () => {
    mkdirSync(at('other'), { recursive: true });
    writeFileSync(at('other/a.png'), read('in/b.png'));
    const line = (one: string, other: string) =>
      `${one}: expected an output of its own, got out/a.png, which is that of ${other} too (rename one, or write them to two folders)`;
    const lines = [line('in/a.png', 'other/a.png'), line('other/a.png', 'in/a.png')];
    const two = ['encode', 'in/a.png', 'other/a.png'];
    expect(run(...two, '-o', 'out/')).toEqual(failed(...lines, '2 of 2 files failed'));
    nothing();
    expect(run(...two, 'in/b.png', '-o', 'out/')).toEqual(failed(...lines, '2 of 3 files failed'));
    expect(readdirSync(at('out'))).toEqual(['b.png']);
  });

  test('one file named twice, also in its folder → done once, and a note', () => {
    const stderr = 'taesd: note: in/b.png: named twice, done once\n';
    expect(run('encode', 'in', 'in/b.png', '-o', 'out/')).toEqual({ ...done, stderr });
    expect(readdirSync(at('out'))).toEqual(['a.png', 'b.png', 'c.png']);
  });

  test('--recursive → folders below OUT; contents decide; OUT inside is not read', () => {
    mkdirSync(at('tree/deep/er'), { recursive: true });
    writeFileSync(at('tree/top.jfif'), read('in/a.png'));
    writeFileSync(at('tree/deep/er/no-ending'), read('in/c.png'));
    writeFileSync(at('tree/deep/text.txt'), 'no picture');
    mkdirSync(at('tree/out'));
    writeFileSync(at('tree/out/old.png'), read('in/b.png'));
    const args = ['encode', 'tree', '-o', 'tree/out'];
    const note = (text: string) => `taesd: note: tree: ${text}\n`;
    const flat = '1 folder left out (--recursive reads folders too)';
    expect(run(...args)).toEqual({ ...done, stderr: note(flat) });
    const stderr = note('1 file without pictures left out');
    expect(run(...args, '--recursive')).toEqual({ ...done, stderr });
    const all = readdirSync(at('tree/out'), { recursive: true }).sort();
    const made = ['deep', 'deep/er', 'deep/er/no-ending.png', 'old.png', 'top.png'];
    expect(all).toEqual(made);
    expect(decodeLatentPng(read('tree/out/deep/er/no-ending.png'))).toMatchObject({ width: 17 });
    expect(run('decode', 'tree/out', '-o', 'tree/back/', '--recursive', '-q')).toEqual(done);
    expect(decodePng(read('tree/back/deep/er/no-ending.png')).width).toBe(17);
  });

  test('an output is an input, also by a link → refused, and still there', () => {
    const before = read('in/b.png');
    const message =
      'in/: expected another folder than IN, got IN itself (the next run would take its results for inputs)';
    expect(run('encode', 'in', '-o', 'in/')).toEqual(failed(message));
    const own = 'in/a.png: expected another file than IN, got IN itself';
    expect(run('encode', 'in/a.png', 'in/b.png', '-o', 'in/').stderr).toContain(own);
    mkdirSync(at('links'));
    symlinkSync(at('in/b.png'), at('links/b.png'));
    const linked = 'links/b.png: expected another file than IN, got IN itself';
    const outcome = run('encode', 'in/a.png', 'in/b.png', '-o', 'links/');
    expect(outcome).toEqual(failed(linked, '1 of 2 files failed'));
    expect(decodeLatentPng(read('links/a.png'))).toMatchObject({ width: 8 });
    expect(read('in/b.png')).toEqual(before);
    expect(readdirSync(at('in')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('a folder without pictures, a folder for one output, a folder in no folder → refused', () => {
    mkdirSync(at('empty'));
    const got =
      /^taesd: empty: expected a folder with pictures \(\.png[^)]*\), got none of them\n$/;
    expect(run('encode', 'empty', '-o', 'out/')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(got),
    });
    const hint = 'for the files of a folder, -o DIR/';
    expect(run('encode', 'in', '-o', 'out.png')).toEqual(
      failed(`in: expected a file, got a folder (${hint})`),
    );
    expect(run('decode', 'in', '-o', '-')).toEqual(
      failed(`in: expected a file, got a folder (${hint})`),
    );
    const made = 'no/out/: cannot be made (no such folder: no)';
    expect(run('encode', 'in', '-o', 'no/out/')).toEqual(failed(made));
    nothing();
  });

  test('several files, one output → exit 2', () => {
    const message =
      '-o: expected a folder for 2 files, such as DIR/, got out.png (see taesd encode --help)';
    const outcome = run('encode', 'in/a.png', 'in/b.png', '-o', 'out.png');
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: `taesd: ${message}\n` });
  });
});
