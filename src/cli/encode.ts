import { Taesd } from '../index.ts';
import { encodeLatentPng, encodeLatentSafetensors } from '../latent-file.ts';
import { decodePng } from '../png/index.ts';
import type { Command } from './command.ts';
import { checkOutput, formatOf, readInput, readingFile, writeOutput } from './files.ts';
import type { CommandLine } from './options.ts';
import { withProgress } from './progress.ts';

/** What the two formats hold as latents, for messages about endings. */
export const LATENT_ENDINGS = { png: '8-bit latents', safetensors: 'f32 latents' } as const;

export const encodeCommand: Command = {
  name: 'encode',
  operand: { name: 'IN', help: 'the picture: a PNG file' },
  options: ['output', 'model', 'weights', 'backend', 'background'],
  summary: 'Turns a picture into latents.',
  detail: `
OUT.png holds 8-bit latents as an RGBA picture, OUT.safetensors holds f32 "latents" [1,C,h,w].
Both remember the model and the picture's size.`,
  run: encode,
};

async function encode(line: CommandLine): Promise<void> {
  const { operand, output, model = 'taesd', weights, backend, alpha } = line;
  const format = formatOf('encode', output, LATENT_ENDINGS);
  await checkOutput('encode', output);
  const bytes = await readInput('encode', operand, 'a picture to read');
  const picture = readingFile(operand, () => decodePng(bytes));
  await withProgress(output, async (bar) => {
    const taesd = await Taesd.load({ model, weights, backend, only: 'encoder' });
    const latents = await taesd.encode(picture, { ...alpha, onProgress: bar.stage('encoding') });
    const { width, height } = picture;
    const toBytes = format === 'png' ? encodeLatentPng : encodeLatentSafetensors;
    await writeOutput('encode', output, toBytes({ latents, model, width, height }));
    const [, c, h, w] = latents.shape;
    return `${w}×${h} latents with ${c} channels`;
  });
}
