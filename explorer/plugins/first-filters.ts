import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';
import { readSafetensors, toTensor } from '../../dist/index.js';

const NAME = 'virtual:first-filters';
/** Vite's mark of a module that is no file. */
const ID = `\0${NAME}`;
const FILE = new URL('../../weights/nano/first-filters.safetensors', import.meta.url);

/**
 * The module `virtual:first-filters`, which `src/virtual.d.ts` describes: the numbers of the
 * first filters as base64 in the page's own code, so that the first scene waits for no request.
 */
export function firstFilters(): Plugin {
  return {
    name: 'first-filters',
    resolveId: (id) => (id === NAME ? ID : undefined),
    load(id) {
      if (id !== ID) return;
      const { tensors } = readSafetensors(readFileSync(FILE));
      const numbers = ['weight', 'bias'].flatMap((name) => {
        const tensor = tensors.get(name);
        if (tensor === undefined) throw new Error(`expected ${name} in ${FILE.pathname}`);
        return [...toTensor(tensor, name).data];
      });
      const text = Buffer.from(Float32Array.from(numbers).buffer).toString('base64');
      return `
        const bytes = Uint8Array.from(atob('${text}'), (letter) => letter.charCodeAt(0));
        const [cin, cout] = [3, 64];
        const numbers = new Float32Array(bytes.buffer);
        const weight = numbers.subarray(0, cout * cin * 9);
        const bias = numbers.subarray(cout * cin * 9);
        export const firstFilters = { cin, cout, weight, bias };`;
    },
  };
}
