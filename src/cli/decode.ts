import { type ModelName, Taesd, VARIANTS } from '../index.ts';
import { decodeLatentPng, decodeLatentSafetensors, type LatentFile } from '../latent-file.ts';
import type { Command } from './command.ts';
import { DECODED_DETAIL, DECODED_ENDINGS, decodeToFile } from './decoded-file.ts';
import { LATENT_ENDINGS } from './encode.ts';
import { checkOutput, formatOf, readInput, readingFile, writeOutput } from './files.ts';
import type { CommandLine } from './options.ts';
import { withProgress } from './progress.ts';
import { sayLine } from './say.ts';

export const decodeCommand: Command = {
  name: 'decode',
  operand: { name: 'IN', help: 'the latents: a .png or .safetensors file' },
  options: ['output', 'model', 'weights', 'backend', 'size'],
  summary: 'Turns latents into a picture.',
  detail: `
${DECODED_DETAIL}
Model and size are those that IN remembers, unless given; where it remembers none, the model is
taesd and the picture 8 times as wide and as high as the latents.`,
  run: decode,
};

async function decode(line: CommandLine): Promise<void> {
  const { operand, output, weights, backend } = line;
  const inputFormat = formatOf('decode', operand, LATENT_ENDINGS);
  const format = formatOf('decode', output, DECODED_ENDINGS);
  await checkOutput('decode', output);
  const bytes = await readInput('decode', operand, 'latents to read');
  const file = readingFile(operand, () =>
    inputFormat === 'png' ? decodeLatentPng(bytes, line.model) : decodeLatentSafetensors(bytes),
  );
  const model = chooseModel(operand, line.model, file);
  await withProgress(output, async (bar) => {
    const taesd = await Taesd.load({ model, weights, backend, only: 'decoder' });
    const { width, height } = line.size ?? file;
    const onProgress = bar.stage('decoding');
    const decoded = await decodeToFile(taesd, file.latents, format, { width, height, onProgress });
    await writeOutput('decode', output, decoded.bytes);
    return `${decoded.width}×${decoded.height}`;
  });
}

/** The one asked for, else the one that the file remembers, else `taesd`. */
function chooseModel(
  path: string,
  asked: ModelName | undefined,
  { model: remembered, latents }: LatentFile,
): ModelName {
  // With other channels decoding fails, and its error says why: one line is enough.
  const runs = asked !== undefined && VARIANTS[asked].latentChannels === latents.shape[1];
  if (runs && remembered !== undefined && asked !== remembered) {
    sayLine(`${path}: latents of ${remembered}, decoded as ${asked} because --model says so`);
  }
  return asked ?? remembered ?? 'taesd';
}
