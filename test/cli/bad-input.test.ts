import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { writeOutput } from '../../src/cli/files/write-output.ts';
import { TaesdError } from '../../src/errors.ts';
import { encodeLatentPng, encodeLatentSafetensors } from '../../src/formats/index.ts';
import { LATENT_FORMATS } from '../../src/formats/table.ts';
import { encodePng } from '../../src/png/index.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { rounds, testAtFullLength } from '../full-length.ts';
import { NO_CACHE_HOME, taesd, taesdWithClosedStdout, temporaryFolder } from './command-line.ts';
import { randomPicture, writeWeights } from './tiny-files.ts';

/*
 * Whatever is wrong with a file, one line and an exit code, and no output left behind.
 */

const at = temporaryFolder();
const PICTURE = at('in.png');
writeFileSync(PICTURE, encodePng(randomPicture(3, 3, 3)));
const WEIGHTS = at('weights');
writeWeights(WEIGHTS, ['taesd']);
mkdirSync(at('out'));
const OUT = at('out/o.png');

const exitListeners = process.listenerCount('exit');
const failed = (message: string) => ({ code: 1, stdout: '', stderr: `taesd: ${message}\n` });

afterEach(() => expect(readdirSync(at('out')), 'left behind').toEqual([]));

const WRITTEN =
  '.png (8-bit latents), .safetensors (f32 latents), .latent (f32 latents for ComfyUI), ' +
  '.npy (an f32 array of numpy), .f32 (raw f32 numbers), .f16 (raw f16 numbers) or .bf16 (raw bf16 numbers)';
const endingsList = () => LATENT_FORMATS.flatMap(({ endings }) => endings);

describe('input', () => {
  test.each(['encode', 'roundtrip', 'decode'])(
    '%s: missing, a folder, below a file → exit 1',
    (command) => {
      const run = (path: string) => taesd([command, path, '-o', OUT]);
      const missing = at('no.png');
      expect(run(missing)).toEqual(failed(`${missing}: no such file`));
      const below = at('in.png/x.png');
      const reason = 'no such file: a part of its path is not a folder';
      expect(run(below)).toEqual(failed(`${below}: ${reason}`));
      mkdirSync(at('folder.png'), { recursive: true });
      const folder = at('folder.png');
      const got = 'expected a file, got a folder (for the files of a folder, -o DIR/)';
      expect(run(folder)).toEqual(failed(`${folder}: ${got}`));
    },
  );

  test('inspect: neither a file nor a model → exit 1, naming the models', () => {
    const message =
      'taesd9: no such file (models: taesd, taesdxl, taesd3, taef1, taef1-1.1, taef2, taesana, taeqi2_1, taew2_1, nano, nano-sdxl, nano-sd3, nano-flux1)';
    expect(taesd(['inspect', 'taesd9'])).toEqual(failed(message));
    const folder = `${at('out')}: cannot be read (a folder)`;
    expect(taesd(['inspect', at('out')])).toEqual(failed(folder));
  });

  test('encode: a name with a line break and an escape → still one line', () => {
    const message = 'a\\u000ab\\u001b[31m.png: no such file';
    expect(taesd(['encode', 'a\nb\x1b[31m.png', '-o', OUT])).toEqual(failed(message));
  });

  test('every command: a picture of a kind that is not read → the file is named, and its kind', () => {
    const gif = at('photo.png');
    writeFileSync(gif, 'GIF89a\x01\0\x01\0\0\0\0;');
    const message = `${gif}: "bytes" expected a PNG, JPEG or WebP file, got a GIF file ("magick '${gif}[0]' out.png" of ImageMagick makes a PNG of it)`;
    for (const command of ['encode', 'roundtrip']) {
      expect(taesd([command, gif, '-o', OUT])).toEqual(failed(message));
    }
    const shown = taesd(['inspect', gif]);
    expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 0, stderr: '' });
    expect(shown.stdout).toContain(`not read; "magick '${gif}[0]'`);
    const latents = message.replace('a PNG, JPEG or WebP file', 'latents');
    expect(taesd(['decode', gif, '-o', OUT])).toEqual(failed(latents));
  });

  test('encode, roundtrip: latents in place of a picture → exit 1, naming decode', () => {
    const latents = { shape: [1, 4, 1, 1], data: new Float32Array(4) };
    writeFileSync(at('z.png'), encodeLatentPng({ latents, model: 'taesdxl' }));
    writeFileSync(at('z.safetensors'), encodeLatentSafetensors({ latents }));
    writeFileSync(at('later.png'), encodePng(randomPicture(2, 2, 4), { 'taesd.model': 'taesd9' }));
    for (const command of ['encode', 'roundtrip']) {
      const got = (name: string, what: string) => {
        const message = `${at(name)}: expected a picture, got ${what}`;
        expect(taesd([command, at(name), '-o', OUT])).toEqual(failed(message));
      };
      got('z.png', 'latents of taesdxl (taesd decode?)');
      got('later.png', 'latents of "taesd9" (taesd decode?)');
      got('z.safetensors', 'a safetensors file (latents? taesd decode)');
    }
  });

  test('decode, steps: an opaque picture that nothing calls latents → FORMAT, and what to do', () => {
    const photo = at('photo.png');
    const data = new Uint8Array(4 * 9 * 5).fill(255);
    writeFileSync(photo, encodePng({ width: 9, height: 5, data }));
    const message = `taesd: ${photo}: "bytes" expected latents, got an opaque picture (taesd encode makes latents of it; or did an editor drop the alpha channel?)\n`;
    const decoding = taesd(['decode', photo, '-o', OUT, '--weights', WEIGHTS]);
    expect(decoding).toMatchObject({ code: 1, stderr: message });
    const steps = ['steps', photo, '-o', at('maps'), '--part', 'decoder', '--weights', WEIGHTS];
    expect(taesd(steps)).toMatchObject({ code: 1, stderr: message });
    expect([OUT, at('maps')].some(existsSync)).toBe(false);
  });

  testAtFullLength(
    'decode: a picture of which the network can make nothing → its size, and a doubt',
    () => {
      const wide = at('wide.png');
      // The narrower ones take the system less memory to clear.
      const width = rounds(2 ** 17, 400_000);
      writeFileSync(wide, encodePng({ width, height: 1, data: new Uint8Array(4 * width) }));
      const { code, stderr } = taesd(['decode', wide, '-o', OUT, '--weights', WEIGHTS]);
      const [first, model, note, second, ...rest] = stderr.split('\n');
      expect(first).toBe(`taesd: note: ${wide}: nothing in this PNG says that it holds latents`);
      expect(model).toContain('the file does not say its model');
      expect(note).toBe('taesd: note: decoding with taesd; --model chooses another');
      const size = `latents of ${width}×1 for ${8 * width}×8 pixels`;
      expect(second).toContain(`taesd: ${wide} (${size}; a picture? taesd encode): "`);
      expect({ code, rest }).toEqual({ code: 1, rest: [''] });
    },
  );

  test('decode: none of the formats → all of them, and the options for raw numbers', () => {
    const path = at('z.png');
    writeFileSync(path, '# Pictures');
    const names = endingsList().join(', ');
    const message = `${path}: "bytes" expected latents in one of ${names}, got a file that begins with "# Pictures" (--shape and --dtype describe raw numbers)`;
    expect(taesd(['decode', path, '-o', OUT])).toEqual(failed(message));
  });

  test('decode: weights of a model, several tensors → says so', () => {
    const path = at('weights.safetensors');
    const tensor = { shape: [64, 4, 3, 3], data: new Float32Array(64 * 36) };
    writeFileSync(path, writeSafetensors([['1.weight', tensor]]));
    const rule = '"tensors" expected a float tensor [N,C,h,w] with 4, 16, 32 or 64 channels';
    const got = 'got "1.weight" F32 [64,4,3,3] (weights of a model? --weights takes their folder)';
    expect(taesd(['decode', path, '-o', OUT])).toEqual(failed(`${path}: ${rule}, ${got}`));
    writeFileSync(
      path,
      writeSafetensors([
        ['a', tensor],
        ['b', tensor],
      ]),
    );
    const several = '"tensors" expected a single tensor of latents, got a, b';
    const remedy = '--tensor NAME chooses one';
    for (const command of ['decode', 'steps']) {
      const out = command === 'steps' ? at('maps') : OUT;
      const message = `${path}: ${several} (${remedy})`;
      expect(taesd([command, path, '-o', out])).toEqual(failed(message));
    }
    expect(taesd(['inspect', path])).toEqual(failed(`${path}: ${several} (${remedy})`));
  });

  test('a PNG that records a size alone → latents for every command', () => {
    const path = at('sized.png');
    const latents = { shape: [1, 4, 2, 3], data: new Float32Array(24).fill(1) };
    writeFileSync(path, encodeLatentPng({ latents, width: 17, height: 9 }));
    const message = `${path}: expected a picture, got latents (taesd decode?)`;
    expect(taesd(['encode', path, '-o', OUT])).toEqual(failed(message));
    expect(taesd(['inspect', path]).stdout).toContain('decodes to  17×9\n');
    const encoder = `${path}: expected a picture for the encoder, got latents`;
    const steps = ['steps', path, '-o', at('maps'), '--part', 'encoder'];
    expect(taesd(steps)).toEqual(failed(encoder));
  });

  test('encode: --space that OUT never has → exit 1', () => {
    const run = (out: string, space: string) =>
      taesd(['encode', PICTURE, '-o', at(out), '--space', space]);
    const message = (is: string, ending: string, got: string) =>
      failed(`--space: expected ${is}, the space of every ${ending} file, got ${got}`);
    expect(run('z2.png', 'vae')).toEqual(message('diffusion', '.png', 'vae'));
    expect(run('z2.latent', 'diffusion')).toEqual(message('vae', '.latent', 'diffusion'));
  });

  test('decode: a recorded size that is none; NaN → exit 1, what was there stays', () => {
    const malformed = at('malformed.png');
    const pixels = randomPicture(2, 2, 4);
    writeFileSync(malformed, encodePng(pixels, { 'taesd.size': 'abc' }));
    expect(taesd(['decode', malformed, '-o', OUT])).toEqual(
      failed(`${malformed}: "taesd.size" expected WIDTHxHEIGHT, such as 451x300, got "abc"`),
    );
    const nan = at('nan.safetensors');
    const latents = { shape: [1, 4, 1, 1], data: Float32Array.of(0, 0, Number.NaN, 0) };
    writeFileSync(nan, writeSafetensors([['latents', latents]]));
    mkdirSync(at('kept'));
    writeFileSync(at('kept/o.png'), 'as it was');
    const { code, stderr } = taesd(['decode', nan, '-o', at('kept/o.png'), '--weights', WEIGHTS]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: [
        'the file does not say its space; diffusion space is assumed',
        'the file does not say its model; its channels are those of taesd or taesdxl',
        '"latents" expected finite numbers, got NaN at element 2',
      ]
        .map((sentence, n) => `taesd: ${n < 2 ? 'note: ' : ''}${nan}: ${sentence}\n`)
        .toSpliced(2, 0, 'taesd: note: decoding with taesd; --model chooses another\n')
        .join(''),
    });
    expect(readdirSync(at('kept'))).toEqual(['o.png']);
    expect(readFileSync(at('kept/o.png'), 'utf8')).toBe('as it was');
  });
});

describe('output, found out before the work', () => {
  // No weights are given: an error about the output comes before one about them.
  const run = (path: string) => taesd(['encode', PICTURE, '-o', path]);

  test('encode, decode, roundtrip: another ending, none → the endings there are', () => {
    const rule = `the ending ${WRITTEN}`;
    const misused = (message: string, command = 'encode') => ({
      ...failed(`-o: ${message} (see taesd ${command} --help)`),
      code: 2,
    });
    expect(run('o.jpg')).toEqual(misused(`o.jpg: expected ${rule}, got .jpg`));
    expect(run('png')).toEqual(misused(`png: expected ${rule}, got no ending`));
    const decoded = 'the ending .png (the picture) or .safetensors (f32 decoded)';
    const message = `o: expected ${decoded}, got no ending`;
    expect(taesd(['decode', PICTURE, '-o', 'o'])).toEqual(misused(message, 'decode'));
    expect(taesd(['roundtrip', PICTURE, '-o', 'o'])).toEqual(misused(message, 'roundtrip'));
  });

  test('encode: OUT in a folder is a folder itself → exit 1', () => {
    mkdirSync(at('taken/in.png'), { recursive: true });
    const message = `${at('taken/in.png')}: expected a file to write, got a folder`;
    expect(run(at('taken'))).toEqual(failed(message));
  });

  test('encode: OUT/ is a file → exit 1', () => {
    const message = `${PICTURE}/: expected a folder to write to, got a file`;
    expect(run(`${PICTURE}/`)).toEqual(failed(message));
  });

  test.skipIf(process.platform === 'win32')(
    'names too long for the disk → exit 1 before the work, on a short line',
    () => {
      const reason = 'a name that is too long for the disk';
      const name = `${'x'.repeat(300)}.png`;
      const cut = `${name.slice(0, 120)}…${name.slice(-79)}`;
      const inFolder = { cwd: at('.') };
      // No weights are there: work would fail for them.
      expect(taesd(['encode', 'in.png', '-o', name, '--weights', 'none'], inFolder)).toEqual(
        failed(`${cut}: cannot be written (${reason})`),
      );
      const read = taesd(['encode', name, '-o', 'out/o.png'], inFolder);
      expect(read).toEqual(failed(`${cut}: cannot be read (${reason})`));
      const long = `${'y'.repeat(250)}.jpg`;
      writeFileSync(at(long), readFileSync(PICTURE));
      writeFileSync(at('short.png'), readFileSync(PICTURE));
      const args = [long, 'short.png', '-o', 'o/', '--format', 'safetensors', '--weights', WEIGHTS];
      const outcome = taesd(['encode', ...args], inFolder);
      expect(outcome.stderr).toMatch(/^taesd: o\/y+…y+\.safetensors: cannot be written \(a name/);
      expect(outcome.stderr).toMatch(/\ntaesd: 1 of 2 files failed\n$/);
      expect(readdirSync(at('o'))).toEqual(['short.safetensors']);
    },
  );

  test('encode: OUT in a folder that does not exist, in a file → exit 1', () => {
    const missing = at('no/o.png');
    const place = at('in.png/o.png');
    expect(run(missing)).toEqual(
      failed(`${missing}: cannot be written (no such folder: ${at('no')})`),
    );
    expect(run(place)).toEqual(
      failed(`${place}: cannot be written (a file in place of its folder: ${PICTURE})`),
    );
  });

  test('encode, decode, roundtrip: OUT is IN, by another name or a link → exit 1, IN as it was', () => {
    mkdirSync(at('same'));
    const bytes = encodePng(randomPicture(3, 3, 4));
    writeFileSync(at('same/o.png'), bytes);
    symlinkSync(at('same/o.png'), at('same/link.png'));
    for (const command of ['encode', 'decode', 'roundtrip']) {
      for (const name of ['./o.png', '../same/o.png', 'link.png']) {
        const message = `${name}: expected another file than IN, got IN itself`;
        const outcome = taesd([command, 'o.png', '-o', name], { cwd: at('same') });
        expect(outcome).toEqual(failed(message));
      }
    }
    expect(readFileSync(at('same/o.png'))).toEqual(Buffer.from(bytes));
    expect(readdirSync(at('same'))).toEqual(['link.png', 'o.png']);
  });

  // Root may write anywhere but here.
  test('encode: OUT in a folder where nothing can be written → exit 1', (context) => {
    if (!existsSync('/proc/self')) context.skip('no /proc here');
    const message = '/proc/o.png: cannot be written (no file can be made there)';
    expect(run('/proc/o.png')).toEqual(failed(message));
  });

  test('writeOutput: renaming fails at the end → ARG, no temporary file', async () => {
    mkdirSync(at('race/o.png'), { recursive: true });
    const write = writeOutput(at('race/o.png'), [new Uint8Array(3)]);
    await expect(write).rejects.toMatchObject({ code: 'ARG' });
    expect(readdirSync(at('race'))).toEqual(['o.png']);
  });

  test('writeOutput: pieces that fail, a signal → that error, no file, the source ended', async () => {
    let ended = 0;
    function* pieces(last: () => void) {
      try {
        yield new Uint8Array(3);
        last();
        yield new Uint8Array(3);
      } finally {
        ended++;
      }
    }
    const broken = new TaesdError('OOM', 'no room');
    const failing = pieces(() => {
      throw broken;
    });
    await expect(writeOutput(OUT, failing)).rejects.toBe(broken);
    const controller = new AbortController();
    const aborting = pieces(() => controller.abort(broken));
    await expect(writeOutput(OUT, aborting, controller.signal)).rejects.toBe(broken);
    expect(ended).toBe(2);
    expect(process.listenerCount('exit')).toBe(exitListeners);
  });

  test('writeOutput: a link → what it points to is written, and it stays a link', async () => {
    mkdirSync(at('links/real'), { recursive: true });
    writeFileSync(at('links/real/o.png'), 'before');
    symlinkSync(at('links/real/o.png'), at('links/o.png'));
    await writeOutput(at('links/o.png'), [Uint8Array.of(1), Uint8Array.of(2)]);
    expect([...readFileSync(at('links/real/o.png'))]).toEqual([1, 2]);
    expect(readdirSync(at('links'))).toEqual(['o.png', 'real']);
  });
});

describe('weights', () => {
  const nowhere = (model: string, names: string, places: string) =>
    `"weights of ${model}" expected ${names}, got none in ${places} (npx taesd pull ${model} fetches them, --weights DIR gives them${model === 'taesd' ? ', --model nano needs none' : ', --model nano-sdxl needs none to decode'})`;
  const cache = (got: string) => `cache ${join(NO_CACHE_HOME, 'taesd-wasm')} (${got})`;

  test('encode: a model named, no weights given → where was looked, and the command that fetches them', () => {
    const places = `TAESD_WEIGHTS (not set), ${cache('no taesd_encoder.safetensors')}`;
    const message = nowhere('taesd', 'taesd_encoder.safetensors', places);
    expect(taesd(['encode', PICTURE, '-o', OUT, '--model', 'taesd'])).toEqual(failed(message));
  });

  test('roundtrip: another model than TAESD_WEIGHTS and the cache have → never taken for it', () => {
    const args = ['roundtrip', PICTURE, '-o', OUT, '--model', 'taesdxl'];
    const names = 'taesdxl_encoder.safetensors and taesdxl_decoder.safetensors';
    const places = `TAESD_WEIGHTS ${WEIGHTS} (neither), ${cache('neither')}`;
    const env = { TAESD_WEIGHTS: WEIGHTS };
    expect(taesd(args, { env })).toEqual(failed(nowhere('taesdxl', names, places)));
  });

  test('roundtrip: weights not in the folder of --weights → exit 1; it wins over TAESD_WEIGHTS', () => {
    const args = ['roundtrip', PICTURE, '-o', OUT, '--weights', at('out')];
    const rule = 'a folder that holds taesd_encoder.safetensors and taesd_decoder.safetensors';
    const message = `"${at('out')}" expected ${rule}, got neither (another model, or another folder?)`;
    expect(taesd(args, { env: { TAESD_WEIGHTS: WEIGHTS } })).toEqual(failed(message));
  });

  test('encode: a damaged .pth → exit 1, naming it', () => {
    mkdirSync(at('pth'));
    writeFileSync(at('pth/taesd_encoder.pth'), 'PK\x03\x04 and so on');
    const message = `${at('pth/taesd_encoder.pth')}: "zip archive" expected an end record, got none`;
    const args = ['encode', PICTURE, '-o', OUT];
    expect(taesd([...args, '--weights', at('pth')])).toEqual(failed(`${message} (cut off?)`));
    const env = { TAESD_WEIGHTS: at('pth') };
    const byName = [...args, '--model', 'taesd'];
    expect(taesd(byName, { env })).toEqual(failed(`${message} (cut off?)`));
  });
});

describe('streams', () => {
  test('inspect, --help: closed pipe → exit 0, nothing said', async () => {
    const quiet = { code: 0, stderr: '' };
    expect(await taesdWithClosedStdout(['inspect', 'taesd', '--size', '64x64'])).toEqual(quiet);
    expect(await taesdWithClosedStdout(['--help'])).toEqual(quiet);
  });

  test('inspect: stdout on a full disk → one line, exit 1', (context) => {
    if (!existsSync('/dev/full')) context.skip('no /dev/full here');
    const file = openSync('/dev/full', 'w');
    const message = 'stdout: cannot be written (ENOSPC: no space left on device, write)';
    expect(taesd(['inspect', 'taesd'], { stdout: file })).toEqual({
      ...failed(message),
      stdout: null,
    });
    closeSync(file);
  });

  test('inspect: TAESD_DEBUG → the stack after the line', () => {
    const { code, stderr } = taesd(['inspect', 'taesd9'], { env: { TAESD_DEBUG: '1' } });
    expect(code).toBe(1);
    const [line, name, where] = stderr.split('\n');
    expect(line).toMatch(/^taesd: taesd9: no such file /);
    expect(name).toMatch(/^TaesdError: taesd9: no such file /);
    expect(where).toMatch(/^ {4}at /);
  });
});
