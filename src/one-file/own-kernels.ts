import { readKernelText } from './kernel-text.ts';

/*
 * Stands in for `backend/wasm/own-kernels.ts` in the files that hold the whole package.
 */

/** The kernels as text, an argument of this file's code. A worker has none and needs none. */
declare const TAESD_KERNELS: string;

/** Returns the kernels in this file. */
export const readOwnKernels = async (): Promise<Uint8Array> => readKernelText(TAESD_KERNELS);
