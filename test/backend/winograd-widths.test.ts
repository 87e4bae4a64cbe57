import { beforeAll, describe, expect, test } from 'vitest';
import { referenceBackend } from '../../src/backend/reference.ts';
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import { bindNetwork } from '../../src/model/bind.ts';
import { conv3x3, type Network, relu, upsample2x } from '../../src/model/layers.ts';
import { isFullLength } from '../full-length.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runProgram } from '../run-program.ts';
import { networkTensors } from '../small-model.ts';

/*
 * One convolution at a time in every number of channels, in widths around tiles of 4 and 6, and
 * around blocks of 24 tiles of 6 and 32 of 4.
 */

const CHANNELS = [16, 32, 48, 64, 80, 128];
const ALL_WIDTHS = [1, 4, 5, 6, 7, 23, 24, 25, 64, 65, 71, 73, 127, 129, 144, 145];
/** Parts of the largest number. The largest measured are 1.2e-5 and 4.3e-3, with tiles of 6×6. */
const BOUNDS = { f32: 1.5e-5, fast: 8e-3 };

/** The outputs of the reference by network and width, made once for both precisions. */
const wantedOf = new Map<string, Float32Array>();

describe.each(['f32', 'fast'] as const)('one convolution, %s', (precision) => {
  let wasm: WasmBackend;
  beforeAll(async () => {
    wasm = await createWasmBackend({ precision });
  });

  let networks = 0;
  for (const cin of CHANNELS) {
    for (const cout of [16, 48]) {
      for (const upsample of [false, true]) {
        const network: Network = [...(upsample ? [upsample2x()] : []), conv3x3(cin, cout), relu()];
        const turn = networks++;
        // The sample has a quarter of them, other ones for the next network.
        const widths = ALL_WIDTHS.filter((_, n) => isFullLength || (n + turn) % 4 === 0);
        const what = `${cin}→${cout}${upsample ? ', upsampled' : ''}`;
        test(`Program [wasm]: ${what}, ${precision}, 3 high and ${widths.join(' ')} wide → within ${BOUNDS[precision]} of the reference’s largest number`, () => {
          const bound = bindNetwork('network', network, networkTensors(network, cin));
          const [program, reference] = [wasm, referenceBackend].map((b) => b.compile(bound));
          let worst = 0;
          for (const width of widths) {
            const input = randomTensor(seededRandom(width), [1, cin, 3, width]);
            const key = `${what}, ${width}`;
            const wanted = wantedOf.get(key) ?? runProgram(reference, network, input).data;
            wantedOf.set(key, wanted);
            const got = runProgram(program, network, input).data;
            const largest = wanted.reduce((most, value) => Math.max(most, value), 0);
            const errors = wanted.map((value, i) => Math.abs(got[i] - value) / largest);
            const at = errors.findIndex((error) => !(error <= BOUNDS[precision]));
            const found = at < 0 ? 'none' : `element ${at}: got ${got[at]}, expected ${wanted[at]}`;
            expect(found, `${width} wide`).toBe('none');
            worst = errors.reduce((most, error) => Math.max(most, error), worst);
          }
          if (process.env.MEASURE) console.log(what, precision, worst);
        });
      }
    }
  }
});
