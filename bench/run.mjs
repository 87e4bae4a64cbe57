// npm run bench: the kernels beside the machine's peak, the whole networks by level, and both
// beside a peer. `npm run bench:peers` runs all peers and checks all promises.
//   --kernels, --levels, --peers   these parts alone
//   --against DIR                  this build beside another built checkout, by level; nothing
//                                  else. The exit code is 1 if a level is slower (see against.mjs)
//   --only NAME                    with --against: the levels whose name contains NAME, as in
//                                  "decoder fast 64x64"; may stand several times
import { parseArgs } from 'node:util';
import { compareWith, lineOf } from './against.mjs';
import { benchKernels } from './kernels.mjs';
import { benchLevels } from './levels.mjs';
import { machine } from './machine.mjs';
import { measurePeaks } from './peak.mjs';
import { F32, FAST, WEB } from './peers/contestants.mjs';
import { installPeers } from './peers/install.mjs';
import { measureSpeed } from './peers/measure/speed.mjs';
import { speedTable } from './peers/report.mjs';
import { missingFile } from './peers/shared.mjs';

const { values } = parseArgs({
  options: {
    kernels: { type: 'boolean' },
    levels: { type: 'boolean' },
    peers: { type: 'boolean' },
    against: { type: 'string' },
    only: { type: 'string', multiple: true },
  },
});
const { against, only = [], ...parts } = values;
const isWhole = against === undefined && Object.keys(parts).length === 0;
const wants = (part) => isWhole || parts[part] === true;
const cell = (value, width, digits = 1) => value.toFixed(digits).padStart(width);

console.log(machine());

if (against !== undefined) {
  console.log(`\nthis build beside ${against}, one thread, 512×512: 15 pairs a level`);
  console.log(
    `  ${'level'.padEnd(30)}${'this'.padStart(11)} ${'other'.padStart(11)}   ratio, 96.5 %`,
  );
  const compared = await compareWith(against, only, (row) => console.log(lineOf(row)));
  const slower = compared.filter(({ verdict }) => verdict === 'SLOWER').map(({ name }) => name);
  let verdict = `no level is slower (of ${compared.length})`;
  if (compared.length === 0) verdict = `--only: no level has a name with ${only.join(' or ')}`;
  if (slower.length > 0) {
    verdict = `SLOWER: ${slower.join('; ')}. To measure a level again: --only "${slower[0]}"`;
  }
  console.log(`\n${verdict}`);
  process.exitCode = slower.length === 0 && compared.length > 0 ? 0 : 1;
}

if (wants('kernels')) {
  const peaks = await measurePeaks();
  console.log('\npeak of one core');
  for (const [kind, rate] of Object.entries(peaks)) {
    console.log(`  ${kind.padEnd(36)}${cell(rate, 8)} G multiply-adds/s`);
  }
  console.log('\nkernel, rows of 512 pixels, 64 channels, one thread');
  for (const { kernel, rate, unit, peak } of await benchKernels()) {
    const share = peak === undefined ? '' : `${cell((100 * rate) / peaks[peak], 5, 0)} % of peak`;
    console.log(`  ${kernel.padEnd(36)}${cell(rate, 8)} ${unit.padEnd(17)}${share}`.trimEnd());
  }
}

if (wants('levels')) {
  for (const part of ['decoder', 'encoder']) {
    for (const precision of ['f32', 'fast']) {
      console.log(`\n${part}, ${precision}, 512×512, one thread: by level, as if direct`);
      for (const { level, ms, multiplyAdds } of await benchLevels(part, precision)) {
        const rate = multiplyAdds / ms / 1e6;
        console.log(
          `  ${level.padEnd(12)}${cell(ms, 8)} ms  ${cell(multiplyAdds / 1e9, 6)} G  ${cell(rate, 6)} G multiply-adds/s`,
        );
      }
    }
  }
}

if (wants('peers')) {
  const missing = missingFile();
  if (missing !== undefined) {
    console.log(`\nbeside a peer: not run (no ${missing})`);
  } else {
    const versions = { [WEB]: installPeers()[WEB] };
    const settings = { runs: 5, progress: () => {} };
    const names = [F32, FAST, WEB];
    const [decode, encode] = [
      { value: await measureSpeed('decoder', settings, names) },
      { value: await measureSpeed('encoder', settings, names) },
    ];
    console.log(`\nmedians of interleaved runs\n${speedTable({ decode, encode }, versions)}`);
  }
}
