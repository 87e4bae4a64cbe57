import { writtenFormats } from '../../formats/table.ts';
import { formatOf } from '../files/format.ts';
import { readPicture } from '../files/picture-file.ts';
import { checkOutput, writeOutput } from '../files/write-output.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { aboutInput } from '../terminal/faults.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { type Command, runLine } from './command.ts';
import { withModel } from './with-model.ts';

const SPEC = {
  name: 'encode',
  summary: 'Turns a picture into latents.',
  detail: () => {
    const sentences = writtenFormats().map(({ endings, detail }) => `OUT${endings[0]} ${detail}.`);
    return sentences.join(' ');
  },
  examples: [
    'taesd encode photo.png -o latents.png',
    'taesd encode photo.png -o latents.safetensors --model taesdxl',
  ],
  operand: { name: 'IN', help: 'the picture, a PNG file' },
  options: ['output', 'model', 'weights', 'precision', 'workers', 'backend', 'background'],
} as const satisfies CommandSpec;

export const encodeCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, (line) => interruptible((signal) => encode(line, signal))),
};

async function encode(line: CommandLine<typeof SPEC>, signal: AbortSignal): Promise<void> {
  const { operand, output, background } = line;
  const format = formatOf(output, writtenFormats());
  await checkOutput(output, operand);
  const picture = await readPicture(operand);
  await withModel(output, { ...line, only: 'encoder' }, async (taesd, bar) => {
    const options = { ...background, onProgress: bar.stage('encoding'), signal };
    const latents = await taesd.encode(picture, options).catch((error: unknown) => {
      throw aboutInput(operand, error);
    });
    const { width, height } = picture;
    const bytes = format.write({ latents, model: taesd.info.model, width, height });
    await writeOutput(output, [bytes], signal);
    const [, c, h, w] = latents.shape;
    return `${w}×${h} latents with ${c} channels`;
  });
}
