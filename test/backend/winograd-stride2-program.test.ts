import { beforeAll, describe, expect, test } from 'vitest';
import { referenceBackend } from '../../src/backend/reference.ts';
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/wasm-backend.ts';
import { bindNetwork } from '../../src/model/bind.ts';
import { conv3x3, type Network, relu, upsample2x } from '../../src/model/layers.ts';
import type { Tensor } from '../../src/tensor.ts';
import { rounds } from '../full-length.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runProgram } from '../run-program.ts';
import { networkTensors } from '../small-model.ts';
import { firstOff } from './first-off.ts';

/*
 * Convolutions of stride 2 in whole programs, in every size around their tiles of 8×8 pixels; and
 * which convolutions multiply in which way.
 */

const compile = (backend: Pick<WasmBackend, 'compile'>, network: Network) =>
  backend.compile(bindNetwork('network', network, networkTensors(network, 5)));

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);

/** Every height and every width from 1 to 40, in each remainder of 8. */
const ALL_SIZES = range(1, 40).flatMap((height) => [
  ...range(1, 10).map((width) => [height, width]),
  ...[1, 7, 8, 9, 22].map((add) => [height, 1 + ((3 * height + add) % 40)]),
  [1 + ((5 * height) % 9), height],
]);
/** The sample has two or three of the widths of every height. */
const SIZES = ALL_SIZES.filter((_, n) => n % rounds(7, 1) === 0);

/** Bounds of the reference's largest number; the most that was measured is 2.9e-6 and 1.4e-3. */
const NETWORKS: Record<string, { layers: Network; f32: number; fast: number }> = {
  'one of stride 2': { layers: [conv3x3(16, 16, { stride: 2 }), relu()], f32: 1e-5, fast: 3e-3 },
  'one of stride 2, 32→48, no bias': {
    layers: [conv3x3(32, 48, { stride: 2, bias: false })],
    f32: 1e-5,
    fast: 3e-3,
  },
  'direct, of stride 2, plain': {
    layers: [conv3x3(3, 16), relu(), conv3x3(16, 16, { stride: 2 }), conv3x3(16, 16)],
    f32: 1e-5,
    fast: 3e-3,
  },
  'two of stride 2': {
    layers: [conv3x3(16, 32, { stride: 2 }), conv3x3(32, 16, { stride: 2 }), conv3x3(16, 16)],
    f32: 1e-5,
    fast: 3e-3,
  },
  'of stride 2 after an upsampling': {
    layers: [conv3x3(3, 16), upsample2x(), conv3x3(16, 16, { stride: 2 })],
    f32: 1e-5,
    fast: 3e-3,
  },
};

/** Wide enough for more than one block of 12 tiles, or just not. */
const WIDE = [95, 96, 97, 191, 192, 193, 200];

for (const [name, { layers, ...bounds }] of Object.entries(NETWORKS)) {
  /** The outputs of the reference by size, made once for both precisions. */
  const wantedOf = new Map<string, Tensor>();
  describe.each(['f32', 'fast'] as const)(`${name}, %s`, (precision) => {
    const bound = bounds[precision];
    let wasm: WasmBackend;
    beforeAll(async () => {
      wasm = await createWasmBackend({ precision });
    });

    const testSizes = (what: string, sizes: readonly (readonly number[])[]) =>
      test(`Program [wasm]: ${name}, ${precision}, ${what} → within ${bound} of the reference’s largest number`, () => {
        const [program, reference] = [wasm, referenceBackend].map((b) => compile(b, layers));
        const cin = 'cin' in layers[0] ? layers[0].cin : 1;
        let most = 0;
        for (const [height, width] of sizes) {
          const random = seededRandom(100 * height + width);
          const input = randomTensor(random, [1, cin, height, width]);
          const size = `${width}×${height}`;
          const wanted = wantedOf.get(size) ?? runProgram(reference, layers, input);
          wantedOf.set(size, wanted);
          const { found, worst } = firstOff(
            runProgram(program, layers, input).data,
            wanted.data,
            bound,
          );
          expect(found, size).toBe('none');
          most = Math.max(most, worst);
        }
        if (process.env.MEASURE) console.log(`${name}, ${precision}`, most);
      });

    testSizes(`${SIZES.length} sizes from 1×1 to 40×40`, SIZES);
    testSizes(
      `3 high and ${WIDE.join(' ')} wide`,
      WIDE.map((width) => [3, width]),
    );
  });
}

test('Program [wasm]: stride 2, f32 and fast, every span of rows of 21 → the bits of the whole', async () => {
  const network = [conv3x3(16, 16, { stride: 2 }), conv3x3(16, 16, { stride: 2 }), relu()];
  for (const precision of ['f32', 'fast'] as const) {
    const program = compile(await createWasmBackend({ precision }), network);
    const input = randomTensor(seededRandom(4), [1, 16, 83, 13]);
    const whole = runProgram(program, network, input);
    const [, channels, height, width] = whole.shape;
    for (let first = 0; first < height; first++) {
      for (let end = first + 1; end <= height; end++) {
        const some = runProgram(program, network, input, { first, end });
        for (let c = 0; c < channels; c++) {
          const [from, to] = [first, end].map((y) => (c * height + y) * width);
          const at = range(from, to - 1).find((n) => !Object.is(some.data[n], whole.data[n]));
          const fault = at && `element ${at}: got ${some.data[at]}, expected ${whole.data[at]}`;
          expect(fault, `${precision}, rows ${first} … ${end}`).toBe(undefined);
        }
      }
    }
  }
});

/** The first number of which the bits of f32 and fast differ; −1 for none. */
async function firstDifference(network: Network, input: Tensor): Promise<number> {
  const [f32, fast] = await Promise.all(
    (['f32', 'fast'] as const).map(async (precision) =>
      runProgram(compile(await createWasmBackend({ precision }), network), network, input),
    ),
  );
  return f32.data.findIndex((value, i) => !Object.is(value, fast.data[i]));
}

const halve = (cin: number, cout: number) => conv3x3(cin, cout, { stride: 2 });

test('Program [wasm]: fast, convolutions at an eighth of the largest height → the bits of f32; at a quarter → others', async () => {
  // Direct convolutions are f32 always.
  const input = randomTensor(seededRandom(8), [1, 3, 45, 37]);
  // With it, the rest is little of the work.
  const fine = [conv3x3(3, 24), halve(24, 4)];
  const eighth = [...fine, halve(4, 4), halve(4, 16), conv3x3(16, 16)];
  expect(await firstDifference(eighth, input)).toBe(-1);
  expect(await firstDifference([...fine, halve(4, 4), halve(4, 16)], input)).toBe(-1);
  expect(await firstDifference([...eighth, halve(16, 16)], input)).toBe(-1);
  const quarter = [...fine, halve(4, 16), conv3x3(16, 16)];
  expect(await firstDifference(quarter, input)).not.toBe(-1);
  expect(await firstDifference([...quarter.slice(0, 3), halve(16, 16)], input)).toBe(-1);
  expect(await firstDifference([halve(3, 16), halve(16, 16)], input)).not.toBe(-1);
  const latent = randomTensor(seededRandom(9), [1, 16, 7, 5]);
  const up = [conv3x3(16, 16), upsample2x(), upsample2x(), upsample2x()];
  expect(await firstDifference([...up, conv3x3(16, 20)], latent)).toBe(-1);
  expect(await firstDifference(up.slice(0, 3), latent)).not.toBe(-1);
});

/**
 * Errors of fast in a flat picture's inner pixels, of their largest number; the most that was
 * measured is 6.2e-8.
 */
const FLAT_BOUND = 5e-7;

/** A picture of one number in each channel. */
function flatPicture(height: number, width: number): Tensor {
  const values = randomTensor(seededRandom(1), [16]).data;
  const data = Float32Array.from(
    { length: 16 * height * width },
    (_, n) => values[Math.floor(n / (height * width))],
  );
  return { shape: [1, 16, height, width], data };
}

/** The pixels that no number outside the picture has a part in, nor a tile of which one has. */
function inner({ shape, data }: Tensor): Tensor {
  const [, channels, height, width] = shape;
  const kept = data.filter((_, n) => {
    const [y, x] = [Math.floor(n / width) % height, n % width];
    return y >= 4 && x >= 4 && y < height - 4 && x < width - 4;
  });
  return { shape: [1, channels, height - 8, width - 8], data: kept };
}

test(`Program [wasm]: fast, a network that makes its input smaller, each channel one number → inner pixels within ${FLAT_BOUND} of the reference’s largest number, 20 times that and more without`, async () => {
  const wasm = await createWasmBackend({ precision: 'fast' });
  const input = flatPicture(40, 56);
  const run = (network: Network) => {
    const wanted = runProgram(compile(referenceBackend, network), network, input);
    const got = runProgram(compile(wasm, network), network, input);
    return firstOff(inner(got).data, inner(wanted).data, FLAT_BOUND);
  };
  // The first convolution is flat's; the second, with 4 channels, direct and f32.
  const { found, worst } = run([conv3x3(16, 16), conv3x3(16, 4, { stride: 2 })]);
  expect(found).toBe('none');
  // As large as its input, the network rounds at every point.
  const rounded = run([conv3x3(16, 16), conv3x3(16, 4)]).worst;
  if (process.env.MEASURE) console.log('flat', worst, 'without', rounded);
  expect(rounded).toBeGreaterThan(20 * FLAT_BOUND);
});

for (const cin of [1, 2, 3, 5, 6, 7]) {
  for (const stride of [1, 2] as const) {
    test(`Program [wasm]: ${cin}→16, stride ${stride}, direct, 1 to 17 wide → within 1e-5 of the reference’s largest number`, async () => {
      // Rows of the input without padding channels.
      const network = [conv3x3(cin, 16, { stride }), relu(), conv3x3(16, 3)];
      const [program, reference] = [await createWasmBackend(), referenceBackend].map((b) =>
        compile(b, network),
      );
      for (const width of range(1, 17)) {
        const input = randomTensor(seededRandom(width), [1, cin, 1 + ((5 * width) % 11), width]);
        const wanted = runProgram(reference, network, input);
        const { found } = firstOff(runProgram(program, network, input).data, wanted.data, 1e-5);
        expect(found, `${width} wide`).toBe('none');
      }
    });
  }
}
