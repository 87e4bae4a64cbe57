import { describe } from '../arguments.ts';
import { expected } from '../errors.ts';
import { elementCount, shapeText, type Tensor } from '../tensor.ts';
import { LENGTH_BYTES, MAX_HEADER_BYTES, METADATA_KEY } from './safetensors-header.ts';
import { showName } from './show-name.ts';

const WHERE = 'writeSafetensors';
const F32_BYTES = 4;

/**
 * Writes tensors as a safetensors file, all F32, little-endian, in the order given. The header is
 * padded with spaces so that the data begin at a multiple of 8 bytes.
 *
 * @param tensors  name and tensor; any shape, `[]` and sizes of 0 included
 * @param metadata free text, string to string; left out of the file when not given
 * @throws TaesdError ARG (a name that comes twice, is `__metadata__` or is not whole Unicode text; the
 *   same in metadata, or a value that is no string), SHAPE (shape and data disagree), LIMIT (header
 *   over 100,000,000 bytes)
 * Source: https://huggingface.co/docs/safetensors
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, Tensor]>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const list = [...tensors];
  // The JSON is put together by hand because an object's keys change order and swallow `__proto__`.
  const fields = metadata === undefined ? [] : [`"${METADATA_KEY}":${metadataText(metadata)}`];
  const seen = new Set<string>([METADATA_KEY]);
  let begin = 0;
  for (const [name, tensor] of list) {
    checkTensor(name, tensor, seen);
    seen.add(name);
    const end = begin + tensor.data.length * F32_BYTES;
    const shape = shapeText(tensor.shape);
    const entry = `{"dtype":"F32","shape":${shape},"data_offsets":[${begin},${end}]}`;
    fields.push(`${JSON.stringify(name)}:${entry}`);
    begin = end;
  }
  return assemble(headerBytes(`{${fields.join(',')}}`), list, begin);
}

function assemble(
  header: Uint8Array,
  list: readonly (readonly [string, Tensor])[],
  dataBytes: number,
): Uint8Array {
  const file = new Uint8Array(LENGTH_BYTES + header.length + dataBytes);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(header.length), true);
  file.set(header, LENGTH_BYTES);
  let at = LENGTH_BYTES + header.length;
  for (const [, { data }] of list) {
    for (let i = 0; i < data.length; i++) view.setFloat32(at + F32_BYTES * i, data[i], true);
    at += data.length * F32_BYTES;
  }
  return file;
}

function headerBytes(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  if (padded.length > MAX_HEADER_BYTES) {
    const rule = `at most ${MAX_HEADER_BYTES} bytes`;
    throw expected('LIMIT', WHERE, 'header', rule, `${padded.length}`);
  }
  return padded;
}

function checkTensor(name: string, { shape, data }: Tensor, seen: ReadonlySet<string>): void {
  checkText('tensor name', name);
  const what = `tensor ${showName(name)}`;
  if (seen.has(name)) {
    const got = name === METADATA_KEY ? 'the reserved name' : 'it twice';
    throw expected('ARG', WHERE, what, 'a name that is not taken', got);
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw expected('SHAPE', WHERE, what, 'whole sizes of at least 0', shapeText(shape));
  }
  if (elementCount(shape) !== data.length) {
    const rule = `${elementCount(shape)} elements for shape ${shapeText(shape)}`;
    throw expected('SHAPE', WHERE, what, rule, `${data.length}`);
  }
}

function metadataText(metadata: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(metadata).map(([key, value]) => {
    checkText('metadata key', key);
    checkText(`metadata ${showName(key)}`, value);
    return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  });
  return `{${pairs.join(',')}}`;
}

/** Half of a surrogate pair has no UTF-8; the encoder would silently write U+FFFD in its place. */
function checkText(what: string, text: unknown): void {
  if (typeof text !== 'string' || /\p{Surrogate}/u.test(text)) {
    throw expected('ARG', WHERE, what, 'a string of whole characters', describe(text));
  }
}
