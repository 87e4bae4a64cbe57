import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

/**
 * The folder beside the repository with other people's data: real weights, golden tensors, pictures
 * and the operator cases of ONNX. It is not committed, so a checkout may lack it.
 */
const SHARED = fileURLToPath(new URL('../../shared/', import.meta.url));
/** Whether it is there. If `CI` is set, all tests that need it run, and fail without it. */
export const sharedIsThere = existsSync(SHARED) || Boolean(process.env.CI);
const present = existsSync(SHARED);
/** Why tests are skipped without it, as the last line of a run says it. */
export const SHARED_ABSENT = '../shared (real weights, golden tensors, pictures) is absent';

/** Returns the path of a file or folder there: `sharedPath('weights')`. */
export const sharedPath = (path: string): string => SHARED + path;

/** Reads a file there: `sharedFile('weights/taesd_encoder.safetensors')`. */
export const sharedFile = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(sharedPath(path)));

/**
 * Adds a test that reads shared files. Without the folder it is skipped, and the last line of the
 * run says why. If `CI` is set it fails instead, so that a broken setup cannot pass for a green
 * run.
 */
export function testShared(name: string, body: () => void | Promise<void>): void {
  if (present) {
    test(name, body);
  } else if (process.env.CI) {
    test(name, () => {
      throw new Error(`${SHARED} is absent, and CI must not skip this test`);
    });
  } else {
    test(name, ({ skip }) => skip(SHARED_ABSENT));
  }
}
