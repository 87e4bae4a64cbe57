// The size of the kernels' memory after one picture, weights included.
import { startContestant } from '../contestant.mjs';
import { F32 } from '../contestants.mjs';

/** @returns bytes */
export async function measureWasmMemory(size, { progress }) {
  progress(`WASM memory, ${size.width}×${size.height}`);
  const contestant = await startContestant(F32, 'decoder');
  try {
    await contestant.run({ size, rows: true });
    const { wasmBytes } = await contestant.memory();
    if (wasmBytes === undefined) throw new Error('this build has no taesd.info.memoryBytes');
    return wasmBytes;
  } finally {
    await contestant.close();
  }
}
