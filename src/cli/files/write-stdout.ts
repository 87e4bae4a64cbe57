import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { writing } from './not-writable.ts';
import { withTemporary } from './temporary.ts';

/** Outputs up to this size are kept in memory, so that they need no folder for temporary files. */
const MAX_KEPT_BYTES = 2 ** 20;

/** The size of the pieces that a temporary file is copied in. */
const COPY_BYTES = 2 ** 16;

/** The owner alone may read the temporary file: others use its folder too. */
const PRIVATE = 0o600;

/**
 * Writes bytes to stdout once all of them are there. Until then a temporary file holds what is
 * above 1 MiB.
 *
 * @throws TaesdError ARG (the temporary file cannot be written); the signal's reason; any error of
 *   `pieces`
 */
export async function writeStdout(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  await withTemporary(tmpdir(), async (temporary) => {
    const write = writing(tmpdir());
    let kept: Uint8Array[] = [];
    let length = 0;
    let file: FileHandle | undefined;
    try {
      for await (const piece of pieces) {
        signal?.throwIfAborted();
        kept.push(piece);
        length += piece.length;
        if (length <= MAX_KEPT_BYTES) continue;
        file ??= await write(open(temporary, 'wx+', PRIVATE));
        for (const bytes of kept) await write(file.appendFile(bytes));
        kept = [];
      }
      signal?.throwIfAborted();
      for await (const piece of file === undefined ? kept : copied(file)) {
        // The listener in main.ts has reported it.
        if (process.stdout.errored) return;
        await toStdout(piece);
      }
    } finally {
      await file?.close();
    }
  });
}

/** Yields a file's bytes from its beginning. A piece is valid until the next one is requested. */
async function* copied(file: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(COPY_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Waits until the bytes are taken. The listener in main.ts reports an error of the stream. */
const toStdout = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
