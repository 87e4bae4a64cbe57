/**
 * Returns true if bytes begin as a zip archive does: with its first entry, or with the end record
 * of an empty one.
 */
export const isZip = (bytes: Uint8Array): boolean => {
  const [p, k, kind, more] = bytes;
  const isRecord = (kind === 3 && more === 4) || (kind === 5 && more === 6);
  return p === 0x50 && k === 0x4b && isRecord;
};
