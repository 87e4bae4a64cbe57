import { dequantizeLatents, quantizeLatents, type Tensor } from '../../index.ts';
import { DECODED_DETAIL, DECODED_FORMATS, decodeToFile } from '../files/decoded-file.ts';
import { formatOf } from '../files/format.ts';
import { readPicture } from '../files/picture-file.ts';
import { checkOutput } from '../files/write-output.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { aboutInput } from '../terminal/faults.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { type Command, runLine } from './command.ts';
import { withModel } from './with-model.ts';

const SPEC = {
  name: 'roundtrip',
  summary: 'Encodes a picture and decodes it again.',
  detail: `
${DECODED_DETAIL} Between the halves the latents are rounded to 8 bits, as in a .png. --float
keeps the latents as f32.`,
  examples: [
    'taesd roundtrip photo.png -o again.png',
    'taesd roundtrip photo.png -o again.png --float --model taef1',
  ],
  operand: { name: 'IN', help: 'the picture, a PNG file' },
  options: ['output', 'model', 'weights', 'precision', 'workers', 'backend', 'background', 'float'],
} as const satisfies CommandSpec;

export const roundtripCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, (line) => interruptible((signal) => roundtrip(line, signal))),
};

async function roundtrip(line: CommandLine<typeof SPEC>, signal: AbortSignal): Promise<void> {
  const { operand, output: path, background, float } = line;
  const format = formatOf(path, DECODED_FORMATS);
  await checkOutput(path, operand);
  const picture = await readPicture(operand);
  await withModel(path, line, async (taesd, bar) => {
    try {
      const encoding = { onProgress: bar.stage('encoding'), signal };
      const latents = await taesd.encode(picture, { ...background, ...encoding });
      const kept = float ? latents : throughBytes(latents);
      const decoding = { onProgress: bar.stage('decoding'), signal };
      return await decodeToFile(taesd, kept, { path, format, size: picture }, decoding);
    } catch (error) {
      throw aboutInput(operand, error);
    }
  });
}

/** Returns the latents as a file of 8-bit latents would keep them. */
const throughBytes = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: dequantizeLatents(quantizeLatents(data)),
});
