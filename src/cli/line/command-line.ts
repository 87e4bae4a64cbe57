import { parseArgs } from 'node:util';
import type { AlphaOptions, Half, LoadOptions, ModelName } from '../../index.ts';
import { modelNames } from '../../model/variants.ts';
import { BACKEND_NAMES, type BackendName } from './backends.ts';
import {
  checkOutputName,
  readBackend,
  readBackground,
  readFrom,
  readModel,
  readPart,
  readPrecision,
  readSize,
  readWorkers,
  type Size,
} from './option-values.ts';
import { usageError } from './usage-error.ts';

/** An option as it is written and explained; `value` names what follows it, a flag has none. */
interface OptionSpec {
  readonly short?: string;
  readonly value?: string;
  readonly help: string;
}

/** Every option there is; each command names those that it takes. */
export const OPTIONS = {
  output: { short: 'o', value: 'OUT', help: 'the file to write; files only, not - or /dev/stdout' },
  folder: { short: 'o', value: 'DIR', help: 'the folder to write to; made where there is none' },
  part: {
    value: 'NAME',
    help: 'encoder or decoder; unless said, of a picture both, of latents the decoder',
  },
  inner: { help: 'what is inside of blocks, too' },
  model: {
    value: 'MODEL',
    help: `one of ${modelNames().join(', ')}; unless said taesd, and where its weights are not found nano`,
  },
  weights: {
    value: 'DIR',
    help: 'folder with MODEL_encoder.safetensors and MODEL_decoder.safetensors; else TAESD_WEIGHTS, then the cache',
  },
  precision: {
    value: 'NAME',
    help: 'f32 (default), or fast: 16-bit products, sooner done and not quite as exact',
  },
  workers: {
    value: 'N',
    help: 'threads that share a picture, 0 to 64; unless said, for pictures from 384x384 on one a core, at most 4',
  },
  backend: { value: 'NAME', help: 'what does the work' },
  background: {
    value: 'COLOR',
    help: 'what lies behind translucent pixels: white (default), black, gray, #rgb, #rrggbb, r,g,b; or drop: forget alpha',
  },
  size: { value: 'WxH', help: "the picture's size, such as 451x300" },
  float: { help: 'keep latents as 32-bit floats on the way, not 8 bits' },
  all: { help: 'every model' },
  from: {
    value: 'DIR|URL',
    help: 'fetch from this folder or web address, not from the public ones',
  },
  help: { short: 'h', help: 'this text' },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;

/** What a command takes: for reading its command line and for writing its help. */
export interface CommandSpec {
  readonly name: string;
  /** What is not an option: `IN`, with what it is. One of it, any number where it is `many`, or there is none. */
  readonly operand?: { readonly name: string; readonly help: string; readonly many?: true };
  readonly options: readonly OptionName[];
  /** Those that its `--backend` takes; all unless said. */
  readonly backends?: readonly BackendName[];
}

/** A command line, understood. What was not given is undefined. */
export interface CommandLine {
  /** Empty for a command that takes none, or many. */
  readonly operand: string;
  /** All of them. */
  readonly operands: readonly string[];
  /** Empty for a command that writes no file. */
  readonly output: string;
  /** Empty for a command that writes no folder. */
  readonly folder: string;
  readonly part: Half | undefined;
  readonly inner: boolean;
  readonly model: ModelName | undefined;
  readonly weights: string | undefined;
  readonly backend: BackendName | undefined;
  readonly precision: LoadOptions['precision'];
  readonly workers: number | undefined;
  readonly alpha: AlphaOptions;
  readonly size: Size | undefined;
  readonly float: boolean;
  readonly all: boolean;
  readonly from: string | undefined;
}

/**
 * Reads what follows the command's name, from left to right; `'help'` where that is asked for.
 *
 * @throws UsageError naming what is not understood
 */
export function readCommandLine(spec: CommandSpec, args: readonly string[]): CommandLine | 'help' {
  const { name: command } = spec;
  if (args.length === 1 && args[0] === 'help') return 'help';
  // Not strict: its messages are several sentences, and do not say which options the command takes.
  const { tokens } = parseArgs({
    args: [...args],
    options: parserOptions(spec),
    strict: false,
    tokens: true,
  });
  const operands: string[] = [];
  const values = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help') return 'help';
    values.set(token.name, checkedValue(spec, token));
  }
  const output = values.get('output') ?? '';
  if (spec.options.includes('output') && output === '') {
    throw usageError(command, '-o', 'the file to write', 'none');
  }
  const folder = values.get('folder') ?? '';
  if (spec.options.includes('folder') && folder === '') {
    throw usageError(command, '-o', 'the folder to write to', 'none');
  }
  checkOutputName(command, output, 'the file to write, files only');
  checkOutputName(command, folder, 'the folder to write to');
  return {
    operand: theOperand(spec, operands),
    operands,
    output,
    folder,
    part: readPart(command, values.get('part')),
    inner: values.has('inner'),
    model: readModel(command, values.get('model')),
    weights: values.get('weights'),
    backend: readBackend(command, values.get('backend'), spec.backends ?? BACKEND_NAMES),
    precision: readPrecision(command, values.get('precision')),
    workers: readWorkers(command, values.get('workers')),
    alpha: readBackground(command, values.get('background')),
    size: readSize(command, values.get('size')),
    float: values.has('float'),
    all: values.has('all'),
    from: readFrom(command, values.get('from')),
  };
}

/** What parseArgs makes of one option. */
interface OptionToken {
  readonly name: string;
  /** As it was written: `-o`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** True where the value was part of the same word: `--model=taesd`. */
  readonly inlineValue: boolean | undefined;
}

/** The value of an option that the command takes; empty for a flag. */
function checkedValue({ name: command, options }: CommandSpec, token: OptionToken): string {
  const { rawName, value, inlineValue } = token;
  const option = options.find((name) => name === token.name);
  if (option === undefined) {
    const names = options.length > 0 ? options : ['help'];
    const rule = `one of ${names.map((name) => `--${name}`).join(', ')}`;
    throw usageError(command, 'option', rule, JSON.stringify(rawName));
  }
  const { value: wanted }: OptionSpec = OPTIONS[option];
  if (wanted === undefined) {
    if (value === undefined) return '';
    throw usageError(command, rawName, 'no value', JSON.stringify(value));
  }
  if (value === undefined) throw usageError(command, rawName, `a value ${wanted}`, 'nothing');
  // `-o --model x`: the value was forgotten.
  if (inlineValue !== true && value.startsWith('-') && value !== '-') {
    throw usageError(command, rawName, `a value ${wanted}`, `the option ${value}`);
  }
  return value;
}

function theOperand({ name: command, operand }: CommandSpec, operands: readonly string[]): string {
  if (operand?.many) return '';
  const [first] = operands;
  if (operand === undefined && operands.length === 0) return '';
  if (operand !== undefined && operands.length === 1 && first !== '') return first;
  const got = operands.map((text) => JSON.stringify(text)).join(' and ') || 'none';
  if (operand === undefined) throw usageError(command, 'command line', 'options alone', got);
  throw usageError(command, operand.name, operand.help, got);
}

function parserOptions(spec: CommandSpec) {
  const entries = [...spec.options, 'help' as const].map((name) => {
    const { short, value }: OptionSpec = OPTIONS[name];
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    return [name, short === undefined ? { type } : { type, short }] as const;
  });
  return Object.fromEntries(entries);
}
