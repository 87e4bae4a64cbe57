// The machine that a benchmark's figures belong to.
import { readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';

/** Returns processor, cores, system and runtime in one line. */
export function machine() {
  const cores = cpus();
  return `${processorName(cores[0]?.model)} × ${cores.length}, ${platform()} ${arch()}, Node ${process.versions.node}, V8 ${process.versions.v8}`;
}

/** Adds family and model number: virtual machines shorten the model's name ("AMD EPYC"). */
function processorName(model) {
  const family = processorField('cpu family');
  return family === undefined
    ? model
    : `${model} (family ${family}, model ${processorField('model')})`;
}

/** The numbers of models of AMD's family 25 with Zen 4; the others have Zen 3. */
const ZEN4_MODELS = [
  [0x10, 0x1f],
  [0x60, 0x7f],
  [0xa0, 0xaf],
];

/** Returns 'Zen 4', 'Zen 5', or undefined for another core. Some promises differ between these. */
export function core() {
  if (processorField('vendor_id') !== 'AuthenticAMD') return undefined;
  const [family, model] = [processorField('cpu family'), processorField('model')].map(Number);
  if (family === 26) return 'Zen 5';
  const isZen4 = ZEN4_MODELS.some(([first, last]) => first <= model && model <= last);
  return family === 25 && isZen4 ? 'Zen 4' : undefined;
}

/** Returns the value of a field of /proc/cpuinfo. It is undefined outside of Linux. */
function processorField(name) {
  try {
    const info = readFileSync('/proc/cpuinfo', 'utf8');
    return info.match(new RegExp(`^${name}\\s*: (.*)$`, 'm'))?.[1];
  } catch {
    return undefined; // only Linux has /proc
  }
}

/** Returns the median of some numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
