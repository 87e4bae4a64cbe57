import { setTimeout as sleep } from 'node:timers/promises';
import { openWithoutWaiting } from '../../platform/regular-file.ts';
import { systemCode } from '../../platform/system-errors.ts';

/** The largest size of a piece. */
const PIECE_BYTES = 2 ** 20;
/** The time until a pipe without bytes is looked at again. */
const WAIT_MS = 20;

/**
 * Yields the bytes of a pipe or a device. It never blocks in the system: Node would wait for that
 * at its end, even after an interruption.
 *
 * @param isNamedPipe  true for a pipe that may not have a writer yet. It is waited for
 */
export async function* piecesOf(path: string, isNamedPipe: boolean): AsyncGenerator<Uint8Array> {
  const file = await openWithoutWaiting(path);
  const buffer = new Uint8Array(PIECE_BYTES);
  try {
    for (let hasWriter = !isNamedPipe; ; ) {
      const length = await file.read(buffer).then(({ bytesRead }) => bytesRead, emptyPipe);
      if (length === 0 && hasWriter) return;
      hasWriter ||= length !== 0;
      if (length === undefined || length === 0) await sleep(WAIT_MS);
      // A copy: readers keep pieces, and a part of the buffer would keep all of it.
      else yield buffer.slice(0, length);
    }
  } finally {
    await file.close();
  }
}

/** Returns undefined for the error of a pipe whose writer has not written yet. */
function emptyPipe(error: unknown): undefined {
  if (systemCode(error) !== 'EAGAIN') throw error;
}
