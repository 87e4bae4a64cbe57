import { type ErrorCode, type ErrorDetails, expectedText, TaesdError } from '../errors.ts';
import type { FoundFile } from '../platform/regular-file.ts';
import type { ManifestFile } from './manifest.ts';

/** The name of the folder or of the browser's cache that keeps downloaded weights. */
export const STORE_NAME = 'taesd-wasm';

/** Returns the rule for a store's free space. */
export const roomFor = ({ name, bytes }: Pick<ManifestFile, 'name' | 'bytes'>): string =>
  bytes === null ? `room for ${name}` : `room for ${bytes} bytes`;

/** The store cannot be read or written. For `load` it then has nothing, and keeps nothing. */
export class StoreRefusal extends TaesdError {
  /** In a few words: `no permission`. */
  readonly reason: string;

  constructor(
    code: ErrorCode,
    sentence: string,
    { reason, ...details }: Omit<ErrorDetails, 'hint'> & { readonly reason: string },
  ) {
    super(code, sentence, details);
    this.reason = reason;
  }
}

/** Returns true for a refusal, also of another copy of this module. */
export const isRefusal = (error: unknown): error is StoreRefusal => {
  const { name, reason } = (error ?? {}) as Partial<StoreRefusal>;
  return name === 'TaesdError' && typeof reason === 'string';
};

/** Makes a refusal whose sentence is `expectedText`, and whose reason is `got`. */
export function refused(
  path: string,
  rule: string,
  got: string,
  { code = 'ARG', ...details }: ErrorDetails & { readonly code?: ErrorCode } = {},
): StoreRefusal {
  return new StoreRefusal(code, expectedText(path, rule, got), { ...details, reason: got });
}

/** A store of downloaded weights, each file whole and under its own name. */
export interface WeightStore {
  /** The location in words: `cache /home/me/.cache/taesd-wasm`. */
  readonly location: string;
  /** Returns a file's name in messages: `/home/me/.cache/taesd-wasm/taesd_encoder.safetensors`. */
  pathOf(name: string): string;
  /**
   * Reads a file.
   *
   * @param maxBytes  a larger file is not read
   * @returns undefined if there is none
   * @throws StoreRefusal ARG (unreadable)
   */
  read(name: string, maxBytes: number): Promise<FoundFile | undefined>;
  /**
   * Begins to write a file, or continues one that an interrupted download left.
   *
   * @throws StoreRefusal ARG (the store cannot be written, or the name leads to anything but a
   *   file), UNSUPPORTED (the runtime has no store)
   */
  begin(file: ManifestFile): Promise<Draft>;
}

/**
 * A file that is being written. No other process writes to it, and it has no name before it is
 * kept. Calls throw StoreRefusal ARG if bytes cannot be written, for example to a full disk.
 */
export interface Draft {
  /** The bytes written so far. */
  readonly length: number;
  append(piece: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Drops all bytes. */
  restart(): Promise<void>;
  /** Reads back the bytes written so far. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Gives the file its name in one step, replacing an older file. Ends the draft. */
  keep(): Promise<void>;
  /**
   * Leaves the bytes, if they are useful, to a later draft of the file. Never throws. Ends the
   * draft.
   */
  leave(): Promise<void>;
}
