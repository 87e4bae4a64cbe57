import decoder from '../../../src/model/decoder.ts?raw';
import encoder from '../../../src/model/encoder.ts?raw';
import layers from '../../../src/model/layers.ts?raw';
import nano from '../../../src/model/nano.ts?raw';
import type { StepView } from '../engine/protocol.ts';

/*
 * The line of src/model/ that describes a step, found in the files as they were when the page was built.
 */

export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export function sourceLine(step: StepView, isNano: boolean): SourceLine | undefined {
  const { part, index, block, name } = step;
  if (block !== undefined) {
    const start = /\.pool\.\d$/.test(name) ? 'export function poolOps' : 'export function blockOps';
    return find('layers.ts', layers, start, innerPattern(name));
  }
  // In the lists each layer has its number beside it.
  const numbered = new RegExp(`// ${index}\\b`);
  if (isNano) {
    const start = part === 'encoder' ? 'function nanoEncoder' : 'function nanoDecoder';
    return find('nano.ts', nano, start, numbered);
  }
  const [file, text] = part === 'encoder' ? ['encoder.ts', encoder] : ['decoder.ts', decoder];
  return find(file, text, `export function ${part}`, numbered);
}

/** What is said of an operation inside a block. */
function innerPattern(name: string): RegExp {
  const place = name.split('.').slice(2).join('.');
  if (place === 'x+pool') return /x \+ pool\(x\)/;
  if (place === 'skip') return /blockSkip\(/;
  if (place === 'add' || place === 'fuse') return /skip\(x\)/;
  return place === 'conv.1' || place === 'conv.3' ? /kind: 'relu' \},/ : new RegExp(`'${place}'`);
}

/** The first line after `start` that fits, or, where there is none, the first in the file. */
function find(
  file: string,
  source: string,
  start: string,
  pattern: RegExp,
): SourceLine | undefined {
  const lines = source.split('\n');
  const first = Math.max(
    lines.findIndex((line) => line.includes(start)),
    0,
  );
  const after = lines.findIndex((line, n) => n >= first && pattern.test(line));
  const at = after >= 0 ? after : lines.findIndex((line) => pattern.test(line));
  if (at < 0) return undefined;
  return { file: `src/model/${file}`, line: at + 1, text: lines[at].trim().replace(/^\* /, '') };
}
