// The memory of a process that decodes a picture and writes its rows as they come.
import { runFresh } from './fresh.mjs';

/** @returns { aboveStartBytes, ms } */
export function measureStream({ quick, progress }) {
  if (quick) throw new Error('--quick leaves 4096² out');
  progress('4096², rows written as they come');
  return runFresh('write-rows.mjs', '4096');
}
