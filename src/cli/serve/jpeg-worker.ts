import { parentPort } from 'node:worker_threads';
import { messageOf, TaesdError } from '../../errors.ts';
import { type JpegInput, jpegOf } from './jpeg.ts';

/*
 * A thread that encodes one picture after the other.
 */

/** A picture encoded, or the reason why it is not. */
export type JpegAnswer =
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly code: TaesdError['code']; readonly sentence: string };

let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (input: JpegInput) => {
  last = last.then(async () => {
    const answer = await encoded(input);
    parentPort?.postMessage(answer, 'bytes' in answer ? [answer.bytes.buffer] : []);
  });
});

async function encoded(input: JpegInput): Promise<JpegAnswer> {
  try {
    // A copy, since the encoder's memory cannot be transferred.
    return { bytes: new Uint8Array(await jpegOf(input)) };
  } catch (error) {
    if (error instanceof TaesdError) return { code: error.code, sentence: error.message };
    return { code: 'OOM', sentence: `JPEG: ${messageOf(error)}` };
  }
}
