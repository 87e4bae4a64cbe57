/*
 * Stands in for `backend/wasm/compile-failure.ts` in the files that hold the whole package. The
 * kernels are inside, so the error for missing ones is left out.
 */

export { compileFailure } from '../backend/wasm/compile-failure.ts';
