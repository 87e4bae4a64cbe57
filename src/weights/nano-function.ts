import type { NanoName } from '../model/variants.ts';

/** Returns the name of the function that `taesd-wasm/NAME` exports: `nanoSdxl` of `nano-sdxl`. */
export const functionOf = (name: NanoName): string =>
  name.replace(/-(.)/, (_, letter: string) => letter.toUpperCase());
