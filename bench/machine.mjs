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
  try {
    const info = readFileSync('/proc/cpuinfo', 'utf8');
    const field = (name) => info.match(new RegExp(`^${name}\\s*: (.*)$`, 'm'))?.[1];
    const family = field('cpu family');
    return family === undefined ? model : `${model} (family ${family}, model ${field('model')})`;
  } catch {
    return model; // only Linux has /proc
  }
}

/** Returns the median of some numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
