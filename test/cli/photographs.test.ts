import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { decodeLatentSafetensors } from '../../src/formats/index.ts';
import { decodePicture } from '../../src/picture/index.ts';
import { decodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { joined } from '../bytes.ts';
import { buildExif } from '../exif/build-exif.ts';
import { ALPHA, BASELINE, CMYK, jpegWithExif } from '../picture/files.ts';
import { taesd, temporaryFolder } from './command-line.ts';
import { writeWeights } from './tiny-files.ts';

/*
 * Photographs given to the command: what the API makes of them, and their faults in one line.
 */

const at = temporaryFolder();
const WEIGHTS = at('weights');
const env = { TAESD_WEIGHTS: WEIGHTS };
const TURNED = jpegWithExif(BASELINE.bytes, buildExif({ orientation: 6 }));
let api: Taesd;

beforeAll(async () => {
  writeWeights(WEIGHTS, ['taesd']);
  api = await Taesd.load({ weights: WEIGHTS, workers: 0 });
  return () => api.dispose();
});

test('encode: a JPEG that EXIF turns → latents of the upright picture', async () => {
  writeFileSync(at('turned.jpg'), TURNED);
  const args = ['encode', at('turned.jpg'), '-o', at('turned.safetensors')];
  expect(taesd(args, { env })).toEqual({ code: 0, stdout: '', stderr: '' });
  const file = decodeLatentSafetensors(new Uint8Array(readFileSync(at('turned.safetensors'))));
  const picture = await decodePicture(TURNED);
  expect([file.width, file.height]).toEqual([9, 17]);
  expect(file.latents).toEqual(await api.encode(picture));
});

test('roundtrip: a WebP with alpha on stdin → the decoded picture', async () => {
  const args = ['roundtrip', '-', '-o', at('again.png'), '--float', '--background', '#000000'];
  expect(taesd(args, { env, input: ALPHA.bytes }).code).toBe(0);
  const picture = await decodePicture(ALPHA.bytes);
  const latents = await api.encode(picture, { background: [0, 0, 0] });
  const wanted = await api.decode(latents, { width: 17, height: 9 });
  const found = decodePng(new Uint8Array(readFileSync(at('again.png'))));
  expect([...found.data]).toEqual([...wanted.data]);
});

test('more pixels than --max-pixels → LIMIT and the option; enough of them → done', () => {
  writeFileSync(at('base.jpg'), BASELINE.bytes);
  const args = ['roundtrip', at('base.jpg'), '-o', at('base.png'), '--max-pixels'];
  const { code, stderr } = taesd([...args, '152'], { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /expected at most 152 pixels, got 17×9 = 153 \(--max-pixels N raises the limit\)\n$/,
  );
  expect(taesd([...args, '153'], { env })).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('roundtrip, steps: weights of one half → the other is asked for', () => {
  writeFileSync(at('base.jpg'), BASELINE.bytes);
  const weights = ['--weights', `${WEIGHTS}/taesd_encoder.safetensors`];
  const stderr =
    'taesd: --weights: expected the encoder and the decoder, got the encoder alone (give the folder that holds both files)\n';
  for (const args of [
    ['roundtrip', at('base.jpg'), '-o', at('half.png'), ...weights],
    ['steps', at('base.jpg'), '-o', at('half'), ...weights],
  ]) {
    expect(taesd(args, { env })).toEqual({ code: 1, stdout: '', stderr });
  }
});

test('encode: what does no harm → a line on stderr', () => {
  const { bytes } = BASELINE;
  writeFileSync(at('padded.jpg'), joined(bytes.subarray(0, -2), [0, 0, 0], bytes.subarray(-2)));
  const { code, stderr } = taesd(['encode', at('padded.jpg'), '-o', at('padded.png')], { env });
  const note = 'JPEG: Corrupt JPEG data: 3 extraneous bytes before marker 0xd9';
  expect([code, stderr]).toEqual([0, `taesd: note: ${at('padded.jpg')}: ${note}\n`]);
});

test('encode, inspect: cut off, four components → one line, exit 1; inspect names the second', () => {
  writeFileSync(at('cut.jpg'), BASELINE.bytes.subarray(0, 300));
  writeFileSync(at('cmyk.jpg'), CMYK.bytes);
  const rows = [
    ['cut.jpg', '"byte 300" expected an end marker, ff d9, got the end of the file'],
    ['cmyk.jpg', 'a CMYK JPEG, for printing, is not read ("magick '],
  ];
  for (const [name, sentence] of rows) {
    const args = ['encode', at(name), '-o', at('none.png')];
    const inspect = ['inspect', at(name)];
    for (const line of name === 'cut.jpg' ? [args, inspect] : [args]) {
      const { code, stdout, stderr } = taesd(line, { env });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr.startsWith(`taesd: ${at(name)}: `)).toBe(true);
      expect(stderr).toContain(sentence);
      expect(stderr.split('\n')).toHaveLength(2);
    }
  }
  expect(existsSync(at('none.png'))).toBe(false);
  const { code, stdout, stderr } = taesd(['inspect', at('cmyk.jpg')]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^kind {2}a JPEG picture\nsize {2}8×8\nnote {2}a CMYK JPEG, for printing, is not read/,
  );
});
