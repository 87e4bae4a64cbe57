import { encodeLatentPng, encodeLatentSafetensors } from '../../formats/index.ts';
import { checkOutput, formatOf, writeOutput } from '../files/files.ts';
import { readPicture } from '../files/picture-file.ts';
import type { CommandLine } from '../line/command-line.ts';
import { interruptible } from '../terminal/interrupt.ts';
import type { Command } from './command.ts';
import { withModel } from './with-model.ts';

/** What the two formats hold as latents, for messages about endings. */
export const LATENT_ENDINGS = { png: '8-bit latents', safetensors: 'f32 latents' } as const;

export const encodeCommand: Command = {
  name: 'encode',
  operand: { name: 'IN', help: 'the picture: a PNG file' },
  options: ['output', 'model', 'weights', 'precision', 'workers', 'backend', 'background'],
  summary: 'Turns a picture into latents.',
  detail: `
OUT.png holds 8-bit latents as an RGBA picture, OUT.safetensors holds f32 "latents" [1,C,h,w].
Both remember the model and the picture's size.`,
  run: (line) => interruptible('encode', (signal) => encode(line, signal)),
};

async function encode(line: CommandLine, signal: AbortSignal): Promise<void> {
  const { operand, output, model, alpha } = line;
  const format = formatOf(output, LATENT_ENDINGS);
  await checkOutput(output, operand);
  const picture = await readPicture(operand);
  await withModel(line, { model, only: 'encoder' }, async (taesd, bar) => {
    const onProgress = bar.stage('encoding');
    const latents = await taesd.encode(picture, { ...alpha, onProgress, signal });
    const { width, height } = picture;
    const toBytes = format === 'png' ? encodeLatentPng : encodeLatentSafetensors;
    const bytes = toBytes({ latents, model: taesd.info.model, width, height });
    await writeOutput(output, [bytes], signal);
    const [, c, h, w] = latents.shape;
    return `${w}×${h} latents with ${c} channels`;
  });
}
