/**
 * Returns a number of bytes in MiB if it is at least one.
 *
 * @param digits  the digits after the point, at the last of which it is rounded up
 */
export function inMiB(bytes: number, digits = 0): string {
  if (bytes < 2 ** 20) return `${bytes} bytes`;
  const scale = 10 ** digits;
  return `${Math.ceil((bytes / 2 ** 20) * scale) / scale} MiB`;
}

/** Returns a number of bytes in GiB with `digits` digits after the point. */
export const inGiB = (bytes: number, digits: number): string =>
  `${(bytes / 2 ** 30).toFixed(digits)} GiB`;
