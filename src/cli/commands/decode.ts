import { expected, TaesdError } from '../../errors.ts';
import { decodeLatentPng, decodeLatentSafetensors, type LatentFile } from '../../formats/index.ts';
import type { Tensor } from '../../index.ts';
import { LATENT_SCALE } from '../../model/variants.ts';
import { decodePng } from '../../png/index.ts';
import {
  DECODED_DETAIL,
  DECODED_ENDINGS,
  type DecodedFile,
  decodeToFile,
  fullSize,
} from '../files/decoded-file.ts';
import { checkOutput, formatOf, readInput, readingFile } from '../files/files.ts';
import { chooseModel, saysLatents, takeUnmarked } from '../files/latents-input.ts';
import type { CommandLine } from '../line/command-line.ts';
import type { Size } from '../line/option-values.ts';
import { interruptible } from '../terminal/interrupt.ts';
import type { Command } from './command.ts';
import { LATENT_ENDINGS } from './encode.ts';
import { withModel } from './with-model.ts';

export const decodeCommand: Command = {
  name: 'decode',
  operand: { name: 'IN', help: 'the latents: a .png or .safetensors file' },
  options: ['output', 'model', 'weights', 'precision', 'workers', 'backend', 'size'],
  summary: 'Turns latents into a picture.',
  detail: `
${DECODED_DETAIL}
Model and size are those that IN remembers, unless given; where it remembers none, the model is
taesd and the picture 8 times as wide and as high as the latents. A PNG is written as it is decoded,
so that a picture larger than memory can be made.`,
  run: (line) => interruptible('decode', (signal) => decode(line, signal)),
};

async function decode(line: CommandLine, signal: AbortSignal): Promise<void> {
  const { operand, output: path } = line;
  const inputFormat = formatOf(operand, LATENT_ENDINGS);
  const format = formatOf(path, DECODED_ENDINGS);
  await checkOutput(path, operand);
  const bytes = await readInput(operand, 'latents to read');
  const file = readingFile(operand, () =>
    inputFormat === 'png' ? decodeLatentPng(bytes, line.model) : decodeLatentSafetensors(bytes),
  );
  const { latents } = file;
  const model = chooseModel(operand, line.model, file);
  if (line.size !== undefined) checkCrop(latents, line.size);
  const size = line.size ?? rememberedSize(file);
  const isMarked = inputFormat === 'safetensors' || saysLatents(file);
  if (!isMarked) takeUnmarked(operand, decodePng(bytes), model);
  const decoded: DecodedFile = { path, format, size };
  await withModel(line, { model, only: 'decoder' }, async (taesd, bar) => {
    try {
      const run = { onProgress: bar.stage('decoding'), signal };
      return await decodeToFile(taesd, latents, decoded, run);
    } catch (error) {
      throw explainSize(operand, latents, isMarked, error);
    }
  });
}

function rememberedSize({ width, height }: LatentFile): Size | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}

/** @throws TaesdError ARG where the latents do not stand for a picture of that size */
function checkCrop(latents: Tensor, { width, height }: Size): void {
  const most = fullSize(latents);
  const [leastWidth, leastHeight] = [most.width, most.height].map(
    (size) => size - LATENT_SCALE + 1,
  );
  const fits = (size: number, least: number, all: number) => least <= size && size <= all;
  if (fits(width, leastWidth, most.width) && fits(height, leastHeight, most.height)) return;
  const range = `${leastWidth}x${leastHeight} to ${most.width}x${most.height}`;
  const rule = `${range} (it crops, it does not scale)`;
  throw expected('ARG', '--size', rule, `${width}x${height}`);
}

/** Where there is too little room: how large the latents are, and that they may be none. */
function explainSize(path: string, latents: Tensor, isMarked: boolean, error: unknown): unknown {
  if (!(error instanceof TaesdError) || !['LIMIT', 'OOM'].includes(error.code)) return error;
  const [, , h, w] = latents.shape;
  const { width, height } = fullSize(latents);
  const doubt = isMarked ? '' : '; a picture? taesd encode';
  const message = `${path} (latents of ${w}×${h} for ${width}×${height} pixels${doubt}): ${error.message}`;
  return new TaesdError(error.code, message, { cause: error });
}
