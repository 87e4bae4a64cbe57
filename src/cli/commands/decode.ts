import { onOneLine, TaesdError } from '../../errors.ts';
import type { FoundLatents } from '../../formats/index.ts';
import { UNMARKED } from '../../formats/read-latents.ts';
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
import { LATENT_OPTIONS, modelFor, readLatentFile, takeOne } from '../files/latents-input.ts';
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
${DECODED_DETAIL} A PNG is written while it is decoded, so the picture may be larger than memory.
The content of IN decides how it is read, not its ending. If IN does not record something about its
latents, a line on stderr reports the assumption.`,
  examples: [
    'taesd decode latents.png -o photo.png',
    'taesd decode latents.safetensors -o photo.png --model taef1 --workers 0',
    'taesd decode ComfyUI_00001_.latent -o photo.png --model taesdxl --pick 1',
    'taesd decode cache.safetensors -o photo.png --tensor latents --space vae',
    'taesd decode latents.f16 -o photo.png --shape 4x64x64',
  ],
  operand: {
    name: 'IN',
    help: () => `the latents: a ${endingsOf(LATENT_FORMATS)} file`,
  },
  options: ['output', ...LATENT_OPTIONS, 'size', 'weights', 'precision', 'workers', 'backend'],
} as const satisfies CommandSpec;

export const decodeCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, (line) => interruptible((signal) => decode(line, signal))),
};

type Line = CommandLine<typeof SPEC>;

async function decode(line: Line, signal: AbortSignal): Promise<void> {
  const { operand, output: path } = line;
  const format = formatOf(path, DECODED_FORMATS);
  await checkOutput(path, operand);
  const bytes = await readInput(operand);
  const all = await readLatentFile(operand, bytes, { ...line, model: line.latentsModel });
  if (line.size !== undefined) checkCrop(all.latents, line.size);
  const found = takeOne(operand, all);
  const decoded: DecodedFile = { path, format, size: line.size ?? found };
  const model = modelFor(line.latentsModel, found);
  const isAssumed = found.model === undefined;
  await withModel(path, { ...line, model, isAssumed, only: 'decoder' }, async (taesd, bar) => {
    try {
      const run = { onProgress: bar.stage('decoding'), signal, space: found.space };
      return await decodeToFile(taesd, found.latents, decoded, run);
    } catch (error) {
      throw aboutLatents(operand, found, error);
    }
  });
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
function aboutLatents(path: string, { latents, assumed }: FoundLatents, error: unknown): unknown {
  const isTooLarge = error instanceof TaesdError && ['LIMIT', 'OOM'].includes(error.code);
  if (!isTooLarge) return aboutInput(path, error);
  const [, , h, w] = latents.shape;
  const { width, height } = fullSize(latents);
  const size = `latents of ${w}×${h} for ${width}×${height} pixels`;
  const doubt = assumed.includes(UNMARKED) ? '; a picture? taesd encode' : '';
  const { code, sentence, remedy } = error;
  const named = `${onOneLine(path)} (${size}${doubt}): ${sentence}`;
  return new TaesdError(code, named, { cause: error, remedy });
}
