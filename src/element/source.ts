import { tagOf } from '../builtins/tags.ts';
import { describe } from '../checks.ts';
import { expected, inside } from '../errors.ts';
import type { FoundLatents } from '../formats/read-latents.ts';
import { lazily } from '../platform/lazily.ts';
import { readUrl } from '../platform/read-url.ts';

/**
 * Reads the latents of a source.
 *
 * @param source  an address, a Blob, a Response, an ArrayBuffer or a view of one
 * @param base    the address that others are relative to
 * @throws TaesdError ARG (another value, an address that cannot be read), LIMIT; as `readLatents`
 */
export async function readSource(
  source: unknown,
  base: string,
  signal: AbortSignal,
): Promise<FoundLatents> {
  if (typeof source === 'string') {
    const url = new URL(source, base);
    return readFile(await bytesAt(url, signal), nameOf(url));
  }
  if (ArrayBuffer.isView(source) || tagOf(source) === 'ArrayBuffer') {
    return readFile(source as ArrayBuffer, undefined);
  }
  const { arrayBuffer, name, url } = (source ?? {}) as Partial<File & Response>;
  if (typeof arrayBuffer !== 'function') {
    const rule = 'an address, a Blob, a Response or bytes';
    throw expected('ARG', 'src', rule, describe(source));
  }
  const bytes = await (source as Blob).arrayBuffer();
  return readFile(bytes, name ?? (url ? nameOf(new URL(url)) : undefined));
}

async function bytesAt(url: URL, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await readUrl(url, { signal });
  if (bytes === undefined) throw expected('ARG', url.href, 'a file', 'none (HTTP status 404)');
  return bytes;
}

/** Returns the last part of an address: the name of its file. */
const nameOf = ({ pathname }: URL): string => pathname.slice(pathname.lastIndexOf('/') + 1);

async function readFile(
  bytes: ArrayBuffer | Uint8Array,
  name: string | undefined,
): Promise<FoundLatents> {
  const { readLatents } = await lazily(() => import('../formats/read-latents.ts'));
  const read = () => readLatents(bytes, { name });
  return name ? inside(name, read) : read();
}
