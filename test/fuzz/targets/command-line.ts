import { join } from 'node:path';
import { Readable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import { OPTIONS } from '../../../src/cli/line/options.ts';
import { run } from '../../../src/cli/run.ts';
import { sayError } from '../../../src/cli/terminal/say.ts';
import { TaesdError } from '../../../src/errors.ts';
import { LATENT_CASES } from '../../formats/latent-cases.ts';
import { buildPng, randomPicture } from '../../png/build-png.ts';
import { randomWeights } from '../../small-model.ts';
import { oddNumber } from '../havoc.ts';
import { plain } from '../outcome.ts';
import type { Random } from '../random.ts';
import { changeList, read, shown, smallerJson, written } from '../recipe.ts';
import { makeSandbox, Sandbox } from '../sandbox.ts';
import { keepSurroundings } from '../surroundings.ts';
import { type Target, WrongResult } from '../target.ts';

/*
 * Command lines of `taesd`, run in this thread in a folder of small files. An input is a list of
 * arguments. It cannot name a file outside of the folder, and there is no network.
 */

interface Line {
  readonly args: readonly string[];
  /** The file that stdin gives. */
  readonly stdin?: string;
}

const MANY_CASES = 12;

/** The files of the folder. */
function filesOf(): Record<string, Uint8Array> {
  const cases = LATENT_CASES.filter(
    (_, i) => i % Math.ceil(LATENT_CASES.length / MANY_CASES) === 0,
  );
  const endings = ['.png', '.npy', '.npz', '.pt', '.safetensors', '.f32', '.latent', ''];
  return {
    'in.png': buildPng(randomPicture(2, 8, 9, 7)),
    'grey.png': buildPng(randomPicture(4, 16, 5, 3)),
    'folder/a.png': buildPng(randomPicture(3, 4, 8, 8)),
    'folder/b.png': buildPng(randomPicture(6, 8, 16, 8)),
    'folder/deep/c.png': buildPng(randomPicture(0, 1, 8, 8)),
    'bad.png': buildPng(randomPicture(2, 8, 9, 7)).subarray(0, 60),
    'empty.png': new Uint8Array(0),
    'text.txt': new Uint8Array(Buffer.from('some text\n')),
    'weights/nano_encoder.safetensors': randomWeights('nano', 'encoder'),
    'weights/nano_decoder.safetensors': randomWeights('nano', 'decoder'),
    'raw.f32': new Uint8Array(4 * 4 * 2 * 2),
    'raw.f16': new Uint8Array(2 * 4 * 2 * 2).fill(0x3c),
    ...Object.fromEntries(
      cases.map(({ bytes }, i) => [`latents${i}${endings[i % endings.length]}`, bytes]),
    ),
  };
}

const COMMANDS = [
  ...['encode', 'decode', 'roundtrip', 'inspect', 'sheet', 'steps', 'serve', 'pull', 'models'],
];
const OUTPUTS = [
  ...['out.png', 'out.safetensors', 'out.npy', 'out.latent', 'out.f16', 'out/', '-', 'out', '.png'],
  ...['in.png', 'folder/', 'missing/out.png', 'out.bf16', 'out.jpg', '', 'out.PNG', 'out.pt'],
];
const VALUES = [
  ...[
    '0',
    '1',
    '2',
    '8',
    '64',
    '65',
    '-1',
    '1.5',
    '1e3',
    'NaN',
    '2147483648',
    '99999999999999999999',
  ],
  ...[
    'taesd',
    'taef2',
    'nano',
    'nano-sdxl',
    'taesana',
    'TAESD',
    'wasm',
    'reference',
    'webgpu',
    'auto',
    'f32',
  ],
  ...[
    'fast',
    'vae',
    'diffusion',
    'white',
    '#fff',
    '#12345',
    '1,2,3',
    'drop',
    '256,0,0',
    '8x8',
    '0x0',
  ],
  ...[
    '1,4,2,2',
    '4,2,2',
    '1,4,2',
    '',
    'encoder',
    'decoder',
    'png',
    'npy',
    'f16',
    'latents',
    'é\0\n',
  ],
  ...[
    'in.png',
    'folder',
    'http://x.invalid/w',
    'https://',
    'file:in.png',
    '--',
    '-',
    'constructor',
  ],
];

function optionOf(random: Random): string[] {
  const [key, option] = random.pick(Object.entries(OPTIONS));
  const name = 'name' in option && option.name !== undefined ? option.name : key;
  const dashed = `--${name.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)}`;
  if (!('value' in option)) return [random.oneIn(12) ? `${dashed}=${random.pick(VALUES)}` : dashed];
  const value = random.oneIn(4) ? `${oddNumber(random)}` : random.pick(VALUES);
  return random.oneIn(4) ? [`${dashed}=${value}`] : [dashed, value];
}

const someOperand = (random: Random): string =>
  random.oneIn(12)
    ? random.pick(VALUES)
    : random.pick([...NAMES, 'folder', '-', 'missing.png', 'folder/']);

const NAMES = Object.keys(filesOf()).filter((name) => !name.startsWith('weights/'));

function someLine(random: Random): Line {
  const commands = random.oneIn(6) ? COMMANDS : COMMANDS.filter((name) => name !== 'steps');
  const command = random.oneIn(20) ? random.pick(VALUES) : random.pick(commands);
  const args = [command, ...Array.from({ length: random.small(4) }, () => someOperand(random))];
  if (!random.oneIn(5)) args.push('-o', random.pick(OUTPUTS));
  for (let n = random.small(5); n > 0; n--) args.push(...optionOf(random));
  return { args, ...(random.oneIn(4) ? { stdin: random.pick(NAMES) } : {}) };
}

/**
 * Leaves out what could name a file outside of the folder, and dozens of workers, which take 6 MB
 * each.
 */
function tamed(arg: string): string {
  const flat = arg
    .replaceAll('..', '.')
    .replaceAll('\\', '')
    .replace(/^(--workers=)?(\d)\d$/, '$1$2');
  return /(?:^|[^\w.])[/]|^-\w[/]/.test(flat) && !/^(?:--[\w-]+=)?https?:\/\/x\.invalid/.test(flat)
    ? flat.replaceAll('/', '')
    : flat;
}

/**
 * Returns the words of a line. A server gets an address of no machine, so that it ends: RFC 5737
 * keeps this one for documents.
 */
function wordsOf({ args }: Line): string[] {
  const words = args.map((arg) => tamed(`${arg}`));
  return words[0] === 'serve' ? [...words, '--host', '192.0.2.1'] : words;
}

/** The folder of an execution, and what stood in the process before. */
interface Place {
  readonly sandbox: Sandbox;
  readonly before: { readonly cwd: string; readonly putBack: () => void };
}
let place: Place | undefined;

interface Written {
  readonly code: number;
  readonly stderr: string;
  readonly bytes: number;
  readonly error: unknown;
}

/** Runs a line as `main.js` does. */
async function runLine(args: readonly string[], stdin: Uint8Array): Promise<Written> {
  const { stdout, stderr, stdin: real } = process;
  const texts: string[] = [];
  let bytes = 0;
  const take = (name: 'stdout' | 'stderr') => (piece: string | Uint8Array, done?: () => void) => {
    if (name === 'stderr') texts.push(Buffer.from(piece as string).toString());
    else bytes += piece.length;
    if (typeof done === 'function') queueMicrotask(done);
    return true;
  };
  const writes = [stdout.write, stderr.write] as const;
  stdout.write = take('stdout') as typeof stdout.write;
  stderr.write = take('stderr') as typeof stderr.write;
  Object.defineProperty(process, 'stdin', {
    value: Readable.from([Buffer.from(stdin)]),
    configurable: true,
  });
  let code = 0;
  let error: unknown;
  try {
    await run(args);
  } catch (thrown) {
    error = thrown;
    code = sayError(thrown);
  } finally {
    [stdout.write, stderr.write] = writes;
    Object.defineProperty(process, 'stdin', { value: real, configurable: true });
  }
  return { code, stderr: texts.join(''), bytes, error };
}

const OWN_ERRORS = ['UsageError', 'Failures', 'Interruption'];

function outcomeOf(written: Written, args: readonly string[]): string {
  const { code, stderr, bytes, error } = written;
  const isOwn = error instanceof TaesdError || OWN_ERRORS.includes((error as Error)?.name);
  if (error !== undefined && !isOwn) throw error;
  // Names of files are said as they are, and one may be NaN.
  const words = args.flatMap((arg) => [arg, ...arg.split('=')]).filter((word) => word !== '');
  const own = words.reduce((text, arg) => text.replaceAll(arg, '…'), stderr);
  if (/unexpected error|undefined|\[object|NaN(?! )/.test(own)) {
    throw new WrongResult(`stderr: ${stderr}`);
  }
  if (code !== 0 && !stderr.startsWith('taesd: ') && !stderr.includes('\ntaesd: ')) {
    throw new WrongResult(`code ${code} without a line on stderr`);
  }
  return `${code} ${bytes > 0} ${plain(stderr).slice(0, 60)}`;
}

export const commandLine: Target = {
  name: 'command-line',
  batch: 32,
  // `steps` draws some thirty layers in 1.2 s.
  maxMs: 5000,
  maxBytes: 2000,
  async prepare() {
    const before = { cwd: process.cwd(), putBack: keepSurroundings() };
    // A thread cannot change the folder: its main thread did.
    const folder = isMainThread ? makeSandbox() : process.cwd();
    const sandbox = new Sandbox(folder, filesOf());
    if (isMainThread) process.chdir(folder);
    const away = join(folder, 'cache');
    for (const name of ['XDG_CACHE_HOME', 'LOCALAPPDATA', 'HOME']) process.env[name] = away;
    // The package's own weights of nano are unpacked for each command, in some 20 ms.
    process.env.TAESD_WEIGHTS = join(folder, 'weights');
    globalThis.fetch = () => Promise.reject(new TypeError('fetch failed'));
    place = { sandbox, before };
  },
  seeds: () => [
    ...COMMANDS.map((command) => written({ args: [command, '--help'] })),
    ...NAMES.map((name) => written({ args: ['inspect', name] })),
    ...['png', 'safetensors', 'npy', 'latent', 'f32'].map((ending) =>
      written({ args: ['encode', 'in.png', '-o', `out.${ending}`, '--model', 'nano'] }),
    ),
    ...NAMES.filter((name) => name.startsWith('latents')).map((name) =>
      written({ args: ['decode', name, '-o', 'out.png', '--model', 'nano'] }),
    ),
    written({ args: ['sheet', 'folder', '-o', 'out.png', '--matrix', '--recursive'] }),
    written({ args: ['steps', 'in.png', '-o', 'out', '--model', 'nano'] }),
    written({ args: ['roundtrip', '-', '-o', '-', '--model', 'nano'], stdin: 'in.png' }),
    written({ args: ['models', '--json'] }),
    written({ args: ['serve', '--port', '0', '--model', 'nano', '--queue', '4'] }),
    written({ args: ['pull', 'taesd'] }),
  ],
  generate: (random) => written(someLine(random)),
  mutate(random, input, other) {
    const [own, second] = [read<Line>(input), read<Line>(other)];
    if (!Array.isArray(own?.args)) return written(someLine(random));
    const args = own.args.map(String);
    for (let n = random.small(3); n >= 0; n--) {
      if (random.oneIn(3)) args.push(...optionOf(random));
      else
        changeList(random, args, second?.args ?? [], () =>
          random.oneIn(2) ? someOperand(random) : random.pick(VALUES),
        );
    }
    // `steps` takes 2 s, and most changes of its line end in the same work.
    if (args[0] === 'steps' && !random.oneIn(8)) args[0] = random.pick(COMMANDS);
    const stdin = random.oneIn(6) ? random.pick(NAMES) : own.stdin;
    return written({ ...own, args: args.slice(0, 20), ...(stdin === undefined ? {} : { stdin }) });
  },
  smaller: smallerJson,
  show: shown,
  async run(input) {
    if (place === undefined) throw new Error('prepare was not called');
    const line = read<Line>(input);
    if (!Array.isArray(line?.args)) return 'no line';
    const stdin = place.sandbox.files[`${line.stdin}`] ?? new Uint8Array(0);
    try {
      const args = wordsOf(line);
      return outcomeOf(await runLine(args, stdin), args);
    } finally {
      place.sandbox.restore();
    }
  },
  end() {
    if (place === undefined) return;
    const { sandbox, before } = place;
    before.putBack();
    if (!isMainThread) return;
    process.chdir(before.cwd);
    sandbox.remove();
    place = undefined;
  },
};
