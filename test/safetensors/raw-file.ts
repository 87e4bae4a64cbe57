import { expect } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { readSafetensors } from '../../src/safetensors/read.ts';
import { utf8 } from '../bytes.ts';
import { expectError } from '../thrown-by.ts';

/** Data for tensors whose numbers do not matter. */
export const ones = (length: number): Uint8Array => new Uint8Array(length).fill(1);

/** A safetensors file made by hand, so that it may be wrong: any header text, any data. */
export function rawFile(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const text = typeof header === 'string' ? utf8(header) : header;
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

/** One tensor's entry as JSON: `entry('a', 'F32', [2], [0, 8])`. */
export const entry = (
  name: string,
  dtype: string,
  shape: readonly number[],
  offsets: readonly number[],
): string => `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: offsets })}`;

/** A sound file of one tensor, `a`. */
export const GOOD = rawFile(`{${entry('a', 'F32', [2], [0, 8])}}`, ones(8));

/** A file of one tensor, `a`, whose entry is this text. */
export const withEntry = (text: string): Uint8Array => rawFile(`{"a":${text}}`, ones(8));

/**
 * Checks that bytes are refused with this code and message, and that a sound file is read after it.
 */
export function refused(bytes: Uint8Array, code: ErrorCode, message: string): void {
  expectError(() => readSafetensors(bytes), code, `readSafetensors: ${message}`);
  expect([...readSafetensors(GOOD).tensors.keys()]).toEqual(['a']);
}
