import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

/**
 * The folder beside the repository with other people's data: real weights, golden tensors, pictures,
 * ONNX's operator cases. It is not committed, so a checkout may lack it.
 */
const SHARED = fileURLToPath(new URL('../../shared/', import.meta.url));
/** Whether it is there; where `CI` is set, all that needs it runs and fails. */
export const sharedIsThere = existsSync(SHARED) || Boolean(process.env.CI);
const present = existsSync(SHARED);
let told = false;

/** The path of a file or folder there: `sharedPath('weights')`. */
export const sharedPath = (path: string): string => SHARED + path;

/** The bytes of a file there: `sharedFile('weights/taesd_encoder.safetensors')`. */
export const sharedFile = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(sharedPath(path)));

/**
 * A test that reads shared files. Without the folder it is skipped and says why; where `CI` is set it
 * fails instead, so that a broken setup cannot pass for a green run.
 */
export function testShared(name: string, body: () => void | Promise<void>): void {
  if (present) {
    test(name, body);
  } else if (process.env.CI) {
    test(name, () => {
      throw new Error(`${SHARED} is absent, and CI must not skip this test`);
    });
  } else {
    if (!told) console.warn(`skipping tests of real files: ${SHARED} is absent`);
    told = true;
    test.skip(`${name} [skipped: ${SHARED} is absent]`, body);
  }
}
