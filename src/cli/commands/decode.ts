import { inside, onOneLine, TaesdError } from '../../errors.ts';
import type { LatentFile } from '../../formats/index.ts';
import { LATENT_FORMATS } from '../../formats/table.ts';
import type { Tensor } from '../../index.ts';
import { LATENT_SCALE } from '../../model/variants.ts';
import {
  DECODED_DETAIL,
  DECODED_FORMATS,
  type DecodedFile,
  decodeToFile,
  fullSize,
} from '../files/decoded-file.ts';
import { endingsOf, formatOf } from '../files/format.ts';
import { chooseModel, takeUnmarked } from '../files/latents-input.ts';
import { readInput } from '../files/read-input.ts';
import { checkOutput } from '../files/write-output.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import type { Size } from '../line/size.ts';
import { aboutInput, expectedGot, fault } from '../terminal/faults.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { type Command, runLine } from './command.ts';
import { withModel } from './with-model.ts';

const SPEC = {
  name: 'decode',
  summary: 'Turns latents into a picture.',
  detail: `
${DECODED_DETAIL} A PNG is written while it is decoded, so the picture may be larger than memory.`,
  examples: [
    'taesd decode latents.png -o photo.png',
    'taesd decode latents.safetensors -o photo.png --model taef1 --workers 0',
  ],
  operand: { name: 'IN', help: () => `the latents, a ${endingsOf(LATENT_FORMATS)} file` },
  options: ['output', 'latentsModel', 'weights', 'precision', 'workers', 'backend', 'size'],
} as const satisfies CommandSpec;

export const decodeCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, (line) => interruptible((signal) => decode(line, signal))),
};

async function decode(line: CommandLine<typeof SPEC>, signal: AbortSignal): Promise<void> {
  const { operand, output: path } = line;
  const inputFormat = formatOf(operand, LATENT_FORMATS);
  const format = formatOf(path, DECODED_FORMATS);
  await checkOutput(path, operand);
  const bytes = await readInput(operand);
  const options = { model: line.latentsModel, name: operand };
  const found = await inside(operand, async () => inputFormat.read(bytes, options));
  const { file, doubt } = found;
  const { latents } = file;
  const model = chooseModel(operand, line.latentsModel, file);
  if (line.size !== undefined) checkCrop(latents, line.size);
  const size = line.size ?? recordedSize(file);
  takeUnmarked(operand, found, model);
  const decoded: DecodedFile = { path, format, size };
  await withModel(path, { ...line, model, only: 'decoder' }, async (taesd, bar) => {
    try {
      const run = { onProgress: bar.stage('decoding'), signal };
      return await decodeToFile(taesd, latents, decoded, run);
    } catch (error) {
      throw aboutLatents(operand, latents, doubt === undefined, error);
    }
  });
}

function recordedSize({ width, height }: LatentFile): Size | undefined {
  return width === undefined || height === undefined ? undefined : { width, height };
}

/** @throws TaesdError ARG (latents cannot be cropped to that size) */
function checkCrop(latents: Tensor, { width, height }: Size): void {
  const max = fullSize(latents);
  const min = { width: max.width - LATENT_SCALE + 1, height: max.height - LATENT_SCALE + 1 };
  const fitsX = min.width <= width && width <= max.width;
  const fitsY = min.height <= height && height <= max.height;
  if (fitsX && fitsY) return;
  const rule = `${min.width}x${min.height} to ${max.width}x${max.height}`;
  const hint = 'it crops, it does not scale';
  throw fault('--size', expectedGot(rule, `${width}x${height}`), { hint });
}

/** Adds the input's name to an error that it caused, and its size if the size is the cause. */
function aboutLatents(path: string, latents: Tensor, isMarked: boolean, error: unknown): unknown {
  const isTooLarge = error instanceof TaesdError && ['LIMIT', 'OOM'].includes(error.code);
  if (!isTooLarge) return aboutInput(path, error);
  const [, , h, w] = latents.shape;
  const { width, height } = fullSize(latents);
  const size = `latents of ${w}×${h} for ${width}×${height} pixels`;
  // Any PNG can be read as latents. One that does not record that it holds them may be a picture.
  const doubt = isMarked ? '' : '; a picture? taesd encode';
  const { code, sentence, remedy } = error;
  const named = `${onOneLine(path)} (${size}${doubt}): ${sentence}`;
  return new TaesdError(code, named, { cause: error, remedy });
}
