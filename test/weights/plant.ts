import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, symlinkSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';

/*
 * Things that others may put in the place of a file.
 */

/** Makes a pipe. Opening it without a flag waits for a writer, for ever. */
export const plantPipe = (path: string) => void execFileSync('mkfifo', [path]);

/** Makes a file that has a size and no bytes on the disk. */
export function plantHuge(path: string, bytes: number): void {
  closeSync(openSync(path, 'w'));
  truncateSync(path, bytes);
}

/** Makes a socket. Its name stays when the process ends. */
const plantSocket = (path: string) =>
  new Promise<void>((resolve) => {
    const server = createServer().listen(path, () => {
      server.unref();
      resolve();
    });
  });

interface OddThing {
  /** Its kind in messages. */
  readonly kind: string;
  /** The words for it, if the kind does not say it. */
  readonly what: string;
  plant(path: string): unknown;
}

/** All things that have a name in a folder and are not files, and links to them. */
export const ODD_THINGS: readonly OddThing[] = [
  { kind: 'a folder', what: 'a folder', plant: (path) => mkdirSync(path) },
  { kind: 'a pipe', what: 'a pipe without a writer', plant: plantPipe },
  { kind: 'a socket', what: 'a socket', plant: plantSocket },
  {
    kind: 'a device',
    what: 'a link to a device without an end',
    plant: (path) => symlinkSync('/dev/zero', path),
  },
  {
    kind: 'a pipe',
    what: 'a link to a pipe',
    plant: (path) => {
      plantPipe(`${path}.pipe`);
      symlinkSync(`${path}.pipe`, path);
    },
  },
];
