// Each kernel by itself, on rows of a 512-wide map that stay in the second-level cache, as in a real run.
import { readFileSync } from 'node:fs';
import { Bench } from 'tinybench';

const WIDTH = 512;
const CHANNELS = 64;
const ROW_BYTES = (WIDTH + 2) * CHANNELS * 4;

/** @returns rows { kernel, rate, unit }: G multiply-adds/s for convolutions, GB/s read and written for the rest */
export async function benchKernels() {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const bytes = readFileSync(new URL('../dist/taesd.wasm', import.meta.url));
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const kernels = instance.exports;
  // Small numbers: denormals and NaN would be timed otherwise.
  const floats = new Float32Array(memory.buffer);
  for (let i = 0; i < floats.length; i++) floats[i] = ((i % 17) - 8) / 64;

  let top = 64;
  const region = (size) => {
    const ptr = top;
    top += Math.ceil(size / 64) * 64;
    return ptr;
  };
  const [above, here, below, out] = [1, 2, 3, 4].map(() => region(ROW_BYTES));
  const wide = region(2 * ROW_BYTES);
  const weights = region(CHANNELS * CHANNELS * 9 * 4);
  const bias = region(CHANNELS * 4);
  const count = ROW_BYTES / 4;

  const multiplyAdds = (kernel, width) => kernel * kernel * CHANNELS * CHANNELS * width;
  const cases = [
    {
      kernel: `conv3x3 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAdds(3, WIDTH),
      run: () => kernels.conv3x3(out, above, here, below, weights, bias, WIDTH, CHANNELS, CHANNELS),
    },
    {
      kernel: `conv3x3Stride2 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAdds(3, WIDTH / 2),
      run: () =>
        kernels.conv3x3Stride2(
          out,
          above,
          here,
          below,
          weights,
          bias,
          WIDTH / 2,
          CHANNELS,
          CHANNELS,
        ),
    },
    {
      kernel: `conv1x1 ${CHANNELS}→${CHANNELS}`,
      work: multiplyAdds(1, WIDTH),
      run: () => kernels.conv1x1(out, here, weights, bias, WIDTH, CHANNELS, CHANNELS),
    },
    { kernel: 'relu', bytes: 2 * ROW_BYTES, run: () => kernels.relu(out, count) },
    { kernel: 'add', bytes: 3 * ROW_BYTES, run: () => kernels.add(out, here, count) },
    {
      kernel: 'upsample2x',
      bytes: 3 * ROW_BYTES,
      run: () => kernels.upsample2x(wide, here, WIDTH, CHANNELS),
    },
    { kernel: 'clamp', bytes: 2 * ROW_BYTES, run: () => kernels.clamp(out, count, 3) },
  ];

  const bench = new Bench({ time: 500, warmupTime: 200 });
  for (const { kernel, run } of cases) bench.add(kernel, run);
  await bench.run();
  return cases.map(({ kernel, work, bytes: moved }, i) => {
    const seconds = bench.tasks[i].result.latency.p50 / 1000;
    return {
      kernel,
      rate: (work ?? moved) / seconds / 1e9,
      unit: work ? 'G multiply-adds/s' : 'GB/s',
    };
  });
}
