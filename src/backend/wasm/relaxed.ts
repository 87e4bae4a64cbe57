import { expected, TaesdError } from '../../errors.ts';
import type { KernelModule, KernelSource } from '../../options/types.ts';
import { originalFile } from '../../platform/package-file.ts';
import { compileKernels, isRelaxed } from './module.ts';
import { readKernels } from './own-kernels.ts';

/*
 * The kernels of `precision: 'relaxed'`. They are those of taesd.wasm, except that a product and
 * its addition are one instruction, `f32x4.relaxed_madd`. They are a file of their own, read on
 * demand: a runtime refuses a whole module if it does not know one of its instructions.
 */

const RELAXED_PATH = '../../../dist/taesd.relaxed.wasm';
// No bundler sees this address. Turbopack compiles each module that an edge function names, and its
// runtime refuses this one.
const relaxedUrl = () => originalFile(RELAXED_PATH, import.meta.url);

/** The smallest module that needs the instruction: `() → ()`, never called. */
// biome-ignore format: one section a line
const RELAXED_PROBE = [
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // "\0asm", version 1
  0x01, 0x04, 0x01, 0x60, 0x00, 0x00, // types: () → ()
  0x03, 0x02, 0x01, 0x00, // functions: one, of that type
  0x0a, 0x09, 0x01, 0x07, 0x00, 0x00, 0xfd, 0x85, 0x02, 0x1a, 0x0b, // unreachable, madd, drop
];

/** Returns true if the runtime has relaxed SIMD. */
export const hasRelaxed = (): boolean => WebAssembly.validate(Uint8Array.from(RELAXED_PROBE));

/**
 * Compiles the kernels with relaxed multiply-adds.
 *
 * @param source  defaults to the package's file
 * @throws TaesdError UNSUPPORTED (the runtime has no relaxed SIMD; as `compileKernels`), ARG (other
 *   kernels were given, or the package's file is not there), FORMAT, NETWORK
 */
export async function compileRelaxed(source?: KernelSource): Promise<KernelModule> {
  // Without WebAssembly at all, `compileKernels` throws the error.
  if (typeof WebAssembly !== 'undefined' && !hasRelaxed()) {
    const where =
      'runs everywhere; Chrome 114 and Node 22 have relaxed SIMD, Node 20 with --experimental-wasm-relaxed-simd';
    const remedy = { api: `precision: 'f32' ${where}`, command: `--precision f32 ${where}` };
    const rule = "a runtime with relaxed SIMD for 'relaxed'";
    throw expected('UNSUPPORTED', 'precision', rule, 'one without', { remedy });
  }
  const module = await compileKernels(source ?? (await readRelaxed())).catch((error) => {
    throw source === undefined ? ofPackage(error) : error;
  });
  if (isRelaxed(module)) return module;
  const hint = 'import taesd-wasm/taesd.relaxed.wasm instead';
  const rule = 'taesd.relaxed.wasm for precision relaxed';
  throw expected('ARG', 'wasm', rule, 'other kernels', { hint });
}

/** Reads the package's file. */
function readRelaxed(): Promise<Uint8Array> {
  const remedy =
    'hand over taesd-wasm/taesd.relaxed.wasm, compiled or as bytes, as the option wasm';
  return readKernels(relaxedUrl, RELAXED_PATH, import.meta.url, remedy);
}

/** Returns an error that names the file if other bytes came in its place, such as a web page. */
function ofPackage(error: unknown): unknown {
  if (!(error instanceof TaesdError) || error.code !== 'FORMAT') return error;
  const hint = 'does the server or bundler serve this file?';
  return expected('FORMAT', 'taesd.relaxed.wasm', 'the kernels', 'other bytes', {
    hint,
    cause: error,
  });
}
