import { signal } from '@preact/signals';

/*
 * What the page says: what it is doing, for eyes and for screen readers, and what went wrong.
 */

export const status = signal('');
export const problem = signal<string | undefined>(undefined);

export function say(text: string): void {
  status.value = text;
}

/** Calls that were ended on purpose are no news. */
export function report(error: unknown): void {
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'ABORTED' || code === 'ENDED') return;
  problem.value = message ?? `${error}`;
}

/** Runs something that may fail, and says so where it does. */
export async function attempt(work: () => Promise<void>): Promise<void> {
  problem.value = undefined;
  try {
    await work();
  } catch (error) {
    report(error);
  }
}
