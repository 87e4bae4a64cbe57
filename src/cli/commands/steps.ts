import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expected } from '../../errors.ts';
import { decodeLatentPng, decodeLatentSafetensors, type LatentFile } from '../../formats/index.ts';
import { namedModel } from '../../formats/remembered.ts';
import {
  type Half,
  type ImageLike,
  type ModelName,
  type Step,
  type Taesd,
  type Tensor,
  VARIANTS,
} from '../../index.ts';
import { decodePng, encodePng } from '../../png/index.ts';
import { fullSize } from '../files/decoded-file.ts';
import { checkOutput, isSafetensors, readInput, readingFile, writeOutput } from '../files/files.ts';
import { chooseModel, saysLatents, takeUnmarked } from '../files/latents-input.ts';
import { inFolder } from '../files/output-folder.ts';
import type { CommandLine } from '../line/command-line.ts';
import type { Size } from '../line/option-values.ts';
import { layerPicture, type MapRange, rangeOf } from '../maps/feature-maps.ts';
import { Overview } from '../maps/steps-overview.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { type Column, countText, tableLines } from '../terminal/table.ts';
import type { Command } from './command.ts';
import { withModel } from './with-model.ts';

/** Whole maps of 64 channels at full size are in memory, several of them: 268 MB each at this. */
const MOST_PIXELS = 1024 * 1024;

const OVERVIEW = 'overview.png';

export const stepsCommand: Command = {
  name: 'steps',
  operand: { name: 'IN', help: 'a picture, a PNG file; or latents, a .png or .safetensors file' },
  options: ['folder', 'part', 'inner', 'model', 'weights', 'backend', 'background'],
  backends: ['wasm', 'reference'],
  summary: 'Draws what each layer makes of a picture or of latents.',
  detail: `
Of a picture both halves, the decoder on what the encoder gives. DIR gets a PNG of each layer's
maps, all channels of it, and overview.png, the whole way in one picture; a table is printed.
Colours: 0 is dark, positive numbers go through orange to white, negative ones through blue; one
scale a layer, whose end is the magnitude that 99.5 % of its numbers stay within. Large maps are
reduced to means, small ones enlarged. Each layer runs by itself, in f32, on one thread, never on
WebGPU. IN has at most 1024×1024 pixels, or latents for as many.`,
  run: (line) =>
    interruptible(
      'steps',
      (signal) => inFolder(line.folder, () => steps(line, signal)),
      'what is written is whole',
    ),
};

/** What this command may write, operations inside blocks included: IN must not be one of them. */
const OURS = /^(overview|\d+-(en|de)coder-.*)\.png$/;

async function steps(line: CommandLine, signal: AbortSignal): Promise<void> {
  const { operand, folder, alpha, inner } = line;
  for (const name of await readdir(folder)) {
    if (OURS.test(name)) await checkOutput(join(folder, name), operand);
  }
  const { input, model, parts } = await readStepsInput(line);
  const only = parts.length === 1 ? parts[0] : undefined;
  const lines: string[] = [];
  await withModel({ ...line, output: folder }, { model, only }, async (taesd, bar) => {
    const layers = parts.flatMap((part) =>
      VARIANTS[taesd.info.model].networks[part].map((layer, index) => ({ part, layer, index })),
    );
    const names = layers.map(({ part, layer, index }, n) => nameOf(n, part, index, layer.kind));
    const show = bar.stage('drawing');
    const save = async (name: string, step: Step): Promise<MapRange> => {
      const path = join(folder, `${name}.png`);
      const range = rangeOf(step.output);
      await writeOutput(path, [encodePng(layerPicture(step.output, range))], signal);
      return range;
    };
    const overview = new Overview();
    const rows: string[][] = [];
    let total = 0;
    for await (const step of way(taesd, input, parts, { ...alpha, signal })) {
      const done = rows.length;
      rows.push(cellsOf(step, await save(names[done], step)));
      overview.add(step, done === layers.length - 1);
      for await (const operation of inner ? step.inner({ signal }) : []) {
        await save(`${names[done]}-${operation.index}-${operation.layer.kind}`, operation);
        total++;
      }
      show({ done: done + 1, total: layers.length });
      total++;
    }
    const bytes = encodePng(overview.picture(taesd.info.model));
    await writeOutput(join(folder, OVERVIEW), [bytes], signal);
    lines.push(...tableLines(COLUMNS, rows));
    return `${total + 1} pictures`;
  });
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The layers of both halves, the decoder's on what the encoder gave, or of one. */
async function* way(
  taesd: Taesd,
  input: ImageLike | Tensor,
  parts: readonly Half[],
  options: Parameters<Taesd['steps']>[1],
): AsyncGenerator<Step> {
  let x = input;
  for (const part of parts) {
    for await (const step of taesd.steps(x, { ...options, part })) {
      yield step;
      x = step.output;
    }
  }
}

/** `07-encoder-7-block`: sorted by name, files are in the order of the data. */
const nameOf = (n: number, part: Half, index: number, kind: string): string =>
  `${`${n}`.padStart(2, '0')}-${part}-${index}-${kind.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

interface StepsInput {
  readonly input: ImageLike | Tensor;
  readonly model: ModelName | undefined;
  readonly parts: readonly Half[];
}

/** A picture or latents: as the file says, and where it is a PNG that says nothing, as --part does. */
async function readStepsInput({ operand, model, part }: CommandLine): Promise<StepsInput> {
  const bytes = await readInput(operand, 'a picture or latents to read');
  if (isSafetensors(bytes)) {
    const file = readingFile(operand, () => decodeLatentSafetensors(bytes));
    return latentsInput(operand, file, model, part);
  }
  const picture = readingFile(operand, () => decodePng(bytes));
  if (namedModel(picture.text) !== undefined || part === 'decoder') {
    const file = readingFile(operand, () => decodeLatentPng(bytes, model));
    const input = latentsInput(operand, file, model, part);
    if (!saysLatents(file)) takeUnmarked(operand, picture, input.model);
    return input;
  }
  checkPixels(operand, picture);
  return { input: picture, model, parts: part === undefined ? ['encoder', 'decoder'] : [part] };
}

function latentsInput(
  path: string,
  file: LatentFile,
  asked: ModelName | undefined,
  part: Half | undefined,
): StepsInput {
  if (part === 'encoder') {
    throw expected('ARG', path, 'a picture for the encoder', 'latents');
  }
  checkPixels(path, fullSize(file.latents));
  return { input: file.latents, model: chooseModel(path, asked, file), parts: ['decoder'] };
}

/** @throws TaesdError LIMIT */
function checkPixels(path: string, { width, height }: Size): void {
  if (width * height <= MOST_PIXELS) return;
  const rule = `at most ${countText(MOST_PIXELS)} pixels, since maps are whole in memory`;
  const hint = 'scale it down first';
  throw expected('LIMIT', path, rule, `${width}×${height}`, { hint });
}

const COLUMNS: readonly Column[] = [
  { title: 'layer', align: 'left' },
  { title: 'taesd.py', align: 'left' },
  { title: 'output', align: 'right' },
  { title: 'parameters', align: 'right' },
  { title: 'multiply-adds', align: 'right' },
  { title: 'ms', align: 'right' },
  { title: 'min', align: 'right' },
  { title: 'max', align: 'right' },
  { title: 'zeros', align: 'right' },
];

function cellsOf(step: Step, { min, max, zeros }: MapRange): string[] {
  const { name, module, shape, parameters, multiplyAdds, elapsedMs } = step;
  return [
    name,
    module,
    shape.slice(1).join('×'),
    countText(parameters),
    countText(multiplyAdds),
    elapsedMs.toFixed(1),
    min.toFixed(3),
    max.toFixed(3),
    `${(100 * zeros).toFixed(1)} %`,
  ];
}
