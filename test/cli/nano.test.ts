import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeLatentPng, encodeLatentPng } from '../../src/formats/index.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { randomTensor, seededRandom } from '../random.ts';
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

describe('latents of other spaces', () => {
  const SMALL = [
    ['taesdxl', 'nano-sdxl', 4],
    ['taesd3', 'nano-sd3', 16],
    ['taef1', 'nano-flux1', 16],
  ] as const;

  test.each(SMALL)(
    'decode, steps: the file says %s, no weights → %s, and one line says so',
    (space, small, channels) => {
      const latents = randomTensor(seededRandom(1), [1, channels, 2, 3]);
      writeFileSync(at('z.png'), encodeLatentPng({ latents, model: space }));
      const stderr = `taesd: note: using ${small}, the small model in the package; "npx taesd pull ${space}" fetches ${space}, which is sharper\n`;
      expect(taesd(['decode', at('z.png'), '-o', at('a.png')])).toEqual({ ...noted, stderr });
      expect(taesd(['decode', at('z.png'), '-o', at('b.png'), '--model', small])).toEqual(done);
      expect(readFileSync(at('a.png')).equals(readFileSync(at('b.png')))).toBe(true);
      const steps = taesd(['steps', at('z.png'), '-o', at('steps')]);
      expect({ code: steps.code, stderr: steps.stderr }).toEqual({ code: 0, stderr });
    },
  );

  test('decode: the command line names a model or a folder → never another model', () => {
    const latents = randomTensor(seededRandom(1), [1, 4, 2, 3]);
    writeFileSync(at('x.png'), encodeLatentPng({ latents, model: 'taesdxl' }));
    const args = ['decode', at('x.png'), '-o', at('c.png')];
    const named = taesd([...args, '--model', 'taesdxl']);
    expect(named.code).toBe(1);
    expect(named.stderr).toContain('--model nano-sdxl needs none to decode)');
    mkdirSync(at('none'), { recursive: true });
    expect(taesd([...args, '--weights', at('none')]).stderr).toContain(
      'expected a folder that holds taesdxl_decoder.safetensors, got no such file',
    );
  });

  test.each(SMALL)(
    'encode, roundtrip: %s by %s → refused, with the model that encodes',
    (space, small) => {
      const way = `${space} encodes for these latents: --model ${space}`;
      expect(taesd(['encode', PICTURE, '-o', at('n.png'), '--model', small])).toEqual({
        code: 1,
        stdout: '',
        stderr: `taesd: "encoder" expected a model that has one, got ${small} (${way})\n`,
      });
      expect(taesd(['roundtrip', PICTURE, '-o', at('n.png'), '--model', small])).toEqual({
        code: 1,
        stdout: '',
        stderr: `taesd: --model: expected a model with an encoder, got ${small} (${way})\n`,
      });
    },
  );

  test.each(SMALL)(
    'models, pull, help, inspect: %s by %s → in the package, a decoder alone',
    (space, small, channels) => {
      const bytes = statSync(
        new URL(`../../weights/nano/${small}_decoder.safetensors`, import.meta.url),
      ).size;
      const row = taesd(['models'])
        .stdout.split('\n')
        .find((line) => line.startsWith(`${small} `));
      expect(row).toMatch(/ in the package$/);
      expect(row).toContain(` ${bytes.toLocaleString('en')} `);
      expect(taesd(['pull', small]).stderr).toContain(`got ${small}, which is in the package`);
      const help = taesd(['--help']).stdout;
      expect(help).toMatch(new RegExp(`${small} .*; small, in the package; decodes alone`));
      const { stdout } = taesd(['inspect', small]);
      expect(stdout).toContain(`encoder  none; ${space} encodes for its latents\n`);
      const file = taesd(['inspect', `weights/nano/${small}_decoder.safetensors`]).stdout;
      expect(file).toContain(`, ${channels} latent channels\n`);
      const table = file.slice(file.indexOf('decoder, for an input of')).trim();
      expect(stdout).toContain(table);
    },
  );
});

test('inspect: nano and each of its files → its layers', () => {
  const { code, stdout } = taesd(['inspect', 'nano']);
  expect(code).toBe(0);
  for (const part of ['encoder', 'decoder']) {
    const file = `weights/nano/nano_${part}.safetensors`;
    const lines = taesd(['inspect', file]).stdout;
    const models = part === 'encoder' ? 'nano' : 'nano and nano-sdxl';
    expect(lines).toContain(`${part}     fits ${models}, 4 latent channels\n`);
    const table = lines.slice(lines.indexOf(`${part}, for an input of`)).trim();
    expect(stdout).toContain(table);
  }
});
