// npm run bench: the kernels, then the whole networks beside a peer. `-- --kernels` or `-- --peers` for one of them.
import { benchKernels } from './kernels.mjs';
import { machine } from './machine.mjs';
import { benchPeers } from './peers.mjs';

const wanted = process.argv.slice(2);
const wants = (part) => wanted.length === 0 || wanted.includes(`--${part}`);
const cell = (value, width, digits = 1) => value.toFixed(digits).padStart(width);

console.log(machine());

if (wants('kernels')) {
  console.log('\nkernel, rows of 512 pixels, 64 channels, one thread');
  for (const { kernel, rate, unit } of await benchKernels()) {
    console.log(`  ${kernel.padEnd(24)}${cell(rate, 8)} ${unit}`);
  }
}

if (wants('peers')) {
  const { reason, peer, rows } = await benchPeers();
  if (reason) {
    console.log(`\nbeside a peer: not run (${reason})`);
  } else {
    console.log(`\nmedians of interleaved runs, one thread, beside ${peer}`);
    for (const { what, ours, theirs, largestDifference } of rows) {
      const ratio = `${(ours / theirs).toFixed(2)} × its time`;
      const off = `largest difference ${largestDifference.toExponential(1)}`;
      console.log(
        `  ${what.padEnd(16)}${cell(ours, 7, 0)} ms  ${cell(theirs, 7, 0)} ms   ${ratio}   ${off}`,
      );
    }
  }
}
