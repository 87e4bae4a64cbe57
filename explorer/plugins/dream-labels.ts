import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

const WEIGHTS = new URL('../../weights/dream/dream.safetensors', import.meta.url);
const NAME = 'virtual:dream-labels';

/**
 * The labels that `dream` knows and their values, as its file of weights has them: the page offers
 * them before it fetches that.
 */
export function dreamLabels(): Plugin {
  return {
    name: 'dream-labels',
    resolveId: (id) => (id === NAME ? `\0${id}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined;
      const bytes = readFileSync(WEIGHTS);
      const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE())));
      return `export const DREAM_LABELS = ${header.__metadata__.labels};`;
    },
  };
}
