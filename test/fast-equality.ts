import { expect } from 'vitest';

/*
 * Compares typed arrays of equal type by their bytes. Without it `toEqual` walks them number by
 * number and takes seconds for a picture. Arrays whose bytes differ are left to vitest, which says
 * where.
 */
function equalBytes(a: unknown, b: unknown): boolean | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return undefined;
  if (a.constructor !== b.constructor || a.byteLength !== b.byteLength) return undefined;
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0 ? true : undefined;
}

// Files that share a process run this file each.
const added = Symbol.for('taesd-wasm: fast equality');
if (!Reflect.has(globalThis, added)) {
  Reflect.set(globalThis, added, true);
  expect.addEqualityTesters([equalBytes]);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer, byteOffset, byteLength);
