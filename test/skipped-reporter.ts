import type { Reporter, TestModule } from 'vitest/node';

/** Prints, as the last line of a run, how many tests were skipped and why. */
export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const reason =
          (result.state === 'skipped' && result.note) || 'this machine cannot run them';
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    console.log(skippedSentence(counts));
  }
}

export function skippedSentence(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([reason, count]) => `${count} since ${reason}`);
  return parts.length === 0 ? 'No test was skipped.' : `Skipped tests: ${parts.join('; ')}.`;
}
