import { expected } from '../errors.ts';
import type { ZipEntry } from '../zip/read-zip.ts';
import { type ElementType, StorageTypeItem } from './globals.ts';
import { HostItem, type Item, itemText, PickleTuple } from './items.ts';

/** The numbers of one or several tensors: an entry `data/KEY` of the archive. */
export class Storage extends HostItem {
  readonly words: string;
  readonly value = undefined;
  readonly type: ElementType;
  /** The number of elements. The entry's size was compared with it. */
  readonly count: number;
  readonly #entry: ZipEntry;
  #bytes: Uint8Array | undefined;

  constructor(entry: ZipEntry, type: ElementType, count: number) {
    super();
    this.#entry = entry;
    this.type = type;
    this.count = count;
    this.words = `the storage ${entry.name}`;
  }

  /**
   * Returns the bytes of all elements. They are kept, so a storage that tensors share is checked
   * and inflated once.
   *
   * @throws TaesdError INTEGRITY, LIMIT, TRUNCATED, FORMAT, OOM
   */
  bytes(): Uint8Array {
    this.#bytes ??= this.#entry.read();
    return this.#bytes;
  }
}

/**
 * Turns persistent ids into storages. An id is a tuple
 * `('storage', torch.FloatStorage, KEY, location, number of elements)`.
 *
 * The location is the device that the tensor was on, and says nothing about its numbers.
 */
export class Storages {
  readonly #entryNamed: (name: string) => ZipEntry | undefined;
  readonly #storages = new Map<string, Storage>();

  /** @param entryNamed  returns an entry by its name in the archive's folder: `data/0` */
  constructor(entryNamed: (name: string) => ZipEntry | undefined) {
    this.#entryNamed = entryNamed;
  }

  /**
   * Returns the storage of a persistent id. Ids with one key give one storage.
   *
   * @throws TaesdError UNSAFE (an id of anything but a storage), FORMAT (a malformed id, no such
   *   entry, an entry of another size, one entry with two types)
   */
  of(where: string, id: Item): Storage {
    const { type, key, count } = readId(where, id);
    const name = `data/${key}`;
    const entry = this.#entryNamed(name);
    if (entry === undefined) throw expected('FORMAT', where, `an entry ${name}`, 'none');
    const size = count * type.bytes;
    if (entry.size !== size) {
      const rule = `${size} bytes in ${name}, for ${count} elements of ${type.dtype}`;
      throw expected('FORMAT', where, rule, `${entry.size}`);
    }
    const known = this.#storages.get(key);
    if (known !== undefined && known.type.dtype !== type.dtype) {
      const rule = `one type for ${name}`;
      throw expected('FORMAT', where, rule, `${known.type.dtype} and ${type.dtype}`);
    }
    const storage = known ?? new Storage(entry, type, count);
    this.#storages.set(key, storage);
    return storage;
  }
}

interface StorageId {
  readonly type: ElementType;
  readonly key: string;
  readonly count: number;
}

function readId(where: string, id: Item): StorageId {
  if (!(id instanceof PickleTuple)) {
    throw expected('FORMAT', where, 'the tuple of a storage', itemText(id));
  }
  const [tag, type, key, location, count] = id.items;
  if (tag !== 'storage') {
    throw expected('UNSAFE', where, 'a storage', itemText(tag), { hint: 'nothing of it was run' });
  }
  if (id.items.length !== 5) {
    throw expected('FORMAT', where, 'the five parts of a storage', `${id.items.length}`);
  }
  if (!(type instanceof StorageTypeItem)) {
    throw expected('FORMAT', where, 'a storage class of torch', itemText(type));
  }
  // torch numbers its storages. Any other key might name an entry outside data/.
  if (typeof key !== 'string' || !/^[0-9]{1,20}$/.test(key)) {
    throw expected('FORMAT', where, 'a storage key of digits', itemText(key));
  }
  if (typeof location !== 'string') {
    throw expected('FORMAT', where, "the name of a storage's device", itemText(location));
  }
  if (typeof count !== 'number' || count < 0) {
    throw expected('FORMAT', where, "a storage's number of elements", itemText(count));
  }
  return { type: type.type, key, count };
}
