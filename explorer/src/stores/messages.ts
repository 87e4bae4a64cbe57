import { signal } from '@preact/signals';

/** Holds the page's messages: its work, for eyes and for screen readers, and its problems. */
export function createMessages() {
  const status = signal('');
  const problem = signal<string | undefined>(undefined);
  /** Sentences on a file that was opened: what it is, what was assumed. */
  const notes = signal<readonly string[]>([]);

  /** Calls that were ended on purpose are no news. */
  function report(error: unknown): void {
    const { code, message } = error as { code?: string; message?: string };
    if (code === 'ABORTED' || code === 'ENDED') return;
    problem.value = message ?? `${error}`;
  }

  return {
    status,
    problem,
    notes,
    report,
    say(text: string): void {
      status.value = text;
    },
    note(sentences: readonly string[]): void {
      notes.value = sentences;
    },
    /** Runs something that may fail, and says so where it does. */
    async attempt(work: () => Promise<void>): Promise<void> {
      problem.value = undefined;
      try {
        await work();
      } catch (error) {
        report(error);
      }
    },
  };
}

export type Messages = ReturnType<typeof createMessages>;
