import { onOneLine } from '../../errors.ts';
import { pictureSize } from '../../picture/index.ts';
import type { Answered } from './http-host.ts';

/**
 * Returns the line about an answer: `POST /decode 200 512×512 84 ms`. In place of a picture's size
 * it has a tensor's shape, or the code of an error.
 */
export function requestLine(answered: Answered): string {
  const { method, path, status, ms, isWhole } = answered;
  const words = [
    method,
    onOneLine(path),
    status === undefined ? 'no answer' : `${status}`,
    contentsOf(answered),
    `${Math.round(ms)} ms`,
    isWhole ? '' : '(the connection closed before the end)',
  ];
  return words.filter((word) => word !== '').join(' ');
}

function contentsOf({ status = 0, headers, head }: Answered): string {
  const shape = headers?.get('shape');
  if (shape) return onOneLine(shape.replace(/\s+/g, ''));
  if (head === undefined) return '';
  if (status >= 400) return codeOf(head);
  if (!headers?.get('content-type')?.startsWith('image/')) return '';
  const size = pictureSize(head);
  return size === undefined ? '' : `${size.width}×${size.height}`;
}

/** Returns the code in the JSON of an error. */
function codeOf(head: Uint8Array): string {
  const [, code] = /"code":\s*"([A-Z_]{1,40})"/.exec(Buffer.from(head).toString('utf8')) ?? [];
  return code ?? '';
}
