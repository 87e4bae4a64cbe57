import { readFileSync } from 'node:fs';
import { VARIANTS } from '../../index.ts';
import type { Command } from '../commands/command.ts';
import { BACKEND_NAMES, backendsHelp } from './backends.ts';
import { type CommandSpec, OPTIONS, type OptionName } from './command-line.ts';

/** From src/cli/line and dist/cli/line alike, the package's root is three levels up. */
const PACKAGE_URL = new URL('../../../package.json', import.meta.url);

/** `0.1.0` */
export function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(PACKAGE_URL, 'utf8'));
  return version;
}

/** The help of the whole. */
export function helpText(commands: readonly Command[]): string {
  return `TAESD, the tiny autoencoder for Stable Diffusion's latents.

${rows(commands.map((command) => [usage(command), command.summary]))}

Options of a command: taesd COMMAND --help. The version: taesd --version. Models:

${rows(Object.values(VARIANTS).map(({ name, speaks }) => [name, speaks]))}

Weights, MODEL_encoder.safetensors and MODEL_decoder.safetensors, are looked for in the folder that
--weights names; without it, in the one that the environment variable TAESD_WEIGHTS names, then in
the cache folder, which taesd pull MODEL fills from the public repository comfyanonymous/taesd; see
weights/README.md. No other command uses the network, unless one of these is a web address.
Exit codes: 0 done, 1 failed, 2 the command line was not understood, 130 interrupted.
`;
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const { operand } = command;
  const operands: [string, string][] = operand === undefined ? [] : [[operand.name, operand.help]];
  const options = [...command.options, 'help' as const];
  return `taesd ${usage(command)}

${command.summary}${command.detail}

${rows([...operands, ...options.map((name) => optionRow(command, name))])}
`;
}

/** `encode IN -o OUT [options]`, `pull [MODEL…] [options]` */
function usage({ name, operand, options }: CommandSpec): string {
  const operands = operand?.many ? `[${operand.name}…]` : operand?.name;
  const file = options.includes('output') ? '-o OUT' : undefined;
  const output = options.includes('folder') ? '-o DIR' : file;
  const others = options.length > 0 ? '[options]' : undefined;
  return [name, operands, output, others].filter((word) => word !== undefined).join(' ');
}

function optionRow({ backends = BACKEND_NAMES }: CommandSpec, name: OptionName): [string, string] {
  const option: { short?: string; value?: string; help: string } = OPTIONS[name];
  const short = option.short === undefined ? '' : `-${option.short}, `;
  const value = option.value === undefined ? '' : ` ${option.value}`;
  const names = name === 'backend' ? `: ${backendsHelp(backends)}` : '';
  return [`${short}--${name}${value}`, `${option.help}${names}`];
}

const LINE_LENGTH = 100;

/** Two columns, the second broken between words. */
function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([left]) => left.length));
  const indent = width + 4;
  const lines = pairs.flatMap(([left, right]) =>
    wrap(right, LINE_LENGTH - indent).map(
      (line, index) => `  ${(index === 0 ? left : '').padEnd(width)}  ${line}`,
    ),
  );
  return lines.join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = `${lines[lines.length - 1]} ${word}`.trimStart();
    if (longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
