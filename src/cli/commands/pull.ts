import { withHint } from '../../errors.ts';
import { type ModelName, TaesdError, VARIANTS } from '../../index.ts';
import type { Half } from '../../model/layers.ts';
import { isModelName } from '../../model/variants.ts';
import { urlOf } from '../../platform/locations.ts';
import {
  type FetchedModel,
  fetchedModels,
  isFetched,
  unknownFiles,
} from '../../weights/manifest.ts';
import { MANIFEST } from '../../weights/manifest-data.ts';
import { eachFault, isFaultOfMirror } from '../../weights/mirrors.ts';
import { NotAFile } from '../../weights/not-a-file.ts';
import { openStore } from '../../weights/open-store.ts';
import { type PulledFile, pullModel } from '../../weights/pull.ts';
import { unknownRemedy } from '../../weights/read-cached.ts';
import { isRefusal, type StoreRefusal } from '../../weights/store.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { modelHint } from '../line/option-values.ts';
import { isUnreached, proxyAdvice } from '../network/proxy.ts';
import { expectedGot, Failures, fault, usageError } from '../terminal/faults.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { progressBar } from '../terminal/progress.ts';
import { noteSayer, sayFailure } from '../terminal/say.ts';
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
    help: () => `any of ${fetchedModels().join(', ')} (default: taesd)`,
    many: 'optional',
  },
  options: ['all', 'from', 'quiet'],
} as const satisfies CommandSpec;

type Line = CommandLine<typeof SPEC>;

const HALVES: readonly Half[] = ['encoder', 'decoder'];

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
function chooseModels({ operands, all }: Line): readonly FetchedModel[] {
  if (all && operands.length > 0) {
    const got = operands.map((operand) => JSON.stringify(operand)).join(' and ');
    throw usageError(SPEC.name, `--all: ${expectedGot('no MODEL beside it', got)}`);
  }
  if (all) return fetchedModels();
  const models = operands.map((operand) => {
    if (isModelName(operand) && isFetched(operand)) return operand;
    const rule = `one of ${fetchedModels().join(', ')}`;
    const got = isModelName(operand)
      ? `${operand}, which is in the package`
      : JSON.stringify(operand);
    throw usageError(SPEC.name, `MODEL: ${expectedGot(rule, got)}`, modelHint(operand));
  });
  return models.length === 0 ? ['taesd'] : [...new Set(models)];
}

async function pull(
  models: readonly FetchedModel[],
  { from, quiet }: Line,
  signal: AbortSignal,
): Promise<void> {
  const store = await openStore();
  const source = from === undefined ? {} : { from: sourceOf(from) };
  let failed = 0;
  for (const model of models) {
    const bar = progressBar(quiet);
    try {
      const pulled = await pullModel(VARIANTS[model], HALVES, {
        ...source,
        store,
        signal,
        onDownload: ({ file, done, total }) =>
          total === undefined ? bar.count(file, done) : bar.stage(file)({ done, total }),
      });
      bar.clear();
      for (const file of quiet ? [] : pulled) {
        process.stdout.write(`${store.pathOf(file.name)}: ${fileWords(file)}\n`);
      }
      const unknown = unknownFiles(MANIFEST, VARIANTS[model], HALVES);
      if (unknown.length > 0) noteSayer(quiet)(`note: ${model}: ${unknownRemedy(unknown).command}`);
    } catch (error) {
      bar.clear();
      const failure = addressByAddress(model, error, from);
      if (models.length === 1 || !isOfFiles(error)) throw failure;
      sayFailure(failure);
      failed++;
    } finally {
      bar.clear();
    }
  }
  if (failed > 0) throw new Failures(failed, models.length, 'models');
}

/** True for faults of a model's files. Other models may have none of them. */
const isOfFiles = (error: unknown): boolean =>
  error instanceof NotAFile ||
  (eachFault(error).some(isFaultOfMirror) &&
    eachFault(error).every(({ code }) => code !== 'NETWORK'));

/**
 * Writes a line for each address that failed, and returns the error that ends the command. The
 * error of a single address that answered, of a folder or of a file is returned as it is.
 */
function addressByAddress(model: ModelName, error: unknown, from: string | undefined): unknown {
  if (isRefusal(error)) return unwritable(error);
  const failures = eachFault(error);
  const isOfNetwork = failures.some(({ code }) => code === 'NETWORK');
  if (!(error instanceof TaesdError) || (failures.length === 1 && !isOfNetwork)) return error;
  for (const failure of failures) sayFailure(failure);
  const hints = [
    ...(from === undefined ? ['--from DIR|URL fetches them from another place'] : []),
    ...(failures.some(isUnreached) ? [proxyAdvice()] : []),
  ];
  const hint = hints.length > 0 ? hints.join('; ') : undefined;
  const { code, cause } = error;
  return fault(`weights of ${model}`, 'cannot be fetched', { code, hint, cause });
}

/** Adds the remedy for a cache that cannot be written. */
function unwritable({ code, sentence, cause, remedy }: StoreRefusal): TaesdError {
  if (remedy !== undefined) return new TaesdError(code, sentence, { cause, remedy });
  const variable = { win32: 'LOCALAPPDATA', darwin: 'HOME' }[process.platform as string];
  const hint = `${variable ?? 'XDG_CACHE_HOME'}=DIR puts the cache into another folder`;
  return new TaesdError(code, withHint(sentence, hint), { cause });
}

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
