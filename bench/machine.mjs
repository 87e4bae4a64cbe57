// What a benchmark's figures belong to.
import { readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';

/** Processor, cores, system, runtime: one line. */
export function machine() {
  const cores = cpus();
  return `${processorName(cores[0]?.model)} × ${cores.length}, ${platform()} ${arch()}, Node ${process.versions.node}, V8 ${process.versions.v8}`;
}

/** Virtual machines shorten the model's name ("AMD EPYC"); family and model number tell the generation. */
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

/** The median of some numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
