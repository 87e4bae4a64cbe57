import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeLatentPng } from '../../src/formats/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { taesd, taesdAsProcess, temporaryFolder } from './command-line.ts';
import { randomPicture } from './tiny-files.ts';

/*
 * The command where there are no weights but those of the package.
 */

const at = temporaryFolder();
const PICTURE = at('in.png');
writeFileSync(PICTURE, encodePng(randomPicture(17, 9, 3)));

const NOTE =
  'taesd: note: using nano, the small model in the package; "npx taesd pull" fetches taesd, which is sharper\n';
const noted = { code: 0, stdout: '', stderr: NOTE };
const done = { code: 0, stdout: '', stderr: '' };

test('encode, decode, roundtrip: no weights, no model named → nano does it, and one line says so', () => {
  expect(taesd(['encode', PICTURE, '-o', at('z.png')])).toEqual(noted);
  const { model, width, height } = decodeLatentPng(new Uint8Array(readFileSync(at('z.png'))));
  expect({ model, width, height }).toEqual({ model: 'taesd', width: 17, height: 9 });
  expect(taesd(['decode', at('z.png'), '-o', at('out.png')])).toEqual(noted);
  expect(taesd(['roundtrip', PICTURE, '-o', at('trip.png')])).toEqual(noted);
  const trip = readFileSync(at('trip.png'));
  expect(readFileSync(at('out.png')).equals(trip)).toBe(true);
  const decoded = decodePng(new Uint8Array(trip));
  expect([decoded.width, decoded.height]).toEqual([17, 9]);
});

test('encode: no weights, --quiet → nano does it without a word', () => {
  const args = ['encode', PICTURE, '-o', at('q.png')];
  expect(taesd([...args, '--quiet'])).toEqual(done);
  expect(taesd([...args, '-q'])).toEqual(done);
  expect(taesdAsProcess(args)).toEqual(noted);
});

test('TAESD_WEIGHTS names a folder without taesd → the note and models name it', () => {
  mkdirSync(at('empty'));
  const env = { TAESD_WEIGHTS: at('empty') };
  const searched = `because TAESD_WEIGHTS ${at('empty')} has no weights of taesd`;
  const stderr = NOTE.replace('package;', `package, ${searched};`);
  expect(taesd(['encode', PICTURE, '-o', at('e.png')], { env })).toEqual({ ...noted, stderr });
  const { stdout } = taesd(['models'], { env });
  const place = `not found in TAESD_WEIGHTS ${at('empty')} and the cache: npx taesd pull taesd\n`;
  expect(stdout).toContain(place);
});

test('encode, decode: --model nano → the same bytes, nothing said', () => {
  expect(taesd(['encode', PICTURE, '-o', at('own.png'), '--model', 'nano'])).toEqual(done);
  expect(taesd(['encode', PICTURE, '-o', at('z.png')])).toEqual(noted);
  expect(readFileSync(at('own.png')).equals(readFileSync(at('z.png')))).toBe(true);
  expect(taesd(['decode', at('own.png'), '-o', at('out.png'), '--model', 'nano'])).toEqual(done);
});

test('inspect: nano and each of its files → its layers', () => {
  const { code, stdout } = taesd(['inspect', 'nano']);
  expect(code).toBe(0);
  for (const part of ['encoder', 'decoder']) {
    const file = `weights/nano/nano_${part}.safetensors`;
    const lines = taesd(['inspect', file]).stdout;
    expect(lines).toContain(`${part}     fits nano, 4 latent channels\n`);
    const table = lines.slice(lines.indexOf(`${part}, for an input of`)).trim();
    expect(stdout).toContain(table);
  }
});
