import { type LoadOptions, Taesd } from '../../index.ts';
import type { CommandLine } from '../line/command-line.ts';
import { type ProgressBar, withProgress } from '../terminal/progress.ts';
import { sayLine } from '../terminal/say.ts';
import { doneBy, loadedNote, takenOverNote } from '../terminal/webgpu-notes.ts';

/**
 * Loads a model, works with it while a bar shows how far it has come, and lets go of it. Where workers could not
 * start, or WebGPU does not do what was asked of it, a line says why, on a terminal or not: the work takes longer.
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
    const say = (note: string | undefined) => {
      if (note === undefined) return;
      bar.clear();
      sayLine(note);
    };
    try {
      const loaded = taesd.info;
      if (model.model === undefined && loaded.model === 'nano') {
        say(
          'note: nano, the small model of the package: "npx taesd pull" fetches taesd, which is sharper',
        );
      }
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
