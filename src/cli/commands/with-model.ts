import { type LoadOptions, Taesd } from '../../index.ts';
import { type ProgressBar, withProgress } from '../terminal/progress.ts';
import { sayLine } from '../terminal/say.ts';
import { doneBy, loadedNote, takenOverNote } from '../terminal/webgpu-notes.ts';

/** The options of a command that decide about its model. */
interface ModelOptions
  extends Pick<LoadOptions, 'model' | 'only' | 'weights' | 'backend' | 'precision' | 'workers'> {
  /** True if neither the file nor the command line names the model. A line then names it. */
  readonly isAssumed?: boolean | undefined;
}

const NANO_NOTE =
  'note: using nano, the small model in the package; ' +
  '"npx taesd pull" fetches taesd, which is sharper';

/**
 * Loads a model, runs `work` with it under a progress bar, and disposes of it. If workers cannot
 * start or WebGPU does not do what was requested, a line says why, even without a terminal: the
 * work then takes longer.
 *
 * @param output  the file or folder to write, for the line at the end
 * @param work    returns what it made in a few words: `512×512`
 */
export async function withModel(
  output: string,
  { model, isAssumed = false, only, weights, backend, precision, workers }: ModelOptions,
  work: (taesd: Taesd, bar: ProgressBar) => Promise<string>,
): Promise<void> {
  await withProgress(output, async (bar) => {
    const taesd = await Taesd.load({ model, only, weights, backend, precision, workers });
    const say = (note: string | undefined) => {
      if (note === undefined) return;
      bar.clear();
      sayLine(note);
    };
    try {
      const loaded = taesd.info;
      if (model === undefined && loaded.model === 'nano') say(NANO_NOTE);
      else if (isAssumed) say(`note: decoding with ${loaded.model}; --model chooses another`);
      say(loadedNote(loaded, precision));
      const made = await work(taesd, bar);
      const done = taesd.info;
      const takenOver = takenOverNote(loaded, done);
      say(takenOver);
      if (done.workersReason !== undefined) {
        say(`note: no workers, one thread did the work: ${done.workersReason}`);
      }
      return takenOver === undefined ? `${made}${doneBy(done)}` : made;
    } finally {
      taesd.dispose();
    }
  });
}
