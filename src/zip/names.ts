import { strictDecoder } from '../builtins/text.ts';
import { expected } from '../errors.ts';
import { hexText } from '../first-bytes.ts';

/** The longest name, in bytes. Linux has no longer paths. */
const MAX_NAME_BYTES = 4096;

/**
 * Reads an entry's name.
 *
 * No entry is ever written to a disk. A name that would leave its folder there, or that programs
 * read differently, is refused all the same: nothing that holds only tensors has one.
 *
 * @throws TaesdError FORMAT (not UTF-8), UNSAFE (empty; absolute; `..`, a backslash or a zero byte
 *   in it), LIMIT (over 4096 bytes)
 */
export function readName(bytes: Uint8Array): string {
  if (bytes.length > MAX_NAME_BYTES) {
    const rule = `a name of at most ${MAX_NAME_BYTES} bytes`;
    throw expected('LIMIT', 'entry of the zip archive', rule, `${bytes.length}`);
  }
  const name = decode(bytes);
  const fault = FAULTS.find(({ pattern }) => pattern.test(name));
  if (fault === undefined) return name;
  const got = name === '' ? 'an empty name' : `${fault.got} in ${name}`;
  throw expected('UNSAFE', 'entry of the zip archive', 'a plain relative name', got);
}

const FAULTS: readonly { readonly pattern: RegExp; readonly got: string }[] = [
  { pattern: /^$/, got: '' },
  { pattern: /\0/, got: 'a zero byte' },
  { pattern: /\\/, got: 'a backslash' },
  { pattern: /^\/|^[a-z]:\//i, got: 'an absolute path' },
  { pattern: /(?:^|\/)\.\.(?:\/|$)/, got: '".."' },
];

/**
 * The flag for UTF-8 (bit 11) is not needed: older programs write ASCII without it. Code page 437,
 * its meaning for other bytes without the flag, is not read.
 */
function decode(bytes: Uint8Array): string {
  try {
    return strictDecoder().decode(bytes);
  } catch (cause) {
    const got = `bytes ${hexText(bytes)}`;
    throw expected('FORMAT', 'entry of the zip archive', 'a name in UTF-8', got, { cause });
  }
}
