/*
 * Bytes as one character each. Compressed as UTF-8 they take 7 kB, base64 takes 9: there a repeated
 * sequence of bytes looks different at each of three alignments.
 */

/** The code points of the bytes below and from 0x5f: neither has control characters. */
const [LOW, HIGH] = [0x20, 0x42];
const FIRST_HIGH = 0x5f;

/** Writes bytes as text. */
export const writeKernelText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte + (byte < FIRST_HIGH ? LOW : HIGH))).join(
    '',
  );

/** Reads the text that `writeKernelText` wrote. */
export const readKernelText = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    return code - (code < FIRST_HIGH + LOW ? LOW : HIGH);
  });
