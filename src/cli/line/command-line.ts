import { parseArgs } from 'node:util';
import { expectedGot, usageError } from '../terminal/faults.ts';
import { nearest } from './nearest.ts';
import { nameOf, OPTIONS, type Option, type OptionName, type Text, textOf } from './options.ts';

/** The parts of a command line, for reading it and for its help. */
export interface CommandSpec {
  readonly name: string;
  /** One line beside the name in the general help. */
  readonly summary: string;
  /** A paragraph of the command's own help. */
  readonly detail: Text;
  /** Whole command lines. */
  readonly examples: readonly string[];
  readonly operand?: Operand;
  readonly options: readonly OptionName[];
}

/**
 * The argument that is not an option: `IN`. `many` allows several of them, and none if they are
 * `optional`.
 */
export interface Operand {
  readonly name: string;
  readonly help: Text;
  readonly many?: 'some' | 'optional';
}

/** The values of a command's options. An option that is not given is undefined, a flag false. */
type OptionValues<Name extends OptionName> = { readonly [Key in Name]: ValueOf<Key> };

type ValueOf<Name extends OptionName> = (typeof OPTIONS)[Name] extends {
  read: (text: string) => infer Value;
}
  ? (typeof OPTIONS)[Name] extends { isRequired: true }
    ? NonNullable<Value>
    : Value | undefined
  : boolean;

/** The operand of a command, or its operands, or nothing. */
type OperandOf<Spec extends CommandSpec> = Spec extends { operand: { many: string } }
  ? { readonly operands: readonly string[] }
  : Spec extends { operand: Operand }
    ? { readonly operand: string }
    : unknown;

/** A command line as its command gets it: the values of the options and operands in `Spec`. */
export type CommandLine<Spec extends CommandSpec> = OptionValues<Spec['options'][number]> &
  OperandOf<Spec>;

/**
 * Reads the words after the command's name, from left to right.
 *
 * @returns `'help'` if the line requests the command's help
 * @throws UsageError
 */
export function readCommandLine<Spec extends CommandSpec>(
  spec: Spec,
  args: readonly string[],
): CommandLine<Spec> | 'help' {
  if (args.length === 1 && args[0] === 'help') return 'help';
  // Not strict: parseArgs' own messages are several sentences and do not list the options.
  const { tokens } = parseArgs({
    args: [...args],
    options: parserOptions(spec),
    strict: false,
    tokens: true,
  });
  const operands: string[] = [];
  const texts = new Map<OptionName, string>();
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help') return 'help';
    const key = keyOf(spec, token);
    texts.set(key, checkedText(spec, key, token));
  }
  const rest = operandsOf(spec, operands);
  const values = spec.options.map((key) => [key, readValue(spec, key, texts.get(key))] as const);
  const line: unknown = { ...Object.fromEntries(values), ...rest };
  return line as CommandLine<Spec>;
}

/** An option as parseArgs returns it. */
interface OptionToken {
  readonly name: string;
  /** As it was written: `-o`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** True if the value was part of the same word: `--model=taesd`. */
  readonly inlineValue: boolean | undefined;
}

function keyOf({ name: command, options }: CommandSpec, { name, rawName }: OptionToken) {
  const key = options.find((candidate) => nameOf(candidate) === name);
  if (key !== undefined) return key;
  const names = [...options, 'help' as const].map(nameOf);
  const meant = nearest(name, names);
  const known = `known: ${names.map((option) => `--${option}`).join(', ')}`;
  const hint = meant === undefined ? known : `--${meant}?`;
  throw usageError(command, `unknown option ${JSON.stringify(rawName)}`, hint);
}

/** Returns the text of an option's value, or '' for a flag. */
function checkedText({ name: command }: CommandSpec, key: OptionName, token: OptionToken): string {
  const { rawName, value, inlineValue } = token;
  const wrong = (rule: string, got: string) =>
    usageError(command, `${rawName}: ${expectedGot(rule, got)}`);
  const option: Option = OPTIONS[key];
  if (!('read' in option)) {
    if (value === undefined) return '';
    throw wrong('no value', JSON.stringify(value));
  }
  const rule = `a value ${option.value}`;
  if (value === undefined) throw wrong(rule, 'nothing');
  // `-o --model x`: the value was forgotten.
  if (inlineValue !== true && value.startsWith('-') && value !== '-') {
    throw wrong(rule, `the option ${value}`);
  }
  return value;
}

/** Returns an option's value. `text` is undefined for an option that is not given. */
function readValue(spec: CommandSpec, key: OptionName, text: string | undefined) {
  const {
    name: command,
    examples: [example],
  } = spec;
  const option: Option = OPTIONS[key];
  if (!('read' in option)) return text !== undefined;
  if (text === undefined && option.isRequired !== true) return undefined;
  const name = option.isRequired ? `-${option.short}` : `--${nameOf(key)}`;
  if (text === undefined) {
    throw usageError(command, `${name} ${option.value} is missing`, `such as ${example}`);
  }
  const value = option.read(text);
  if (value !== undefined) return value;
  const sentence = expectedGot(textOf(option.rule), JSON.stringify(text));
  throw usageError(command, `${name}: ${sentence}`, option.hint?.(text));
}

function operandsOf(spec: CommandSpec, operands: readonly string[]) {
  const many = spec.operand?.many;
  if (many === undefined) return { operand: theOperand(spec, operands) };
  if (many === 'some' || operands.includes('')) {
    for (const operand of operands.length === 0 ? [''] : operands) theOperand(spec, [operand]);
  }
  return { operands };
}

function theOperand({ name: command, operand }: CommandSpec, operands: readonly string[]) {
  const [first, ...others] = operands;
  const more = operand === undefined ? operands : others;
  if (more.length > 0) {
    const texts = more.map((text) => JSON.stringify(text)).join(' and ');
    throw usageError(command, `unexpected argument ${texts}`);
  }
  // An empty operand often comes from a variable that is not set.
  if (operand === undefined || (first !== undefined && first !== '')) return first;
  throw usageError(command, `${operand.name} is missing: ${textOf(operand.help)}`);
}

function parserOptions(spec: CommandSpec) {
  const entries = [...spec.options, 'help' as const].map((key) => {
    const option: Option = OPTIONS[key];
    const type = 'read' in option ? ('string' as const) : ('boolean' as const);
    const { short } = option;
    return [nameOf(key), short === undefined ? { type } : { type, short }] as const;
  });
  return Object.fromEntries(entries);
}
