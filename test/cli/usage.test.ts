import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { taesd } from './command-line.ts';

const COMMANDS = ['encode', 'decode', 'roundtrip', 'inspect', 'steps', 'pull', 'models'] as const;

describe('help and version', () => {
  test('taesd: --help, -h, help → all commands, exit 0', () => {
    const { code, stdout, stderr } = taesd(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command} `);
    expect(taesd(['-h']).stdout).toBe(stdout);
    expect(taesd(['help']).stdout).toBe(stdout);
    expect(stdout).toContain('public repository comfyanonymous/taesd; see\nweights/README.md');
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  test.each(COMMANDS)('%s: --help, -h, help → its options, at most 100 columns', (command) => {
    const { code, stdout, stderr } = taesd([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^taesd ${command}[ \\n]`));
    expect(stdout).toContain('-h, --help');
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect(taesd(['help', command]).stdout).toBe(stdout);
    expect(taesd([command, 'help']).stdout).toBe(stdout);
    expect(taesd([command, 'some.png', '-h']).stdout).toBe(stdout);
  });

  test('encode, steps: --help → the backends that each takes', () => {
    expect(taesd(['encode', '--help']).stdout).toContain(`
  --backend NAME      what does the work: wasm (default); reference, plain loops and slow; webgpu,
                      on any adapter, else wasm; auto, as webgpu, but on no software adapter
`);
    expect(taesd(['steps', '--help']).stdout).toContain(`
  --backend NAME      what does the work: wasm (default); reference, plain loops and slow
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
  const options = (names: string) =>
    `one of ${names
      .split(' ')
      .map((name) => `--${name}`)
      .join(', ')}`;
  const ENCODE = options('output model weights precision workers backend background');
  const DECODE = options('output model weights precision workers backend size');
  const MODELS = 'one of taesd, taesdxl, taesd3, taef1, nano';
  const PULLED = 'one of taesd, taesdxl, taesd3, taef1';
  const COLORS = 'white, black, gray, #rgb, #rrggbb, r,g,b or drop';
  const NAMES = 'one of encode, decode, roundtrip, inspect, steps, pull, models or help';

  test.each([
    ['', `"command" expected ${NAMES}, got none (see taesd --help)`],
    ['encod in', `"command" expected ${NAMES}, got "encod" (see taesd --help)`],
    ['--model', `"command" expected ${NAMES}, got option "--model" (see taesd --help)`],
    ['help me', `"command" expected ${NAMES}, got "me" (see taesd --help)`],
    ['encode in --siz 3', `encode: "option" expected ${ENCODE}, got "--siz"`],
    ['encode in -o o.png --size 3x3', `encode: "option" expected ${ENCODE}, got "--size"`],
    ['encode in -o o.png --__proto__', `encode: "option" expected ${ENCODE}, got "--__proto__"`],
    ['decode in -x', `decode: "option" expected ${DECODE}, got "-x"`],
    ['inspect in -o o', 'inspect: "option" expected one of --size, got "-o"'],
    ['pull sd', `pull: "MODEL" expected ${PULLED}, got "sd"`],
    ['pull nano', `pull: "MODEL" expected ${PULLED}, got nano, which is in the package`],
    ['pull taesd toString', `pull: "MODEL" expected ${PULLED}, got "toString"`],
    [
      'pull --all taesd taef1',
      'pull: "--all" expected no MODEL beside it, got "taesd" and "taef1"',
    ],
    ['pull -o x', 'pull: "option" expected one of --all, --from, got "-o"'],
    ['pull --from=', 'pull: "--from" expected a folder or web address, got ""'],
    ['pull --from', 'pull: "--from" expected a value DIR|URL, got nothing'],
    ['models taesd', 'models: "command line" expected options alone, got "taesd"'],
    ['models --all', 'models: "option" expected one of --help, got "--all"'],
    ['roundtrip a -o b.png --float=yes', 'roundtrip: "--float" expected no value, got "yes"'],
    ['encode in', 'encode: "-o" expected the file to write, got none'],
    ['encode in -o=a.png', 'encode: "-o" expected the file to write, files only, got "=a.png"'],
    ['encode in -o', 'encode: "-o" expected a value OUT, got nothing'],
    ...['-', '/dev/stdout', '/dev/fd/1'].map((name) => [
      `encode in -o ${name}`,
      `encode: "-o" expected the file to write, files only, got "${name}"`,
    ]),
    ['steps in', 'steps: "-o" expected the folder to write to, got none'],
    ['steps in -o -', 'steps: "-o" expected the folder to write to, got "-"'],
    ['steps in -o d --part both', 'steps: "--part" expected encoder or decoder, got "both"'],
    [
      'steps in -o d --precision fast',
      `steps: "option" expected ${options('folder part inner model weights backend background')}, got "--precision"`,
    ],
    ['encode in -o --model x', 'encode: "-o" expected a value OUT, got the option --model'],
    ['encode -o o.png', 'encode: "IN" expected the picture: a PNG file, got none'],
    ['encode a b -o o.png', 'encode: "IN" expected the picture: a PNG file, got "a" and "b"'],
    ['encode a -o o.png --model sd', `encode: "--model" expected ${MODELS}, got "sd"`],
    ['encode a -o o.png --model toString', `encode: "--model" expected ${MODELS}, got "toString"`],
    [
      'decode a -o o.png --backend gpu',
      'decode: "--backend" expected wasm, reference, webgpu or auto, got "gpu"',
    ],
    ...['webgpu', 'auto', 'gpu', ''].map((name) => [
      `steps in -o d --backend=${name}`,
      `steps: "--backend" expected wasm or reference, got "${name}"`,
    ]),
    ['decode a -o o.png --precision f16', 'decode: "--precision" expected f32 or fast, got "f16"'],
    ...['65', '-1', '1.5', 'all', '0x2'].map((count) => [
      `decode a -o o.png --workers=${count}`,
      `decode: "--workers" expected a whole number from 0 to 64, got "${count}"`,
    ]),
    [
      'encode a -o o.png --background',
      'encode: "--background" expected a value COLOR, got nothing',
    ],
    ...['teal', '#12', '#12345g', '1,2', '1,2,256', '-1,2,3'].map((color) => [
      `encode a -o o.png --background=${color}`,
      `encode: "--background" expected ${COLORS}, got "${color}"`,
    ]),
    ...['abc', '0x5', '5x0', '5', '5x5x5', '5.5x5', '-5x5'].map((size) => [
      `decode a -o o.png --size=${size}`,
      `decode: "--size" expected WxH, such as 451x300, got "${size}"`,
    ]),
  ])('taesd: %s → exit 2', (line, message) => {
    const args = line.split(' ').filter((word) => word !== '');
    const help = message.includes('(see') ? '' : ` (see taesd ${args[0]} --help)`;
    expect(taesd(args)).toEqual({ code: 2, stdout: '', stderr: `taesd: ${message}${help}\n` });
  });
});
