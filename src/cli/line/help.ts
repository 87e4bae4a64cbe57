import { readFileSync } from 'node:fs';
import { VARIANTS, type Variant } from '../../index.ts';
import { hasHalf, isNano } from '../../model/variants.ts';
import { FOLDER_VARIABLE } from '../../weights/locate.ts';
import { MANIFEST } from '../../weights/manifest-data.ts';
import { wrap } from '../terminal/wrap.ts';
import type { CommandSpec, Operand } from './command-line.ts';
import {
  nameOf,
  OPTIONS,
  type Option,
  type OptionName,
  type Text,
  textOf,
  type ValueOption,
} from './options.ts';

/** The package's root is three levels above both src/cli/line and dist/cli/line. */
const PACKAGE_URL = new URL('../../../package.json', import.meta.url);

/** Returns `0.1.0`. */
export function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(PACKAGE_URL, 'utf8'));
  return version;
}

/** Returns the words about a model that need not be fetched. */
function inPackage(variant: Variant): string {
  if (!isNano(variant.name)) return '';
  const encodes = hasHalf(variant, 'encoder');
  return `; small, in the package${encodes ? '' : '; decodes alone'}`;
}

/** Returns the general help. */
export function helpText(specs: readonly CommandSpec[]): string {
  const repositories = Object.keys(MANIFEST.sources).join(', ');
  const weights = `
Weights are two files, MODEL_encoder.safetensors and MODEL_decoder.safetensors. Without --weights,
the command searches the folder that the environment variable ${FOLDER_VARIABLE} names, then the
cache. taesd pull MODEL fills the cache from public repositories (${repositories}); see
weights/README.md. Other commands use the network only if --weights is a web address.`;
  return `TAESD, the tiny autoencoder for Stable Diffusion's latents.

${rows(specs.map((spec) => [usage(spec), spec.summary]))}

taesd COMMAND --help shows a command's options and examples. taesd --version shows the version.

Models and the latents they read and write:

${rows(Object.values(VARIANTS).map((row) => [row.name, `${row.speaks}${inPackage(row)}`]))}

${paragraph(weights)}

Examples:
${specs.map(({ examples: [first] }) => `  ${first}\n`).join('')}
Results go to files and stdout. Errors, notes and progress go to stderr; progress is shown on
terminals only. Exit codes: 0 done, 1 failed, 2 command line not understood, 130 interrupted.
`;
}

/** Returns the help of one command. */
export function commandHelp(spec: CommandSpec): string {
  const { operand, summary, detail, examples } = spec;
  const operands: [string, string][] =
    operand === undefined ? [] : [[operand.name, textOf(operand.help)]];
  const options = [...spec.options, 'help' as const];
  return `taesd ${usage(spec)}

${summary}

${paragraph(textOf(detail))}

${rows([...operands, ...options.map(optionRow)])}

Examples:
${examples.map((example) => `  ${example}\n`).join('')}`;
}

/** Returns `encode IN -o OUT [options]` or `pull [MODEL…] [options]`. */
function usage({ name, operand, options }: CommandSpec): string {
  const operands = operandWords(operand);
  const required = options.map((key): Option => OPTIONS[key]).find((option) => isRequired(option));
  const output = required === undefined ? undefined : `-${required.short} ${required.value}`;
  const others = options.length > 0 ? '[options]' : undefined;
  return [name, operands, output, others].filter((word) => word !== undefined).join(' ');
}

const isRequired = (option: Option): option is ValueOption =>
  'isRequired' in option && option.isRequired === true;

function operandWords(operand: Operand | undefined): string | undefined {
  if (operand?.many === undefined) return operand?.name;
  return operand.many === 'some' ? `${operand.name}…` : `[${operand.name}…]`;
}

function optionRow(key: OptionName): [string, string] {
  const option: { short?: string; value?: string; help: Text } = OPTIONS[key];
  const short = option.short === undefined ? '' : `-${option.short}, `;
  const value = option.value === undefined ? '' : ` ${option.value}`;
  return [`${short}--${nameOf(key)}${value}`, textOf(option.help)];
}

const LINE_LENGTH = 100;

/** Returns two columns; the second is wrapped. */
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

const paragraph = (text: string): string => wrap(text, LINE_LENGTH).join('\n');
