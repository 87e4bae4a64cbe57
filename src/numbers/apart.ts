/** The digits after which two different numbers of bytes are told apart, in GiB too. */
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

/** Returns bytes in MiB if they are at least one, rounded up to so many digits after the point. */
export function inMiB(bytes: number, digits = 0): string {
  if (bytes < 2 ** 20) return `${bytes} bytes`;
  const scale = 10 ** digits;
  return `${Math.ceil((bytes / 2 ** 20) * scale) / scale} MiB`;
}
