import { messageOf, TaesdError } from '../errors.ts';
import type { FoundFile } from '../platform/regular-file.ts';
import { HeldBytes } from './held-bytes.ts';
import type { ManifestFile } from './manifest.ts';
import { openStore } from './open-store.ts';
import { type Draft, isRefusal, StoreRefusal, type WeightStore } from './store.ts';

/**
 * A store for programs that want weights more than they want them kept. If the store of the runtime
 * refuses to be read, it has nothing; if it refuses to be written, files are kept in memory alone.
 * `note` says which of both has happened.
 */
class LenientStore implements WeightStore {
  readonly #store: WeightStore;
  #unread: string | undefined;
  #unkept: string | undefined;

  constructor(store: WeightStore) {
    this.#store = store;
  }

  get location(): string {
    return this.#store.location;
  }

  /** Why the store could not be read; undefined if it could. */
  get unread(): string | undefined {
    return this.#unread;
  }

  /** Why a file is not kept; undefined if all are. */
  get unkept(): string | undefined {
    return this.#unkept;
  }

  /** The refusals in words, for `info`; undefined if there was none. */
  get note(): string | undefined {
    const { location } = this;
    if (this.#unkept !== undefined) {
      return `the download is not kept: ${location} cannot be written: ${this.#unkept}`;
    }
    return this.#unread && `${location} cannot be read: ${this.#unread}`;
  }

  pathOf(name: string): string {
    return this.#store.pathOf(name);
  }

  async read(name: string, maxBytes: number): Promise<FoundFile | undefined> {
    try {
      return await this.#store.read(name, maxBytes);
    } catch (error) {
      this.#unread ??= reasonOf(error);
      return undefined;
    }
  }

  async begin(file: ManifestFile): Promise<Draft> {
    const refused = (error: unknown): undefined => {
      this.#unkept ??= reasonOf(error);
    };
    const kept = await this.#store.begin(file).catch(refused);
    const draft = new HeldDraft(kept, refused);
    await draft.takeLeft();
    return draft;
  }
}

/** Returns the reason of a refusal. @throws the error, if it is none */
function reasonOf(error: unknown): string {
  if (isRefusal(error)) return error.reason;
  throw error;
}

/** A draft in memory. It is written to the store too, until the store refuses. */
class HeldDraft implements Draft {
  readonly #held = new HeldBytes();
  #kept: Draft | undefined;
  readonly #refused: (error: unknown) => void;

  constructor(kept: Draft | undefined, refused: (error: unknown) => void) {
    this.#kept = kept;
    this.#refused = refused;
  }

  get length(): number {
    return this.#held.length;
  }

  /** Takes the bytes that an earlier download has left in the store. */
  async takeLeft(): Promise<void> {
    await this.#inStore(async (kept) => {
      if (kept.length > 0) this.#held.append(await kept.bytes());
    });
  }

  async append(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#held.append(piece);
    await this.#inStore((kept) => kept.append(piece));
  }

  async restart(): Promise<void> {
    this.#held.clear();
    await this.#inStore((kept) => kept.restart());
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#held.whole();
  }

  async keep(): Promise<void> {
    await this.#inStore((kept) => kept.keep());
  }

  async leave(): Promise<void> {
    this.#held.clear();
    await this.#kept?.leave();
  }

  async #inStore(step: (kept: Draft) => Promise<void>): Promise<void> {
    const kept = this.#kept;
    if (kept === undefined) return;
    try {
      await step(kept);
    } catch (error) {
      this.#refused(error);
      this.#kept = undefined;
      await kept.leave();
    }
  }
}

/** The store of a runtime that has none, or does not say where it is. */
class NoStore implements WeightStore {
  readonly location = 'the cache';
  readonly #refusal: StoreRefusal;

  constructor({ code, sentence }: TaesdError) {
    this.#refusal = new StoreRefusal(code, sentence, { reason: sentence });
  }

  pathOf(name: string): string {
    return name;
  }

  async read(): Promise<never> {
    throw this.#refusal;
  }

  async begin(): Promise<never> {
    throw this.#refusal;
  }
}

/** Opens a store, by default that of this runtime. Never fails: see `LenientStore`. */
export async function openLenientStore(store?: WeightStore): Promise<LenientStore> {
  return new LenientStore(
    store ??
      (await openStore().catch((error: unknown) => {
        if (error instanceof TaesdError) return new NoStore(error);
        return new NoStore(new TaesdError('UNSUPPORTED', messageOf(error)));
      })),
  );
}
