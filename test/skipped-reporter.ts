import type { Reporter, TestModule, Vitest } from 'vitest/node';

/**
 * Prints, as the last lines of a run, which suites were left out, how many tests were skipped and
 * why, and which tests passed at their second try alone.
 */
export class SkippedReporter implements Reporter {
  #isQuickAlone = false;

  onInit({ projects }: Vitest): void {
    this.#isQuickAlone = projects.every(({ name }) => name.startsWith('quick'));
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const note = result.state === 'skipped' ? result.note : undefined;
        const reason = note ?? 'this machine lacks what they need';
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    if (this.#isQuickAlone) {
      console.log('Browsers, other runtimes and the slow tests are in npm run test:all.');
    }
    console.log(skippedSentence(counts));
    for (const module of modules) {
      for (const test of module.children.allTests('passed')) {
        if (test.diagnostic()?.flaky) {
          console.log(`passed at the second try: ${module.relativeModuleId} > ${test.fullName}`);
        }
      }
    }
  }
}

/** @param counts  the number of skipped tests for each reason */
export function skippedSentence(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count], n) => {
      const tests = n > 0 ? '' : count === 1 ? ' test' : ' tests';
      return `${count}${tests} ${count === 1 ? 'was' : 'were'} skipped, since ${reason}`;
    });
  return parts.length === 0 ? 'No test was skipped.' : `${parts.join('; ')}.`;
}
