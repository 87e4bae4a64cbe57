import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeCommand } from '../../src/cli/commands/decode.ts';
import { encodeCommand } from '../../src/cli/commands/encode.ts';
import { inspectCommand } from '../../src/cli/commands/inspect.ts';
import { modelsCommand } from '../../src/cli/commands/models.ts';
import { pullCommand } from '../../src/cli/commands/pull.ts';
import { roundtripCommand } from '../../src/cli/commands/roundtrip.ts';
import { serveCommand } from '../../src/cli/commands/serve.ts';
import { sheetCommand } from '../../src/cli/commands/sheet.ts';
import { stepsCommand } from '../../src/cli/commands/steps.ts';
import { readCommandLine } from '../../src/cli/line/command-line.ts';
import { MANIFEST } from '../../src/weights/manifest-data.ts';
import { taesd, taesdAsProcess } from './command-line.ts';

const COMMANDS = [
  'encode',
  'decode',
  'roundtrip',
  'inspect',
  'sheet',
  'steps',
  'serve',
  'pull',
  'models',
] as const;

const COMMAND_LIST = [
  encodeCommand,
  decodeCommand,
  roundtripCommand,
  inspectCommand,
  sheetCommand,
  stepsCommand,
  serveCommand,
  pullCommand,
  modelsCommand,
];

describe('help and version', () => {
  test('taesd: --help, -h, help → all commands, exit 0', () => {
    const { code, stdout, stderr } = taesdAsProcess(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of COMMANDS) {
      expect(stdout).toContain(`  ${command} `);
      expect(stdout.split('\nExamples:\n')[1]).toContain(`  taesd ${command}`);
    }
    expect(taesd(['-h']).stdout).toBe(stdout);
    expect(taesd(['help']).stdout).toBe(stdout);
    for (const repository of Object.keys(MANIFEST.sources)) expect(stdout).toContain(repository);
    expect(stdout).toContain('weights/README.md');
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  test.each(COMMANDS)(
    '%s: --help, -h, help → its options, defaults and examples, at most 100 columns',
    (command) => {
      const { code, stdout, stderr } = taesd([command, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^taesd ${command}[ \\n]`));
      expect(stdout).toContain('-h, --help');
      expect(stdout).toMatch(new RegExp(`\nExamples:\n {2}(?:\\w+=\\w+ )?taesd ${command}`));
      expect(stdout).not.toMatch(/unless/);
      const optionRows = stdout.split(/\n(?= {2}(?:-\w, )?--)/).slice(1);
      for (const row of optionRows.filter((one) => !one.includes('--help'))) {
        expect(row.replace(/\s+/g, ' ')).toMatch(/\((?:default: |required\))/);
      }
      expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
      expect(taesd(['help', command]).stdout).toBe(stdout);
      expect(taesd([command, 'help']).stdout).toBe(stdout);
      expect(taesd([command, 'some.png', '-h']).stdout).toBe(stdout);
    },
  );

  test('every example of every help → a command line that is understood', () => {
    for (const { spec } of COMMAND_LIST) {
      const examples: readonly string[] = spec.examples;
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        // What a shell takes away: a pipe before it, variables, the redirection behind it.
        const [words] = example
          .replace(/^.*\| /, '')
          .replace(/^\w+=\w+ /, '')
          .split(' > ');
        const [program, name, ...args] = words.split(' ');
        expect([program, name]).toEqual(['taesd', spec.name]);
        expect(() => readCommandLine(spec, args), example).not.toThrow();
      }
    }
  });

  test('encode, steps: --help → the backends that each takes', () => {
    expect(taesd(['encode', '--help']).stdout).toContain(`
  --backend NAME      wasm; reference: plain loops, slow; webgpu: any adapter, otherwise wasm; auto:
                      like webgpu, but hardware only (default: wasm)
`);
    expect(taesd(['steps', '--help']).stdout).toContain(`
  --backend NAME      wasm; reference: plain loops, slow (default: wasm)
`);
  });

  test('taesd: --version, -v, -V → the version of package.json', () => {
    const url = new URL('../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(url, 'utf8'));
    const stdout = `taesd-wasm ${version}\n`;
    for (const option of ['--version', '-v', '-V']) {
      expect(taesd([option])).toEqual({ code: 0, stdout, stderr: '' });
    }
  });
});

describe('command lines that are not understood → one line that names it, exit 2', () => {
  const unknown = (command: string, option: string, names: string) => {
    const known = `${names} help`
      .trim()
      .split(' ')
      .map((name) => `--${name}`)
      .join(', ');
    return `unknown option "${option}" (known: ${known}; see taesd ${command} --help)`;
  };
  const ENCODE =
    'output format model space recursive background max-size max-pixels weights precision workers backend quiet';
  const DECODE =
    'output format recursive model space tensor shape dtype pick max-pixels size resolution weights precision workers backend quiet';
  const STEPS =
    'folder part inner model space tensor shape dtype pick max-pixels weights backend background max-size quiet';
  const PICTURE =
    'IN is missing: a picture: a PNG, JPEG or WebP file; or a folder of them; - is stdin';
  const OUTPUT = 'a file to write, or - for stdout';
  const missing = (option: string, command: 'encode' | 'steps') => {
    const example = { encode: 'photo.jpg -o latents.png', steps: 'photo.png -o layers' }[command];
    return `${option} is missing (such as taesd ${command} ${example}; see taesd ${command} --help)`;
  };
  const MODELS =
    'one of taesd, taesdxl, taesd3, taef1, taef1-1.1, taef2, taesana, taeqi2_1, taew2_1, nano, nano-sdxl, nano-sd3, nano-flux1';
  const SERVED = MODELS.replace('one of', 'models separated by commas:');
  const LATENTS =
    '.png, .safetensors, .latent, .sft, .npy, .npz, .pt, .pth, .bin, .f32, .f16 or .bf16';
  const WRITTEN_ENDINGS =
    'the ending .png (8-bit latents), .safetensors (f32 latents), .latent (f32 latents for ComfyUI), .npy (an f32 array of numpy), .f32 (raw f32 numbers), .f16 (raw f16 numbers) or .bf16 (raw bf16 numbers)';
  const PULLED =
    'one of taesd, taesdxl, taesd3, taef1, taef1-1.1, taef2, taesana, taeqi2_1, taew2_1';
  const COLORS = 'white, black, gray, #rgb, #rrggbb, r,g,b or drop';
  const COMMAND =
    'a command (encode, decode, roundtrip, inspect, sheet, steps, serve, pull, models)';

  test.each([
    ['', `expected ${COMMAND}, got none (see taesd --help)`],
    ['encod in', `expected ${COMMAND}, got "encod" (encode?; see taesd --help)`],
    ['--model', `expected ${COMMAND}, got the option "--model" (see taesd --help)`],
    ['help me', `expected ${COMMAND}, got "me" (see taesd --help)`],
    ['encode in --maxsize 3', 'unknown option "--maxsize" (--max-size?; see taesd encode --help)'],
    ['decode in --Wieghts 3', 'unknown option "--Wieghts" (--weights?; see taesd decode --help)'],
    ['encode in --siz 3', unknown('encode', '--siz', ENCODE)],
    [
      'encode in -o o.png --model taeh3',
      `--model: expected ${MODELS}, got "taeh3" (not supported yet: for MiniMax H3, a video model; see taesd encode --help)`,
    ],
    [
      'pull taew2_2',
      `MODEL: expected ${PULLED}, got "taew2_2" (not supported yet: for Wan 2.2 TI2V 5B, a video model; see taesd pull --help)`,
    ],
    ['encode in -o o.png --size 3x3', unknown('encode', '--size', ENCODE)],
    ['encode in -o o.png --__proto__', unknown('encode', '--__proto__', ENCODE)],
    ['decode in -x', unknown('decode', '-x', DECODE)],
    [
      'inspect in -o o',
      unknown('inspect', '-o', 'size model space tensor shape dtype pick max-pixels json'),
    ],
    ['pull sd', `MODEL: expected ${PULLED}, got "sd"`],
    ['pull nano', `MODEL: expected ${PULLED}, got nano, which is in the package`],
    ['pull taesd toString', `MODEL: expected ${PULLED}, got "toString"`],
    ['pull --all taesd taef1', '--all: expected no MODEL beside it, got "taesd" and "taef1"'],
    ['pull -o x', unknown('pull', '-o', 'all from quiet')],
    ['pull --from=', '--from: expected a folder or web address, got ""'],
    ['pull --from', '--from: expected a value DIR|URL, got nothing'],
    ...['x', '-1', '65536', '1e3', ''].map((port) => [
      `serve --port=${port}`,
      `--port: expected a whole number from 0 to 65535, got "${port}"`,
    ]),
    [
      'serve --host=a/b',
      '--host: expected an address or name of this machine, such as 127.0.0.1, got "a/b"',
    ],
    ['serve --model nano,', `--model: expected ${SERVED}, got "nano,"`],
    [
      'serve --model nano,taesdx',
      `--model: expected ${SERVED}, got "nano,taesdx" (taesd?; see taesd serve --help)`,
    ],
    ['serve --queue 1001', '--queue: expected a whole number from 0 to 1000, got "1001"'],
    ...['0', '3601', '1.5'].map((time) => [
      `serve --timeout ${time}`,
      `--timeout: expected a whole number of seconds from 1 to 3600, got "${time}"`,
    ]),
    ['serve 8788', 'unexpected argument "8788"'],
    ['models taesd', 'unexpected argument "taesd"'],
    ['models --all', unknown('models', '--all', 'json')],
    ['roundtrip a -o b.png --float=yes', '--float: expected no value, got "yes"'],
    ['encode', PICTURE],
    [
      'inspect',
      `FILE|MODEL is missing: a picture (PNG, JPEG, WebP), latents or weights (${LATENTS}); - is stdin; or a model: taesd, taesdxl, taesd3, taef1, taef1-1.1, taef2, taesana, taeqi2_1, taew2_1, nano, nano-sdxl, nano-sd3, nano-flux1`,
    ],
    ['encode in -o o.jpg', `-o: o.jpg: expected ${WRITTEN_ENDINGS}, got .jpg`],
    [
      'encode in -o - --max-pixels 536870913',
      '--max-pixels: expected a whole number of pixels from 1 to 536870912, got "536870913"',
    ],
    ['encode in', missing('-o OUT', 'encode')],
    ['encode in --output=', `-o: expected ${OUTPUT}, got ""`],
    ['encode in -o=a.png', `-o: expected ${OUTPUT}, got "=a.png"`],
    ['encode in -o', '-o: expected a value OUT, got nothing'],
    ...['/dev/stdout', '/dev/fd/1'].map((name) => [
      `encode in -o ${name}`,
      `-o: expected ${OUTPUT}, got "${name}"`,
    ]),
    ...['jpg', '', '.png', 'f64'].map((name) => [
      `encode in -o - --format=${name}`,
      `--format: expected png, safetensors, latent, npy, f32, f16 or bf16, got "${name}"`,
    ]),
    ['decode in -o - --format npy', '--format: expected png or safetensors, got "npy"'],
    ...['0', '-1', '1.5', '1e3', 'x', '2147483648'].map((size) => [
      `roundtrip in -o - --max-size=${size}`,
      `--max-size: expected a whole number of pixels from 1 to 2147483647, got "${size}"`,
    ]),
    ['encode a - -o -', '-o: expected a folder for 2 files, such as DIR/, got -'],
    ['steps in', missing('-o DIR', 'steps')],
    ['steps in -o -', '-o: expected a folder to write to, got "-"'],
    ['steps in -o d --part both', '--part: expected encoder or decoder, got "both"'],
    ['steps in -o d --precision fast', unknown('steps', '--precision', STEPS)],
    ['encode in -o --model x', '-o: expected a value OUT, got the option --model'],
    ['encode -o o.png', PICTURE],
    ['encode a b -o o.png', '-o: expected a folder for 2 files, such as DIR/, got o.png'],
    ['steps a b -o o', 'unexpected argument "b"'],
    ['encode a -o o.png --weights=', '--weights: expected a folder or web address, got ""'],
    ['encode a -o o.png --model sd', `--model: expected ${MODELS}, got "sd"`],
    ['encode a -o o.png --model toString', `--model: expected ${MODELS}, got "toString"`],
    [
      'decode a -o o.png --backend gpu',
      '--backend: expected wasm, reference, webgpu or auto, got "gpu"',
    ],
    ...['webgpu', 'auto', 'gpu', ''].map((name) => [
      `steps in -o d --backend=${name}`,
      `--backend: expected wasm or reference, got "${name}"`,
    ]),
    ['decode a -o o.png --precision f16', '--precision: expected f32, fast or relaxed, got "f16"'],
    ...['65', '-1', '1.5', 'all', '0x2'].map((count) => [
      `decode a -o o.png --workers=${count}`,
      `--workers: expected a whole number from 0 to 64, got "${count}"`,
    ]),
    ['decode a -o o.png --space x', '--space: expected diffusion or vae, got "x"'],
    ['inspect - a -', 'expected - once, got it twice'],
    ['inspect a --dtype i8', '--dtype: expected f32, f16 or bf16, got "i8"'],
    ['decode a -o o.png --tensor=', '--tensor: expected the name of a tensor, got ""'],
    ...['-1', '1.5', 'all'].map((n) => [
      `steps a -o d --pick=${n}`,
      `--pick: expected a whole number from 0 to 999999999, got "${n}"`,
    ]),
    ...['4', '4x64', '0x4x4x4', '4x4x4x4x4x4', '4x4x'].map((shape) => [
      `decode a -o o.png --shape=${shape}`,
      `--shape: expected NxCxHxW or CxHxW, such as 1x4x64x64, got "${shape}"`,
    ]),
    ['encode a -o o.png --background', '--background: expected a value COLOR, got nothing'],
    ...['teal', '#12', '#12345g', '1,2', '1,2,256', '-1,2,3'].map((color) => [
      `encode a -o o.png --background=${color}`,
      `--background: expected ${COLORS}, got "${color}"`,
    ]),
    ...['abc', '0x5', '5x0', '5', '5x5x5', '5.5x5', '-5x5'].map((size) => [
      `decode a -o o.png --size=${size}`,
      `--size: expected WxH, such as 451x300, got "${size}"`,
    ]),
    ...['0.3', '1/3', '2', '1/2x'].map((part) => [
      `decode a -o o.png --resolution=${part}`,
      `--resolution: expected 1, 1/2, 1/4 or 1/8, got "${part}"`,
    ]),
  ])('taesd: %s → exit 2', (line, message) => {
    const args = line.split(' ').filter((word) => word !== '');
    const help = message.includes('see taesd') ? '' : ` (see taesd ${args[0]} --help)`;
    expect(taesd(args)).toEqual({ code: 2, stdout: '', stderr: `taesd: ${message}${help}\n` });
  });
});
