// What one core can do with a kind of instruction, fed from registers alone: the line that kernels are held against.
import asc from 'assemblyscript/asc';
import { Bench } from 'tinybench';

const ROUNDS = 1_000_000;
const LANES = 4;

/**
 * Eight accumulators, 4 × 2, as the matrix kernels have, and no memory. `left` and `right` change places each round,
 * so that no product is the same as the round before's and none can be taken out of the loop.
 */
const KINDS = {
  'f32x4.mul + f32x4.add': {
    multiplyAdds: 1 * LANES,
    product: (a, b) => `f32x4.mul(${a}, ${b})`,
    add: 'f32x4.add',
    splat: (n) => `f32x4.splat(${n} * <f32>seed)`,
  },
  'i32x4.dot_i16x8_s + i32x4.add': {
    multiplyAdds: 2 * LANES,
    product: (a, b) => `i32x4.dot_i16x8_s(${a}, ${b})`,
    add: 'i32x4.add',
    splat: (n) => `i16x8.splat(<i16>(${n} * seed))`,
  },
};

function program({ product, add, splat }) {
  const columns = [0, 1, 2, 3];
  const accumulators = columns.flatMap((i) => [`acc${i}Left`, `acc${i}Right`]);
  return `
    export function run(rounds: i32, seed: i32): v128 {
      let left = ${splat(5)};
      let right = ${splat(6)};
      ${columns.map((i) => `const factor${i} = ${splat(i + 1)};`).join('\n')}
      ${accumulators.map((acc) => `let ${acc} = i32x4.splat(0);`).join('\n')}
      for (let i = 0; i < rounds; i++) {
        ${columns
          .map(
            (i) => `
        acc${i}Left = ${add}(acc${i}Left, ${product(`factor${i}`, 'left')});
        acc${i}Right = ${add}(acc${i}Right, ${product(`factor${i}`, 'right')});`,
          )
          .join('')}
        const swap = left;
        left = right;
        right = swap;
      }
      return ${accumulators.reduce((sum, acc) => `${add}(${sum}, ${acc})`)};
    }
    export function runOnce(rounds: i32, seed: i32): i32 {
      return i32x4.extract_lane(run(rounds, seed), 0);
    }`.replace('export function run(', 'function run(');
}

/** @returns the fastest of some runs: { [kind]: G multiply-adds/s }, kinds 'f32x4.mul + f32x4.add' and so on */
export async function measurePeaks() {
  const bench = new Bench({ time: 300, warmupTime: 300 });
  for (const [kind, how] of Object.entries(KINDS)) {
    const { instance } = await WebAssembly.instantiate(await compile(program(how)));
    bench.add(kind, () => instance.exports.runOnce(ROUNDS, 1));
  }
  await bench.run();
  const peaks = {};
  for (const { name, result } of bench.tasks) {
    const multiplyAdds = ROUNDS * 8 * KINDS[name].multiplyAdds;
    peaks[name] = multiplyAdds / (result.latency.min / 1000) / 1e9;
  }
  return peaks;
}

/** AssemblyScript's text → WASM. */
async function compile(text) {
  let bytes;
  const { error, stderr } = await asc.main(
    ['program.ts', '--outFile', 'program.wasm', '--runtime', 'stub', '--enable', 'simd', '-O3'],
    {
      readFile: (name) => (name === 'program.ts' ? text : null),
      writeFile: (_, contents) => {
        bytes = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`peak.mjs: ${error.message}\n${stderr}`);
  return bytes;
}

export const F32_PEAK = 'f32x4.mul + f32x4.add';
export const I16_PEAK = 'i32x4.dot_i16x8_s + i32x4.add';
