import type { LoadOptions, Taesd } from '../../index.ts';
import { type ProgressBar, progressBar, withProgress } from '../terminal/progress.ts';
import { noteSayer } from '../terminal/say.ts';
import { type ModelOrigin, ModelsInUse } from './models-in-use.ts';

/** The options of a command that decide about its model. */
interface ModelOptions
  extends Pick<LoadOptions, 'model' | 'only' | 'weights' | 'backend' | 'precision' | 'workers'> {
  /** The source of the model's name. A line names one that is assumed. */
  readonly origin?: ModelOrigin | undefined;
  /** True for no notes and no progress. */
  readonly quiet?: boolean | undefined;
}

/**
 * Loads a model, runs `work` with it under a progress bar, and disposes of it.
 *
 * @param output  the file or folder to write, for the line at the end
 * @param work    returns what it made in a few words: `512×512`
 */
export async function withModel(
  output: string,
  { model, origin, quiet = false, ...options }: ModelOptions,
  work: (taesd: Taesd, bar: ProgressBar) => Promise<string>,
): Promise<void> {
  const bar = progressBar(quiet);
  const say = noteSayer(quiet);
  const models = new ModelsInUse(options, (note) => {
    bar.clear();
    say(note);
  });
  try {
    await withProgress(
      output,
      async () => {
        const made = await work(await models.get(model, origin), bar);
        return `${made}${models.finish()}`;
      },
      bar,
    );
  } finally {
    models.dispose();
  }
}
