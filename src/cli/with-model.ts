import { type LoadOptions, Taesd } from '../index.ts';
import type { CommandLine } from './options.ts';
import { type ProgressBar, withProgress } from './progress.ts';
import { sayLine } from './say.ts';

/**
 * Loads a model, works with it while a bar shows how far it has come, and lets go of it. Where workers could not
 * start, a line says why, on a terminal or not: the work takes longer.
 *
 * @param work  gives what it made in a word or two: `512×512`
 */
export async function withModel(
  { output, weights, backend, precision, workers }: CommandLine,
  model: Pick<LoadOptions, 'model' | 'only'>,
  work: (taesd: Taesd, bar: ProgressBar) => Promise<string>,
): Promise<void> {
  await withProgress(output, async (bar) => {
    const taesd = await Taesd.load({ ...model, weights, backend, precision, workers });
    if (model.model === undefined && taesd.info.model === 'nano') {
      bar.clear();
      sayLine(
        'note: nano, the small model of the package: "taesd pull" fetches taesd, which is sharper',
      );
    }
    try {
      const made = await work(taesd, bar);
      bar.clear();
      const { workersReason } = taesd.info;
      if (workersReason !== undefined) {
        sayLine(`note: no workers, one thread did the work: ${workersReason}`);
      }
      return made;
    } finally {
      taesd.dispose();
    }
  });
}
