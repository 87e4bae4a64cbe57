/*
 * Long work in pieces: between two of them the browser draws, and takes what its user does.
 */

let last: Promise<void> = Promise.resolve();

/** A turn of its own: those that wait for one get it one after another, each in a task after the next frame. */
export function nextTask(): Promise<void> {
  last = last.then(
    () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))),
  );
  return last;
}
