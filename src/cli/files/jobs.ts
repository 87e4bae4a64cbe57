import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join, parse } from 'node:path';
import { orList } from '../../checks.ts';
import { systemReason } from '../../platform/system-errors.ts';
import { expectedGot, fault, usageError } from '../terminal/faults.ts';
import { type Format, formatOf } from './format.ts';
import { inputName, STREAM } from './read-input.ts';
import { checkOutput, isInput } from './write-output.ts';

/*
 * The files of a command that makes one file of each input: which are read, and the names of those
 * that are written.
 */

/** An input and its output: paths, or `-` for stdin and stdout. */
export interface Job {
  readonly input: string;
  readonly output: string;
}

/** The work of one command line. */
export interface Plan<F> {
  readonly jobs: readonly Job[];
  /** The folder that all outputs go to; undefined for a single output that is named. */
  readonly folder: string | undefined;
  readonly format: F;
  /** Sentences about files that are left out. */
  readonly notes: readonly string[];
}

/** The words of a command line that a plan is made of. */
export interface Asked<F> {
  readonly command: string;
  readonly operands: readonly string[];
  readonly output: string;
  /** The formats of the output. The first one is for stdout and folders. */
  readonly formats: readonly F[];
  /** The format that `--format` names. */
  readonly format: F | undefined;
  /** The contents of a folder as input, for messages: `pictures`. */
  readonly what: string;
  /** The endings, in lower case, of the files that are taken of a folder. */
  readonly endings: readonly string[];
}

/**
 * Makes the plan of a command line.
 *
 * @throws UsageError (several inputs for one output); TaesdError ARG (an ending of no format, an
 *   empty or unreadable folder, an output that is an input or that two inputs have)
 */
export async function planJobs<F extends Format>(asked: Asked<F>): Promise<Plan<F>> {
  const { operands, output, formats } = asked;
  if (await isOutputFolder(output)) return planFolder(asked);
  const [input] = operands;
  if (operands.length > 1) {
    const sentence = expectedGot(`a folder for ${operands.length} files, such as DIR/`, output);
    throw usageError(asked.command, `-o: ${sentence}`);
  }
  if (await isExistingFolder(input)) {
    throw fault(input, expectedGot('a file', 'a folder'), {
      hint: 'for the files of a folder, -o DIR/',
    });
  }
  const { format = output === STREAM ? formats[0] : formatOf(output, formats) } = asked;
  return { jobs: [{ input, output }], folder: undefined, format, notes: [] };
}

/** Checks before the work that the output can be written. @throws TaesdError ARG */
export async function checkJobs({ jobs, folder }: Plan<unknown>): Promise<void> {
  const [first] = jobs;
  // In a folder the other outputs are as writable as the first.
  await checkOutput(first.output, folder === undefined ? first.input : STREAM);
}

/** True for a name with a slash at its end, and for a folder that is there. */
const isOutputFolder = async (output: string): Promise<boolean> =>
  output !== STREAM && (/[/\\]$/.test(output) || (await isExistingFolder(output)));

const isExistingFolder = async (path: string): Promise<boolean> =>
  path !== STREAM &&
  (await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  ));

async function planFolder<F extends Format>(asked: Asked<F>): Promise<Plan<F>> {
  const { output: folder, formats, format = formats[0] } = asked;
  const inputs: string[] = [];
  const notes: string[] = [];
  for (const operand of asked.operands) {
    if (!(await isExistingFolder(operand))) {
      inputs.push(operand);
      continue;
    }
    const { files, others } = await filesIn(operand, asked);
    inputs.push(...files);
    if (others === 0) continue;
    const count = others === 1 ? '1 file is' : `${others} files are`;
    notes.push(`note: ${operand}: ${count} left out, without the ending ${orList(asked.endings)}`);
  }
  const jobs = inputs.map((input) => ({ input, output: outputOf(input, folder, format) }));
  checkNames(jobs);
  await checkPlaces(jobs);
  return { jobs, folder, format, notes };
}

/** Returns the files of a folder, by name, and the number of those with another ending. */
async function filesIn(folder: string, { what, endings }: Asked<Format>) {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw fault(folder, 'cannot be read', { hint: systemReason(cause), cause });
  });
  const names = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('.'));
  const files = names.filter((name) => endings.includes(extname(plainName(name)).toLowerCase()));
  if (files.length === 0) {
    throw fault(folder, expectedGot(`a folder with ${what} (${orList(endings)})`, 'none of them'));
  }
  return {
    files: files.sort().map((name) => join(folder, name)),
    others: names.length - files.length,
  };
}

/** Returns the name without the ending of gzip. */
const plainName = (name: string): string => name.replace(/(?<=.)\.gz$/i, '');

/** Returns `latents/photo.png` for `photos/photo.jpg`. */
const outputOf = (input: string, folder: string, { endings: [ending] }: Format): string =>
  join(folder, `${parse(plainName(basename(inputName(input)))).name}${ending}`);

/** Names that differ only in capitals are one file on these systems. */
const keyOf = (path: string): string =>
  ['win32', 'darwin'].includes(process.platform) ? path.toLowerCase() : path;

/** @throws TaesdError ARG (two inputs have one output) */
function checkNames(jobs: readonly Job[]): void {
  const inputs = new Map<string, string>();
  for (const { input, output } of jobs) {
    const other = inputs.get(keyOf(output));
    if (other !== undefined) {
      const got = `${inputName(other)} and ${inputName(input)}`;
      const hint = 'rename one, or write them to two folders';
      throw fault(output, expectedGot('one IN for each file', got), { hint });
    }
    inputs.set(keyOf(output), input);
  }
}

/** @throws TaesdError ARG (an output is one of the inputs, or a folder) */
async function checkPlaces(jobs: readonly Job[]): Promise<void> {
  const inputs = new Set<string | undefined>();
  for (const { input } of jobs) if (input !== STREAM) inputs.add(await realPath(input));
  for (const { output } of jobs) {
    const real = await realPath(output);
    if (real === undefined) continue;
    if (inputs.has(real)) throw isInput(output);
    if (await isExistingFolder(real)) {
      throw fault(output, expectedGot('a file to write', 'a folder'));
    }
  }
}

const realPath = (path: string): Promise<string | undefined> =>
  realpath(path).catch(() => undefined);
