import { describe } from '../../checks.ts';
import { VARIANTS } from '../../index.ts';
import { isModelName, type LatentSpace, latentSpaces } from '../../model/variants.ts';
import { urlOf } from '../../platform/locations.ts';
import { openStore } from '../../weights/open-store.ts';
import { type PulledFile, pullModel } from '../../weights/pull.ts';
import type { CommandLine } from '../line/command-line.ts';
import { usageError } from '../line/usage-error.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { ProgressBar } from '../terminal/progress.ts';
import { countText } from '../terminal/table.ts';
import type { Command } from './command.ts';

export const pullCommand: Command = {
  name: 'pull',
  operand: {
    name: 'MODEL',
    many: true,
    help: `any of ${latentSpaces().join(', ')}; taesd unless said`,
  },
  options: ['all', 'from'],
  summary: 'Fetches the weights of models into the cache folder.',
  detail: `
The cache is taesd-wasm in the user's cache folder: $XDG_CACHE_HOME or ~/.cache, ~/Library/Caches on
macOS, %LOCALAPPDATA% on Windows. A file gets its name once its SHA-256 is right. What is there
is not fetched again; what was interrupted goes on. The places are in weights/manifest.json.`,
  run: (line) => {
    const models = chooseModels(line);
    const left = 'the next pull goes on with what has come';
    return interruptible('pull', (signal) => pull(models, line.from, signal), left);
  },
};

/** @throws UsageError */
function chooseModels({ operands, all }: CommandLine): readonly LatentSpace[] {
  if (all && operands.length > 0) {
    const got = operands.map(describe).join(' and ');
    throw usageError('pull', '--all', 'no MODEL beside it', got);
  }
  if (all) return latentSpaces();
  const models = operands.map((operand) => {
    if (isModelName(operand) && operand !== 'nano') return operand;
    const rule = `one of ${latentSpaces().join(', ')}`;
    const got = operand === 'nano' ? 'nano, which is in the package' : describe(operand);
    throw usageError('pull', 'MODEL', rule, got);
  });
  return models.length === 0 ? ['taesd'] : [...new Set(models)];
}

async function pull(
  models: readonly LatentSpace[],
  from: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const store = await openStore();
  const place = from === undefined ? {} : { from: urlOf('--from', from) };
  for (const model of models) {
    const bar = new ProgressBar(process.stderr);
    try {
      const pulled = await pullModel(VARIANTS[model], ['encoder', 'decoder'], {
        ...place,
        store,
        signal,
        onDownload: ({ file, ...progress }) => bar.stage(file)(progress),
      });
      bar.clear();
      for (const file of pulled) {
        process.stdout.write(`${store.pathOf(file.name)}: ${fileWords(file)}\n`);
      }
    } finally {
      bar.clear();
    }
  }
}

function fileWords({ before, url, bytes }: PulledFile): string {
  const size = `${countText(bytes.length)} bytes`;
  if (before === 'whole') return `there already, ${size}, SHA-256 checked`;
  const source = url === undefined ? 'fetched before' : `fetched from ${url}`;
  const broken = before === 'broken' ? ' in place of a damaged file' : '';
  return `${source}${broken}, ${size}, SHA-256 checked`;
}
