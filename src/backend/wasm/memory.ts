import { expected, type TaesdError } from '../../errors.ts';
import { inMiB } from '../../numbers/byte-text.ts';
import { comparedTexts } from '../../numbers/compared-texts.ts';
import { isNode } from '../../platform/runtime.ts';

/** WebAssembly counts memory in pages of 64 KiB. */
const PAGE_BYTES = 65_536;
/** The memory that a 32-bit address reaches. */
const ADDRESSABLE_BYTES = 2 ** 32;
/** A cache line. Rows that begin on one are loaded without straddling two. */
const ALIGNMENT_BYTES = 64;

/**
 * Address 0 stays unused, so that it is never a valid address. The kernels have no data of their
 * own.
 */
const FIRST_FREE_BYTE = ALIGNMENT_BYTES;

/**
 * The kernels' memory, used as a stack: `mark`, `allocate` what a run needs, run, `release`. It
 * grows on demand. It grows only here, before any kernel runs.
 */
export class Memory {
  #wasm: WebAssembly.Memory;
  readonly #limitBytes: number;
  #top = FIRST_FREE_BYTE;

  /** @param limitBytes  the maximum size of the memory */
  constructor(limitBytes = ADDRESSABLE_BYTES) {
    this.#limitBytes = Math.min(limitBytes, ADDRESSABLE_BYTES);
    this.#wasm = this.#create(1);
  }

  /** The memory to tie the kernels to. `adopt` replaces it. */
  get wasm(): WebAssembly.Memory {
    return this.#wasm;
  }

  /** Bytes that the memory takes now. */
  get bytes(): number {
    return this.#wasm.buffer.byteLength;
  }

  /**
   * Copies all allocations to a memory of their size, since a memory never shrinks. The caller
   * binds the kernels to the copy and then adopts it.
   *
   * @throws TaesdError OOM
   */
  compacted(): WebAssembly.Memory {
    const live = new Uint8Array(this.#wasm.buffer, 0, this.#top);
    const wasm = this.#create(Math.ceil(this.#top / PAGE_BYTES));
    new Uint8Array(wasm.buffer).set(live);
    return wasm;
  }

  /** Replaces the memory by the one that `compacted` returned. */
  adopt(wasm: WebAssembly.Memory): void {
    this.#wasm = wasm;
  }

  /** @throws TaesdError OOM */
  #create(pages: number): WebAssembly.Memory {
    const maximum = Math.max(pages, Math.ceil(this.#limitBytes / PAGE_BYTES));
    try {
      return new WebAssembly.Memory({ initial: pages, maximum });
    } catch (cause) {
      throw noAddresses(this.#limitBytes, cause);
    }
  }

  /** Returns the address to go back to with `release`. */
  mark(): number {
    return this.#top;
  }

  /** Frees everything that was allocated since `mark`. */
  release(mark: number): void {
    this.#top = mark;
  }

  /**
   * Allocates memory on top of the stack.
   *
   * @param what  the purpose of the memory, for messages
   * @returns the address of `bytes` bytes, aligned to 64, contents undefined
   * @throws TaesdError LIMIT (past `limitBytes`, or past what 32 bits address), OOM (the memory
   *   cannot grow)
   */
  allocate(what: string, bytes: number): number {
    const ptr = Math.ceil(this.#top / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    const end = ptr + bytes;
    // Written so that NaN and infinity fail too.
    if (!(end <= this.#limitBytes)) {
      const [limit, got] = comparedTexts([this.#limitBytes, end], inMiB);
      const rule = `at most ${limit} of memory`;
      const remedy = this.#limitBytes < ADDRESSABLE_BYTES ? 'a larger maxMemory, or ' : '';
      throw expected('LIMIT', what, rule, got, { hint: `${remedy}a narrower picture` });
    }
    const missing = Math.ceil((end - this.bytes) / PAGE_BYTES);
    if (missing > 0) this.#grow(what, missing, end);
    this.#top = end;
    return ptr;
  }

  #grow(what: string, pages: number, end: number): void {
    try {
      this.#wasm.grow(pages);
    } catch (cause) {
      const rule = `${inMiB(end)} of memory to be free`;
      throw expected('OOM', what, rule, 'less', { hint: 'a narrower picture', cause });
    }
  }

  /**
   * Returns a view of `count` numbers at `ptr`. It is valid until the next `allocate`, which may
   * move the memory.
   */
  f32(ptr: number, count: number): Float32Array {
    return new Float32Array(this.#wasm.buffer, ptr, count);
  }

  /** Returns a view of `count` numbers in float64 at `ptr`, valid as long as that of `f32`. */
  f64(ptr: number, count: number): Float64Array {
    return new Float64Array(this.#wasm.buffer, ptr, count);
  }

  /** Returns a view of `count` addresses at `ptr`, valid as long as that of `f32`. */
  u32(ptr: number, count: number): Uint32Array {
    return new Uint32Array(this.#wasm.buffer, ptr, count);
  }
}

/**
 * Makes the error of a memory that cannot be reserved. Node's V8 reserves the addresses
 * that an index and an offset of 32 bits reach, and guard pages, so that the machine checks bounds.
 */
function noAddresses(limitBytes: number, cause: unknown): TaesdError {
  const rule = (bytes: string) => `${bytes} of address space to be free`;
  if (!isNode()) {
    const remedy = { api: 'workers: 0 and a smaller maxMemory may reserve less' };
    return expected('OOM', 'memory', rule(inMiB(limitBytes)), 'less', { remedy, cause });
  }
  const hint =
    'ulimit -v or another limit; each thread reserves it, whatever its maxMemory: NODE_OPTIONS=--disable-wasm-trap-handler reserves less, the backend reference nothing';
  return expected('OOM', 'memory', rule('10 GiB'), 'less', { hint, cause });
}
