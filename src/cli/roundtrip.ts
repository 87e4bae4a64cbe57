import { dequantizeLatents, quantizeLatents, Taesd, type Tensor } from '../index.ts';
import { decodePng } from '../png/index.ts';
import type { Command } from './command.ts';
import { DECODED_DETAIL, DECODED_ENDINGS, decodeToFile } from './decoded-file.ts';
import { checkOutput, formatOf, readInput, readingFile, writeOutput } from './files.ts';
import type { CommandLine } from './options.ts';
import { withProgress } from './progress.ts';

export const roundtripCommand: Command = {
  name: 'roundtrip',
  operand: { name: 'IN', help: 'the picture: a PNG file' },
  options: ['output', 'model', 'weights', 'backend', 'background', 'float'],
  summary: 'Encodes a picture and decodes it again.',
  detail: `
${DECODED_DETAIL}
On the way the latents are rounded to 8 bits, as in a .png, unless --float is given.`,
  run: roundtrip,
};

async function roundtrip(line: CommandLine): Promise<void> {
  const { operand, output, model, weights, backend, alpha, float } = line;
  const format = formatOf('roundtrip', output, DECODED_ENDINGS);
  await checkOutput('roundtrip', output);
  const bytes = await readInput('roundtrip', operand, 'a picture to read');
  const picture = readingFile(operand, () => decodePng(bytes));
  await withProgress(output, async (bar) => {
    const taesd = await Taesd.load({ model, weights, backend });
    const latents = await taesd.encode(picture, { ...alpha, onProgress: bar.stage('encoding') });
    const { width, height } = picture;
    const options = { width, height, onProgress: bar.stage('decoding') };
    const kept = float ? latents : throughBytes(latents);
    const decoded = await decodeToFile(taesd, kept, format, options);
    await writeOutput('roundtrip', output, decoded.bytes);
    return `${width}×${height}`;
  });
}

/** What is left of latents after a file of 8-bit latents. */
const throughBytes = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: dequantizeLatents(quantizeLatents(data)),
});
