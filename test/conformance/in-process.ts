import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { type Operators, operators, referenceBackend } from '../../src/backend/reference.ts';
import { createWasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import { operatorsOnWasm } from '../backend/operators-on-wasm.ts';
import { isFullLength } from '../full-length.ts';
import { runNetwork } from '../run-program.ts';
import { sharedFile, testShared } from '../shared.ts';
import { CASES } from './cases.ts';
import type { LaterOperators, Place } from './place.ts';

/*
 * The conformance suite on the backends that need no more than this process. WASM is in the quick
 * suite and the reference, which takes half a minute, in the slow one; WebGPU's part is in
 * ../webgpu.
 */

function here(backend: Backend, single: Operators): Place {
  const entries = Object.entries(single as unknown as Record<string, () => unknown>);
  const later = entries.map(([key, call]) => [key, async (...args: []) => call(...args)]);
  return {
    name: backend.name,
    operators: Object.fromEntries(later) as LaterOperators,
    run: (network, input, wanted) => runNetwork(backend, network, input, { wanted }),
  };
}

const PLACES = {
  reference: async () => here(referenceBackend, operators),
  wasm: async () => here(await createWasmBackend(), await operatorsOnWasm()),
};

/** Returns true for a trip of a picture of more than a few pixels, by the title of its case. */
const isTrip = (title: string) => /→ latents and decoded/.test(title) && !title.includes('16x16');

/** The suite's tests on a backend. */
export function testConformance(name: keyof typeof PLACES): void {
  const notes: string[] = [];
  afterAll(() => console.log(notes.join('\n')));
  describe(`conformance [${name}]`, () => {
    let place: Place;
    beforeAll(async () => {
      place = await PLACES[name]();
    });
    for (const { name: title, shared, run } of CASES) {
      // golden.slow.test.ts has those of the reference, golden.test.ts those of WASM.
      if (isTrip(title) && (name === 'reference' || !isFullLength)) continue;
      // In the quick suite the layers of one wide model are enough.
      if (
        !isFullLength &&
        /^tae(sana|qi2_1|w2_1), random latent|(taesana|taew2_1)-layers/.test(title)
      )
        continue;
      // In the quick suite backend/agreement.test.ts has these networks on WASM, in fewer sizes.
      if (title.startsWith('network: ') && !isFullLength) continue;
      // And golden.test.ts and taew2_1.test.ts have these tensors.
      if (/layers-32x32|^taesd, random latent|taew2_1-astronaut/.test(title) && !isFullLength)
        continue;
      const body = async () => {
        const note = await run(place, async (path) => sharedFile(path));
        notes.push(`${place.name.padEnd(9)} ${title}: ${note}`);
      };
      if (shared) testShared(title, body);
      else test(title, body);
    }
  });
}
