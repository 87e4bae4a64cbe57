import { expect } from 'vitest';

/*
 * Places for a kernel's operands, with canaries between them: what lies around a region must not
 * change, nor what a kernel may only read.
 */

/**
 * Numbers of canary on either side of a region; also keeps regions 16-byte aligned. Large, so that
 * reading it shows.
 */
const GUARD = 16;
const CANARY = Math.fround(12345.678);
const CANARY_BITS = new Uint32Array(Float32Array.of(CANARY).buffer)[0];

type Numbers = Float32Array | Int16Array | Uint32Array;

/**
 * Lays regions one after the other in `memory`; `check` looks at the canaries and at the inputs.
 */
export function arena(memory: WebAssembly.Memory) {
  const words = new Uint32Array(memory.buffer).fill(CANARY_BITS);
  const regions: { begin: number; end: number; kept: Uint32Array | undefined }[] = [];
  let top = GUARD;
  return {
    /**
     * @returns the byte address of a copy of `values`, a multiple of 4 bytes, which must stay
     *   unless `writable`
     */
    put(values: Numbers, { writable = false } = {}): number {
      const begin = top;
      const end = begin + values.byteLength / 4;
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      new Uint8Array(memory.buffer).set(bytes, begin * 4);
      regions.push({ begin, end, kept: writable ? undefined : words.slice(begin, end) });
      top = Math.ceil(end / 4) * 4 + GUARD;
      return begin * 4;
    },
    f32: (ptr: number, count: number) => new Float32Array(memory.buffer, ptr, count).slice(),
    i16: (ptr: number, count: number) => new Int16Array(memory.buffer, ptr, count).slice(),
    /** Asserts that nothing has changed but writable regions. */
    check(): void {
      let at = 0;
      // Calls of `expect` for each region would take longer than the comparisons.
      const expectNone = (change: number, what: string) => {
        if (change !== -1) expect(change, what).toBe(-1);
      };
      for (const { begin, end, kept } of regions) {
        expectNone(firstChange(words, at, begin, undefined), 'first canary that changed');
        if (kept) {
          const change = firstChange(words, begin, end, kept);
          expectNone(change, `first word of the input at ${4 * begin} that changed`);
        }
        at = end;
      }
      const change = firstChange(words, at, words.length, undefined);
      expectNone(change, 'first canary at the end that changed');
    },
  };
}

/** The first of the words begin … end that is no canary, or not as in `kept`; −1 for none. */
function firstChange(
  words: Uint32Array,
  begin: number,
  end: number,
  kept: Uint32Array | undefined,
) {
  const wanted = kept ?? canaries(end - begin);
  // Nearly always equal; the loop only looks for the place.
  if (Buffer.compare(bytesOf(words.subarray(begin, end)), bytesOf(wanted)) === 0) return -1;
  for (let i = begin; i < end; i++) {
    if (words[i] !== (kept === undefined ? CANARY_BITS : kept[i - begin])) return i;
  }
  return -1;
}

let manyCanaries = new Uint32Array();

function canaries(count: number): Uint32Array {
  if (manyCanaries.length < count) manyCanaries = new Uint32Array(count).fill(CANARY_BITS);
  return manyCanaries.subarray(0, count);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);
