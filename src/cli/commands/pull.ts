import { type ModelName, TaesdError, VARIANTS } from '../../index.ts';
import { isModelName, type LatentSpace, latentSpaces } from '../../model/variants.ts';
import { urlOf } from '../../platform/locations.ts';
import { openStore } from '../../weights/open-store.ts';
import { type PulledFile, pullModel } from '../../weights/pull.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { proxyAdvice } from '../network/proxy.ts';
import { expectedGot, fault, usageError } from '../terminal/faults.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { progressBar } from '../terminal/progress.ts';
import { sayFailure } from '../terminal/say.ts';
import { countText } from '../terminal/table.ts';
import { type Command, runLine } from './command.ts';

const SPEC = {
  name: 'pull',
  summary: 'Fetches the weights of models into the cache.',
  detail: `
The cache is the folder taesd-wasm in the user's cache folder: $XDG_CACHE_HOME or ~/.cache,
~/Library/Caches on macOS, %LOCALAPPDATA% on Windows. Files already there are checked and not
fetched again. An interrupted download resumes. The SHA-256 of every file is checked before the
file gets its name.`,
  examples: ['taesd pull', 'taesd pull taesdxl taef1', 'taesd pull --all --from /mnt/weights'],
  operand: {
    name: 'MODEL',
    help: () => `any of ${latentSpaces().join(', ')} (default: taesd)`,
    many: 'optional',
  },
  options: ['all', 'from', 'quiet'],
} as const satisfies CommandSpec;

type Line = CommandLine<typeof SPEC>;

/** The state of the cache after an interruption. */
const LEFT = 'the next pull resumes the download';

export const pullCommand: Command = {
  spec: SPEC,
  run: (args) =>
    runLine(SPEC, args, (line) => {
      const models = chooseModels(line);
      return interruptible((signal) => pull(models, line, signal), LEFT);
    }),
};

/** @throws UsageError */
function chooseModels({ operands, all }: Line): readonly LatentSpace[] {
  if (all && operands.length > 0) {
    const got = operands.map((operand) => JSON.stringify(operand)).join(' and ');
    throw usageError(SPEC.name, `--all: ${expectedGot('no MODEL beside it', got)}`);
  }
  if (all) return latentSpaces();
  const models = operands.map((operand) => {
    if (isModelName(operand) && operand !== 'nano') return operand;
    const rule = `one of ${latentSpaces().join(', ')}`;
    const got = operand === 'nano' ? 'nano, which is in the package' : JSON.stringify(operand);
    throw usageError(SPEC.name, `MODEL: ${expectedGot(rule, got)}`);
  });
  return models.length === 0 ? ['taesd'] : [...new Set(models)];
}

async function pull(
  models: readonly LatentSpace[],
  { from, quiet }: Line,
  signal: AbortSignal,
): Promise<void> {
  const store = await openStore();
  const source = from === undefined ? {} : { from: sourceOf(from) };
  for (const model of models) {
    const bar = progressBar(quiet);
    try {
      const pulled = await pullModel(VARIANTS[model], ['encoder', 'decoder'], {
        ...source,
        store,
        signal,
        onDownload: ({ file, ...progress }) => bar.stage(file)(progress),
      });
      bar.clear();
      for (const file of quiet ? [] : pulled) {
        process.stdout.write(`${store.pathOf(file.name)}: ${fileWords(file)}\n`);
      }
    } catch (error) {
      bar.clear();
      throw addressByAddress(model, error, from);
    } finally {
      bar.clear();
    }
  }
}

/**
 * Writes a line for each address that failed, and returns the error that ends the command. An error
 * about a folder or a file is returned as it is.
 */
function addressByAddress(model: ModelName, error: unknown, from: string | undefined): unknown {
  if (!(error instanceof TaesdError) || !OF_ADDRESSES.includes(error.code)) return error;
  const { code, cause } = error;
  const failures = cause instanceof AggregateError ? cause.errors : [error];
  if (code !== 'NETWORK' && failures.length === 1) return error;
  for (const failure of failures) sayFailure(failure);
  const others = from === undefined ? '--from DIR|URL fetches them from another place; ' : '';
  const hint = `${others}${proxyAdvice()}`;
  return fault(`weights of ${model}`, 'cannot be fetched', { code, hint, cause });
}

/** The codes of errors that another address may not have. */
const OF_ADDRESSES: readonly string[] = ['NETWORK', 'INTEGRITY', 'TRUNCATED'];

/** @throws TaesdError ARG (a URL without folders, such as `data:`) */
function sourceOf(from: string): URL {
  try {
    return urlOf('--from', from);
  } catch (cause) {
    const rule = 'a folder or a web address';
    throw fault('--from', expectedGot(rule, JSON.stringify(from)), { cause });
  }
}

function fileWords({ before, url, bytes }: PulledFile): string {
  const size = `${countText(bytes.length)} bytes`;
  if (before === 'whole') return `already there, ${size}, SHA-256 checked`;
  const source = url === undefined ? 'fetched before' : `fetched from ${url}`;
  const broken = before === 'broken' ? ' in place of a damaged file' : '';
  return `${source}${broken}, ${size}, SHA-256 checked`;
}
