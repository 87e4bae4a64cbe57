/** A history that can be undone and redone, as a value that never changes. */
export interface History<T> {
  /** The oldest first. */
  readonly past: readonly T[];
  readonly present: T;
  /** The next one to be redone first. */
  readonly future: readonly T[];
}

/** A stroke of the brush is one step: so many can be undone. */
const MAX_STEPS = 50;

/** Begins a history without a past. */
export const begun = <T>(present: T): History<T> => ({ past: [], present, future: [] });

/** Adds a step that can be undone. A step that was undone before it can no longer be redone. */
export function changed<T>({ past, present }: History<T>, next: T): History<T> {
  return { past: [...past, present].slice(-MAX_STEPS), present: next, future: [] };
}

/** Goes on with the present step, such as a stroke of the brush, without a new one. */
export const replaced = <T>(history: History<T>, next: T): History<T> => ({
  ...history,
  present: next,
});

/** Takes back the last step; without one, returns the history as it is. */
export function undone<T>(history: History<T>): History<T> {
  const { past, present, future } = history;
  if (past.length === 0) return history;
  return { past: past.slice(0, -1), present: past[past.length - 1], future: [present, ...future] };
}

/** Makes the last undone step again; without one, returns the history as it is. */
export function redone<T>(history: History<T>): History<T> {
  const { past, present, future } = history;
  if (future.length === 0) return history;
  return { past: [...past, present], present: future[0], future: future.slice(1) };
}

export const canUndo = ({ past }: History<unknown>): boolean => past.length > 0;
export const canRedo = ({ future }: History<unknown>): boolean => future.length > 0;
