import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, parse } from 'node:path';
import { orList } from '../../checks.ts';
import type { TaesdError } from '../../errors.ts';
import { expectedGot, fault, usageError } from '../terminal/faults.ts';
import type { FolderContents } from './folder-contents.ts';
import { type Format, formatOf } from './format.ts';
import { type FolderFiles, listFolder } from './list-folder.ts';
import { inputName, type Source, STREAM } from './read-input.ts';
import { checkFolderOf, checkName, checkOutput, isInput } from './write-output.ts';

/*
 * The files of a command that makes one file of each input: which are read, and the names of those
 * that are written.
 */

/** An input and its output: paths, or `-` for stdin and stdout. */
export interface Job extends Source {
  readonly output: string;
  /** The reason why this job cannot be done, if it is known before the work. */
  readonly fault?: unknown;
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
  /** The files that are taken of a folder. */
  readonly contents: FolderContents;
  /** True to take those of the folders inside too. */
  readonly isDeep: boolean;
}

/**
 * Makes the plan of a command line. If there are several inputs, those that cannot be done have a
 * fault.
 *
 * @throws UsageError (several inputs for one output, an ending of no format); TaesdError ARG (the
 *   only input is an empty or unreadable folder, a folder is both input and output)
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
  const named = () => (output === STREAM ? formats[0] : formatOf(output, formats, asked.command));
  const { format = named() } = asked;
  return { jobs: [{ input, output }], folder: undefined, format, notes: [] };
}

/** Checks before the work that the output can be written. @throws TaesdError ARG */
export async function checkJobs({ jobs, folder }: Plan<unknown>): Promise<void> {
  const [{ input, output }] = jobs;
  if (folder === undefined) await checkOutput(output, input);
  else await checkFolderOf(join(folder, basename(output)));
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

/** A file that is read, and the folder below that of the outputs which its own goes to. */
interface Input {
  readonly path: string;
  readonly below: string;
  readonly isListed: boolean;
}

async function planFolder<F extends Format>(asked: Asked<F>): Promise<Plan<F>> {
  const { operands, output: folder, formats, format = formats[0] } = asked;
  const inputs: Input[] = [];
  const faults: Job[] = [];
  const notes: string[] = [];
  for (const operand of operands) {
    if (!(await isExistingFolder(operand))) {
      inputs.push({ path: operand, below: '.', isListed: false });
      continue;
    }
    const fail = (fault: unknown) => faults.push({ input: operand, output: folder, fault });
    await checkOtherFolder(operand, folder);
    try {
      const found = await filesIn(operand, asked, { say: (note) => notes.push(note), fail });
      const { names } = found;
      for (const name of names) {
        inputs.push({ path: join(operand, name), below: dirname(name), isListed: true });
      }
      const left = leftOut(found, asked);
      if (left !== undefined) notes.push(`${operand}: ${left}`);
    } catch (error) {
      if (operands.length === 1) throw error;
      fail(error);
    }
  }
  const named = await withoutDoubles(inputs, notes);
  const jobs = named.map(({ path, below, isListed }) => ({
    input: path,
    isListed,
    output: outputOf(path, join(folder, below), format),
  }));
  return { jobs: [...(await withFaults(jobs)), ...faults], folder, format, notes };
}

/**
 * Checks that a folder is not read and written to: the next run would read the results of this one.
 *
 * @throws TaesdError ARG
 */
async function checkOtherFolder(input: string, output: string): Promise<void> {
  const real = await realPath(output);
  if (real === undefined || real !== (await realPath(input))) return;
  const hint = 'the next run would take its results for inputs';
  throw fault(output, expectedGot('another folder than IN', 'IN itself'), { hint });
}

/** Returns the files of a folder. @throws TaesdError ARG (none, or it cannot be read) */
async function filesIn(
  folder: string,
  { contents, isDeep, output }: Asked<Format>,
  { say, fail }: { say: (note: string) => void; fail: (error: unknown) => void },
): Promise<FolderFiles> {
  const found = await listFolder(folder, { isDeep, output, contents, say, onBroken: fail });
  if (found.names.length > 0) return found;
  const { what, endings } = contents;
  const hint = found.folders > 0 ? DEEPER : undefined;
  const rule = `a folder with ${what} (${orList(endings)})`;
  throw fault(folder, expectedGot(rule, 'none of them'), { hint });
}

const DEEPER = '--recursive reads the folders in it too';

/** Returns the sentence about what of a folder is left out; undefined for nothing. */
function leftOut({ others, folders }: FolderFiles, { contents }: Asked<Format>) {
  const counts = [
    ...(others === 0 ? [] : [`${counted(others, 'file')} without ${contents.what}`]),
    ...(folders === 0 ? [] : [counted(folders, 'folder')]),
  ];
  if (counts.length === 0) return undefined;
  const hint = folders === 0 ? '' : ' (--recursive reads folders too)';
  return `${counts.join(' and ')} left out${hint}`;
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;

/** Returns inputs of which each is another file. Notes name the others. */
async function withoutDoubles(inputs: readonly Input[], notes: string[]): Promise<Input[]> {
  const seen = new Set<string>();
  const all: Input[] = [];
  for (const input of inputs) {
    const { path } = input;
    const key = (path === STREAM ? undefined : await realPath(path)) ?? path;
    if (seen.has(key)) notes.push(`${inputName(path)}: named twice, done once`);
    else all.push(input);
    seen.add(key);
  }
  return all;
}

/** Returns the name without the ending of gzip. */
const plainName = (name: string): string => name.replace(/(?<=.)\.gz$/i, '');

/** Returns `latents/photo.png` for `photos/photo.jpg`. */
const outputOf = (input: string, folder: string, { endings: [ending] }: Format): string =>
  join(folder, `${parse(plainName(basename(inputName(input)))).name}${ending}`);

/** Names that differ only in capitals are one file on these systems. */
const keyOf = (path: string): string =>
  ['win32', 'darwin'].includes(process.platform) ? path.toLowerCase() : path;

/**
 * Adds its fault to each job that cannot be done: its output is that of another job, or one of the
 * inputs, a folder, or a name that is too long for the disk.
 */
async function withFaults(jobs: readonly Job[]): Promise<Job[]> {
  const inputsOf = new Map<string, string[]>();
  const inputs = new Set<string | undefined>();
  for (const { input, output } of jobs) {
    inputsOf.set(keyOf(output), [...(inputsOf.get(keyOf(output)) ?? []), input]);
    if (input !== STREAM) inputs.add(await realPath(input));
  }
  const all: Job[] = [];
  for (const job of jobs) {
    const others = inputsOf.get(keyOf(job.output))?.filter((input) => input !== job.input) ?? [];
    const fault = others.length > 0 ? shared(job, others) : await placeFault(job.output, inputs);
    all.push(fault === undefined ? job : { ...job, fault });
  }
  return all;
}

function shared({ input, output }: Job, others: readonly string[]): TaesdError {
  const got = `${output}, which is that of ${others.map(inputName).join(' and ')} too`;
  const hint = 'rename one, or write them to two folders';
  return fault(inputName(input), expectedGot('an output of its own', got), { hint });
}

async function placeFault(
  output: string,
  inputs: ReadonlySet<string | undefined>,
): Promise<TaesdError | undefined> {
  const real = await realPath(output);
  if (real === undefined) {
    return checkName(output).then(
      () => undefined,
      (error) => error,
    );
  }
  if (inputs.has(real)) return isInput(output);
  if (!(await isExistingFolder(real))) return undefined;
  return fault(output, expectedGot('a file to write', 'a folder'));
}

const realPath = (path: string): Promise<string | undefined> =>
  realpath(path).catch(() => undefined);
