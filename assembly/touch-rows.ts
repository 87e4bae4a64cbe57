import { rowAt } from './winograd';

const LINE_BYTES: usize = 64;

/**
 * Reads one number of each cache line of some rows that are about to be written or added, so that they are in the
 * cache then. Stores to lines that are not wait for them almost one by one, while reads overlap and are foreseen by the
 * processor: without this, the output transform takes twice as long on rows that left the second-level cache.
 * @param rows     u32 [count]: addresses of rows
 * @param offset   bytes from a row's start to the first line
 * @param bytes    of each row
 * @param scratch  u32 [1]: something is written here, so that no compiler leaves the reading out
 */
export function touchRows(
  rows: usize,
  count: i32,
  offset: usize,
  bytes: usize,
  scratch: usize,
): void {
  let any: u32 = 0;
  for (let r: usize = 0; r < <usize>count; r++) {
    let line = rowAt(rows, r) + offset;
    for (const end = line + bytes; line < end; line += LINE_BYTES) any |= load<u32>(line);
  }
  store<u32>(scratch, any);
}
