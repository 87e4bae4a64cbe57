import type { Half, ModelName } from 'taesd-wasm';
import decoder from '../../../src/model/decoder.ts?raw';
import encoder from '../../../src/model/encoder.ts?raw';
import layers from '../../../src/model/layers.ts?raw';
import nano from '../../../src/model/nano.ts?raw';
import qwenImage21 from '../../../src/model/qwen-image-2.1.ts?raw';
import sana from '../../../src/model/sana.ts?raw';
import taew from '../../../src/model/taew.ts?raw';
import type { StepView } from '../engine/protocol.ts';

/*
 * The line of src/model/ that describes a step, found in the files as they were when the page was
 * built.
 */

export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** A file, and what the names of its two functions begin with. */
interface Source {
  readonly file: string;
  readonly text: string;
  readonly prefix: string;
}

/** The models whose layers are not those of encoder.ts and decoder.ts. */
const OWN_FILES: Readonly<Partial<Record<ModelName, Source>>> = {
  nano: { file: 'nano.ts', text: nano, prefix: 'nano' },
  taesana: { file: 'sana.ts', text: sana, prefix: 'sana' },
  taeqi2_1: { file: 'qwen-image-2.1.ts', text: qwenImage21, prefix: 'qwenImage21' },
  taew2_1: { file: 'taew.ts', text: taew, prefix: 'taew' },
};

export function sourceLine(step: StepView, model: ModelName): SourceLine | undefined {
  const { part, index, block } = step;
  if (block !== undefined) return insideBlock(step);
  const own = OWN_FILES[model];
  if (own !== undefined) return inList(own.file, own.text, nameOf(own.prefix, part), index);
  const [file, text] = part === 'encoder' ? ['encoder.ts', encoder] : ['decoder.ts', decoder];
  return inList(file, text, part, index);
}

/** `nanoEncoder` */
const nameOf = (prefix: string, part: Half): string =>
  `${prefix}${part === 'encoder' ? 'Encoder' : 'Decoder'}`;

/** The line of a layer: the lists that the functions return have one a line. */
function inList(file: string, source: string, name: string, index: number): SourceLine | undefined {
  const lines = source.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`export function ${name}(`));
  const first = lines.findIndex((line, n) => n > start && line.trim() === 'return [') + 1;
  return start < 0 || first === 0 ? undefined : lineAt(file, lines, first + index);
}

/** The line of an operation inside a block, or inside a layer on frames. */
function insideBlock({ name }: StepView): SourceLine | undefined {
  const place = name.split('.').slice(2).join('.');
  const inFrame = place.replace(/^frame\d\./, '');
  const lines = layers.split('\n');
  const start = lines.findIndex((line) => line.includes(`export function ${functionOf(place)}`));
  const pattern = place === inFrame ? innerPattern(place) : framePattern(place, inFrame);
  const at = lines.findIndex((line, n) => n >= start && pattern.test(line));
  // Some are said only in what describes the layer.
  return lineAt('layers.ts', lines, at < 0 ? lines.findIndex((line) => pattern.test(line)) : at);
}

function functionOf(place: string): string {
  if (/^frame\d\./.test(place)) return 'frameOps';
  return /^pool\.\d$/.test(place) ? 'poolOps' : 'blockOps';
}

/** Returns the pattern of the line about an operation inside a block. */
function innerPattern(place: string): RegExp {
  if (place === 'x+pool') return /x \+ pool\(x\)/;
  if (place === 'skip') return /blockSkip\(/;
  if (place === 'add' || place === 'fuse') return /skip\(x\)/;
  return place === 'conv.1' || place === 'conv.3' ? /kind: 'relu' \},/ : new RegExp(`'${place}'`);
}

/** Returns the pattern for an operation of a frame: a sum and a ReLU are part of a convolution. */
function framePattern(place: string, inFrame: string): RegExp {
  if (inFrame === 'add' || inFrame === 'fuse') return /'conv\.4'/;
  if (inFrame === '0' || inFrame === '1') {
    return new RegExp(`push\\(${place[5]}, '${inFrame}'`);
  }
  if (inFrame === 'x+past') return /add(?:: first|: sum|, relu)/;
  return new RegExp(`'${inFrame.replace(/\.relu$/, '')}'`);
}

function lineAt(file: string, lines: readonly string[], at: number): SourceLine | undefined {
  if (lines[at] === undefined) return undefined;
  return { file: `src/model/${file}`, line: at + 1, text: lines[at].trim().replace(/^\* /, '') };
}
