import { dequantizeLatents, quantizeLatents, type Tensor } from '../../index.ts';
import { DECODED_DETAIL, DECODED_ENDINGS, decodeToFile } from '../files/decoded-file.ts';
import { checkOutput, formatOf } from '../files/files.ts';
import { readPicture } from '../files/picture-file.ts';
import type { CommandLine } from '../line/command-line.ts';
import { interruptible } from '../terminal/interrupt.ts';
import type { Command } from './command.ts';
import { withModel } from './with-model.ts';

export const roundtripCommand: Command = {
  name: 'roundtrip',
  operand: { name: 'IN', help: 'the picture: a PNG file' },
  options: ['output', 'model', 'weights', 'precision', 'workers', 'backend', 'background', 'float'],
  summary: 'Encodes a picture and decodes it again.',
  detail: `
${DECODED_DETAIL}
On the way the latents are rounded to 8 bits, as in a .png, unless --float is given.`,
  run: (line) => interruptible('roundtrip', (signal) => roundtrip(line, signal)),
};

async function roundtrip(line: CommandLine, signal: AbortSignal): Promise<void> {
  const { operand, output: path, model, alpha, float } = line;
  const format = formatOf(path, DECODED_ENDINGS);
  await checkOutput(path, operand);
  const picture = await readPicture(operand);
  await withModel(line, { model }, async (taesd, bar) => {
    const encoding = { onProgress: bar.stage('encoding'), signal };
    const latents = await taesd.encode(picture, { ...alpha, ...encoding });
    const kept = float ? latents : throughBytes(latents);
    const decoding = { onProgress: bar.stage('decoding'), signal };
    return decodeToFile(taesd, kept, { path, format, size: picture }, decoding);
  });
}

/** What is left of latents after a file of 8-bit latents. */
const throughBytes = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: dequantizeLatents(quantizeLatents(data)),
});
