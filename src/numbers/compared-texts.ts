/** The digits after which two different numbers of bytes are told apart, in GiB too. */
const MAX_DIGITS = 12;

/**
 * Returns the texts of two numbers that a message compares, with as many digits as tell them apart:
 * "at most 13 MiB, got 13 MiB" would explain nothing.
 *
 * @param text  returns a number's text with `moreDigits` more digits than usual
 */
export function comparedTexts(
  [a, b]: readonly [number, number],
  text: (value: number, moreDigits: number) => string,
): readonly [string, string] {
  for (let digits = 0; ; digits++) {
    const first = text(a, digits);
    const second = text(b, digits);
    if (first !== second || a === b || digits === MAX_DIGITS) return [first, second];
  }
}
