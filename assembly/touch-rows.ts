import { LARGE_TILE, TILE } from '../src/backend/tile';
import {
  JOB_ADD,
  JOB_COUT,
  JOB_OUTPUT_ROWS,
  JOB_SIDE,
  JOB_TILE,
} from '../src/backend/wasm/job-layout';
import { F32_BYTES, LARGE_SIDE } from '../src/backend/wasm/layout';
import { rowAt } from './winograd';

const LINE_BYTES: usize = 64;

/**
 * Reads one number of each cache line of the rows that a block of tiles is about to write or add,
 * so that they are in the cache then. Stores to lines that are not there wait for them almost one
 * by one, while reads overlap and the processor foresees them. Without this, the output transform
 * takes twice as long on rows that left the second-level cache.
 * @param job     reads JOB_SIDE: tiles of 8 points along an axis have 6×6 outputs, others 4×4;
 *                JOB_OUTPUT_ROWS, u32 [4, 6, 8 or 12]: a tile's rows f32 [pixels][cout], with
 *                JOB_ADD twice as many;
 *                JOB_COUT; JOB_TILE, u32 [1]: something is written here, so that no compiler leaves
 *                the reading out
 * @param offset  bytes from a row's start to the block's first pixel
 * @param tiles   in the block
 * Units: pointers are byte addresses, 4-byte aligned; sizes are elements.
 * Errors: none here; backend/wasm checks shapes once. Accuracy: no number changes.
 */
export function touchRows(job: usize, offset: usize, tiles: i32): void {
  const rows = load<usize>(job, JOB_OUTPUT_ROWS);
  const tile: usize = load<i32>(job, JOB_SIDE) == LARGE_SIDE ? LARGE_TILE : TILE;
  const count: usize = load<i32>(job, JOB_ADD) ? 2 * tile : tile;
  const bytes = <usize>tiles * tile * load<usize>(job, JOB_COUT) * F32_BYTES;
  let any: u32 = 0;
  for (let r: usize = 0; r < count; r++) {
    let line = rowAt(rows, r) + offset;
    for (const end = line + bytes; line < end; line += LINE_BYTES) any |= load<u32>(line);
  }
  store<u32>(load<usize>(job, JOB_TILE), any);
}
