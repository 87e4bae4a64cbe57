/** The digits after which two different numbers of bytes, in GiB, are told apart. */
const MAX_DIGITS = 12;

/**
 * Returns the texts of two numbers that a message compares, with as many digits as tell them apart:
 * "at most 13 MiB, got 13 MiB" would explain nothing.
 *
 * @param text  returns a number's text with so many digits more than the usual ones
 */
export function textsApart(
  [a, b]: readonly [number, number],
  text: (value: number, moreDigits: number) => string,
): readonly [string, string] {
  let texts: readonly [string, string];
  let digits = 0;
  do texts = [text(a, digits), text(b, digits)];
  while (texts[0] === texts[1] && a !== b && ++digits <= MAX_DIGITS);
  return texts;
}

/** Returns bytes in a unit of at least 1 MiB, rounded up to so many digits after the point. */
export function bytesText(bytes: number, unit: 'MiB' | 'GiB', digits = 0): string {
  if (bytes < 2 ** 20) return `${bytes} bytes`;
  const scale = 10 ** digits;
  return `${Math.ceil((bytes / (unit === 'MiB' ? 2 ** 20 : 2 ** 30)) * scale) / scale} ${unit}`;
}
