/*
 * Texts as UTF-8. jest's jsdom has neither of the classes, so those of Node take their place.
 */

const ofNode = () => process.getBuiltinModule('node:util');

/** Makes a decoder that keeps a byte order mark and throws for bytes that are not UTF-8. */
export const strictDecoder = (): TextDecoder =>
  new (globalThis.TextDecoder ?? ofNode().TextDecoder)('utf-8', { fatal: true, ignoreBOM: true });

/** Reads bytes as UTF-8, with U+FFFD for others. */
export const lenientText = (bytes: Uint8Array): string =>
  new (globalThis.TextDecoder ?? ofNode().TextDecoder)().decode(bytes);

export const toUtf8 = (text: string): Uint8Array =>
  new (globalThis.TextEncoder ?? ofNode().TextEncoder)().encode(text);
