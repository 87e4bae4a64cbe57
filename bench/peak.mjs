// The peak of one core with a kind of instruction: the line that kernels are held against.
//
// A tile of P × Q accumulators stays in registers while its operands, P splats and Q vectors a
// step, come from the first-level cache. The fastest of some tiles counts. Operands that stay in
// registers do not raise the line: V8 either reuses products of an earlier step, or moves registers
// about (measured: 23 instead of 29).
import asc from 'assemblyscript/asc';
import { Bench } from 'tinybench';

export const F32_PEAK = 'f32x4.mul + f32x4.add';
export const I16_PEAK = 'i32x4.dot_i16x8_s + i32x4.add';

/** Multiply-adds of one instruction, and the instructions. */
const KINDS = {
  [F32_PEAK]: { lanes: 4, multiply: 'f32x4.mul', add: 'f32x4.add' },
  [I16_PEAK]: { lanes: 8, multiply: 'i32x4.dot_i16x8_s', add: 'i32x4.add' },
};
const TILES = [
  [2, 3],
  [2, 4],
  [3, 2],
  [4, 2],
];
/** Steps of a tile: 4 KB of splats at most, 16 KB of vectors. */
const STEPS = 256;
const ROUNDS = 1000;
/**
 * Addresses of the operands. They are zeros, which cost every processor what other numbers cost.
 */
const SPLATS = 16384;
const VECTORS = 32768;

/** @returns { [kind]: G multiply-adds/s }, the best that was seen */
export async function measurePeaks() {
  const bench = new Bench({ time: 200, warmupTime: 100, throws: true });
  const cases = Object.entries(KINDS).flatMap(([kind, how]) =>
    TILES.map(([p, q]) => ({ kind, p, q, ...how })),
  );
  for (const what of cases) {
    const { instance } = await WebAssembly.instantiate(await compile(program(what)));
    bench.add(`${what.kind} ${what.p}×${what.q}`, () => instance.exports.run(ROUNDS));
  }
  await bench.run();
  const peaks = {};
  for (const [i, { kind, p, q, lanes }] of cases.entries()) {
    const seconds = bench.tasks[i].result.latency.min / 1000;
    const rate = (ROUNDS * STEPS * p * q * lanes) / seconds / 1e9;
    peaks[kind] = Math.max(peaks[kind] ?? 0, rate);
  }
  return peaks;
}

/** Writes AssemblyScript for a tile of p × q accumulators. */
function program({ p, q, multiply, add }) {
  const rows = Array.from({ length: p }, (_, i) => i);
  const columns = Array.from({ length: q }, (_, i) => i);
  const each = (text) => rows.flatMap((r) => columns.map((c) => text(r, c))).join('\n');
  return `
    function tile(out: usize): void {
      ${each((r, c) => `let acc${r}x${c} = i32x4.splat(0);`)}
      ${rows.map((r) => `let splat${r}: usize = ${SPLATS + r * STEPS * 4};`).join('\n')}
      let vectors: usize = ${VECTORS};
      for (const end = splat0 + ${STEPS * 4}; splat0 < end; vectors += ${q * 16}) {
        ${columns.map((c) => `const b${c} = v128.load(vectors, ${c * 16});`).join('\n')}
        ${rows
          .map(
            (r) => `
        const a${r} = v128.load32_splat(splat${r});
        ${columns.map((c) => `acc${r}x${c} = ${add}(acc${r}x${c}, ${multiply}(a${r}, b${c}));`).join('\n')}
        splat${r} += 4;`,
          )
          .join('')}
      }
      ${each((r, c) => `v128.store(out, acc${r}x${c}, ${16 * (r * q + c)});`)}
    }
    export function run(rounds: i32): void {
      for (let i = 0; i < rounds; i++) tile(64);
    }`;
}

/** Compiles AssemblyScript's text to WASM with one page of memory. */
async function compile(text) {
  let bytes;
  const flags = ['--runtime', 'stub', '--enable', 'simd', '--initialMemory', '1', '-O3'];
  const { error, stderr } = await asc.main(['program.ts', '-o', 'program.wasm', ...flags], {
    readFile: (name) => (name === 'program.ts' ? text : null),
    writeFile: (_, contents) => {
      bytes = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`peak.mjs: ${error.message}\n${stderr}`);
  return bytes;
}
