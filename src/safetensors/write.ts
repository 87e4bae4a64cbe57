import { allocate, allocateBytes } from '../allocate.ts';
import { isFloats, isRangeError } from '../builtins/tags.ts';
import { toUtf8 } from '../builtins/text.ts';
import { checkLive, describe } from '../checks.ts';
import { expected, inCall, type TaesdError } from '../errors.ts';
import { checkSizes } from '../numbers/sizes.ts';
import { notTensor, shapeText, type Tensor } from '../tensor.ts';
import { LENGTH_BYTES, MAX_HEADER_BYTES, METADATA_KEY } from './header.ts';
import { showName } from './show-name.ts';

const F32_BYTES = 4;

/** Free text, string to string: an object, or pairs such as the map `readSafetensors` returns. */
export type SafetensorsMetadata =
  | Readonly<Record<string, string>>
  | Iterable<readonly [string, string]>;

/**
 * Writes tensors as a safetensors file, all F32, little-endian, in the order given. The header is
 * padded with spaces so that the data begins at a multiple of 8 bytes.
 *
 * @param tensors  pairs of a name and a tensor of any shape, `[]` and sizes of 0 included
 * @param metadata free text for the header; left out if undefined
 * @throws TaesdError ARG (not pairs of a name and a tensor; data that is not a Float32Array, or is
 *   detached; a name or key of metadata that occurs twice or is not whole Unicode text; a tensor
 *   named `__metadata__`; metadata that is not a string), SHAPE (shape and data disagree), LIMIT (a
 *   header over 100,000,000 bytes, more than 64 dimensions), OOM
 * Source: https://huggingface.co/docs/safetensors
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, Tensor]>,
  metadata?: SafetensorsMetadata,
): Uint8Array {
  return inCall('writeSafetensors', () => write(tensors, metadata));
}

function write(
  tensors: Iterable<readonly [string, Tensor]>,
  metadata: SafetensorsMetadata | undefined,
): Uint8Array {
  const list: Float32Array[] = [];
  const header = new HeaderText();
  if (metadata !== undefined) addMetadata(header, metadata);
  const seen = new Set<string>([METADATA_KEY]);
  let begin = 0;
  const rule = 'pairs [name, tensor], such as a Map';
  for (const pair of pairsOf('tensors', rule, tensors)) {
    const { name, sizes, data } = checkTensor(pair, seen);
    const end = begin + data.length * F32_BYTES;
    const shape = JSON.stringify(sizes);
    header.add(quote(name), `{"dtype":"F32","shape":${shape},"data_offsets":[${begin},${end}]}`);
    list.push(data);
    begin = end;
  }
  return assemble(header.bytes(), list, begin);
}

/**
 * The header's JSON. It is put together by hand because an object changes the order of keys and
 * swallows `__proto__`. Its length is checked as it grows, because strings have a limit at which
 * the runtime throws a RangeError.
 */
class HeaderText {
  readonly #fields: string[] = [];
  #length = 0;

  /** @throws TaesdError LIMIT */
  add(key: string, value: string): void {
    this.#length += key.length + value.length + 2;
    // Every character takes at least a byte.
    if (this.#length > MAX_HEADER_BYTES) throw tooLong();
    this.#fields.push(`${key}:${value}`);
  }

  toString(): string {
    return `{${this.#fields.join(',')}}`;
  }

  /** Returns the header as UTF-8, padded with spaces. @throws TaesdError LIMIT, OOM */
  bytes(): Uint8Array {
    const text = allocate('header', `${this.#length} characters`, () => toUtf8(this.toString()));
    const length = Math.ceil(text.length / 8) * 8;
    if (length > MAX_HEADER_BYTES) throw tooLong();
    const padded = allocateBytes('header', length).fill(0x20);
    padded.set(text);
    return padded;
  }
}

const tooLong = (): TaesdError =>
  expected('LIMIT', 'header', `at most ${MAX_HEADER_BYTES} bytes`, 'more');

function assemble(header: Uint8Array, list: readonly Float32Array[], dataBytes: number) {
  const file = allocateBytes('file', LENGTH_BYTES + header.length + dataBytes);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(header.length), true);
  file.set(header, LENGTH_BYTES);
  let at = LENGTH_BYTES + header.length;
  for (const data of list) {
    for (let i = 0; i < data.length; i++) view.setFloat32(at + F32_BYTES * i, data[i], true);
    at += data.length * F32_BYTES;
  }
  return file;
}

/** Yields the pairs of an iterable and checks each. @throws TaesdError ARG (not pairs) */
function* pairsOf(what: string, rule: string, pairs: unknown): Generator<[unknown, unknown]> {
  if (typeof pairs !== 'object' || pairs === null || !isIterable(pairs)) {
    throw expected('ARG', what, rule, describe(pairs));
  }
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      const got = Array.isArray(pair) ? `an array of ${pair.length}` : describe(pair);
      throw expected('ARG', what, rule, `${got} in it`);
    }
    yield [pair[0], pair[1]];
  }
}

/** Returns false for typed arrays too, which hold no pairs, and throw if they are detached. */
const isIterable = (value: object): value is Iterable<unknown> =>
  !ArrayBuffer.isView(value) &&
  typeof (value as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function';

/** Checks a tensor and its name, and adds the name to those seen. */
function checkTensor([name, value]: [unknown, unknown], seen: Set<string>) {
  checkText('tensor name', name);
  const what = `tensor ${showName(name)}`;
  if (seen.has(name)) {
    const got = name === METADATA_KEY ? 'the reserved name' : 'it twice';
    throw expected('ARG', what, 'a name that is not taken', got);
  }
  seen.add(name);
  const { shape, data } = (value ?? {}) as Partial<Tensor>;
  if (!Array.isArray(shape) || !isFloats(data)) {
    throw notTensor(what, value);
  }
  checkLive(what, data);
  const { sizes, byteCount } = checkSizes(what, shape, F32_BYTES);
  if (byteCount !== data.length * F32_BYTES) {
    const rule = `${byteCount / F32_BYTES} elements for shape ${shapeText(sizes)}`;
    throw expected('SHAPE', what, rule, `${data.length}`);
  }
  return { name, sizes, data };
}

function addMetadata(header: HeaderText, metadata: unknown): void {
  const rule = 'an object or pairs of strings';
  if (typeof metadata !== 'object' || metadata === null) {
    throw expected('ARG', 'metadata', rule, describe(metadata));
  }
  const pairs = isIterable(metadata) ? metadata : Object.entries(metadata);
  const text = new HeaderText();
  const seen = new Set<string>();
  for (const [key, value] of pairsOf('metadata', rule, pairs)) {
    checkText('metadata key', key);
    checkText(`metadata ${showName(key)}`, value);
    if (seen.has(key)) {
      throw expected('ARG', `metadata ${showName(key)}`, 'a key that is not taken', 'it twice');
    }
    seen.add(key);
    text.add(quote(key), quote(value));
  }
  header.add(`"${METADATA_KEY}"`, `${text}`);
}

/** Returns a text as JSON. @throws TaesdError LIMIT */
function quote(text: string): string {
  if (text.length > MAX_HEADER_BYTES) throw tooLong();
  try {
    return JSON.stringify(text);
  } catch (cause) {
    // Escapes make it up to six times as long, which may pass the limit of strings.
    throw isRangeError(cause) ? tooLong() : cause;
  }
}

/**
 * Checks a name or a value. Half of a surrogate pair has no UTF-8: the encoder would silently write
 * U+FFFD instead.
 */
function checkText(what: string, text: unknown): asserts text is string {
  if (typeof text !== 'string' || /\p{Surrogate}/u.test(text)) {
    throw expected('ARG', what, 'a string of whole characters', describe(text));
  }
}
