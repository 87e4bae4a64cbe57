import { expected } from '../errors.ts';
import { conversionHint, pictureKind } from '../first-bytes/pictures.ts';
import { hexText, startsWith } from '../first-bytes.ts';

/**
 * The eight bytes at the start of every PNG file.
 * Source: https://www.w3.org/TR/png-3/#5PNG-file-signature
 */
export const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

const DECODE_PICTURE = 'decodePicture of taesd-wasm/picture reads it';

/**
 * Checks that `bytes` begin as a PNG file does.
 *
 * @throws TaesdError FORMAT (empty, or not a known type of picture), TRUNCATED (the signature is
 *   cut off), UNSUPPORTED (another type of picture, which the message names)
 */
export function checkSignature(bytes: Uint8Array): void {
  const rule = 'a PNG file';
  if (bytes.length === 0)
    throw expected('FORMAT', 'bytes', rule, '0 bytes', { hint: 'empty file?' });

  const length = Math.min(bytes.length, PNG_SIGNATURE.length);
  if (PNG_SIGNATURE.slice(0, length).every((byte, i) => bytes[i] === byte)) {
    if (length === PNG_SIGNATURE.length) return;
    throw expected('TRUNCATED', 'signature at byte 0', '8 bytes', `${length}`, {
      hint: 'the file is cut off',
    });
  }
  // A JPEG with the name picture.png is the most common "broken PNG".
  const other = pictureKind(bytes);
  if (other !== undefined && other.read !== 'PNG') {
    const hint = other.read === undefined ? conversionHint(other) : DECODE_PICTURE;
    throw expected('UNSUPPORTED', 'bytes', rule, other.name, { hint });
  }
  throw expected('FORMAT', 'bytes', rule, `bytes ${hexText(bytes)}`, { hint: likelyCause(bytes) });
}

/** Returns what a transfer did to the file. PNG's signature is designed to show such damage. */
function likelyCause(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, '\x89PNG\n')) return 'line ends were converted: transfer it as binary';
  if (startsWith(bytes, '\x09PNG')) return 'the eighth bits were lost: transfer it as binary';
  if (startsWith(bytes, '\xef\xbf\xbdPNG')) return 'it was read as text: read it as bytes';
  return startsWith(bytes, '<') ? 'an HTML or XML page?' : undefined;
}
