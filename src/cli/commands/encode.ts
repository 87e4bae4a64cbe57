import type { Space } from '../../formats/index.ts';
import { inSpace } from '../../formats/spaces.ts';
import { type WrittenFormat, writtenFormats } from '../../formats/table.ts';
import { formatOf } from '../files/format.ts';
import { readPicture } from '../files/picture-file.ts';
import { checkOutput, writeOutput } from '../files/write-output.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { aboutInput, expectedGot, fault } from '../terminal/faults.ts';
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
    'taesd encode photo.png -o photo.latent --model taesdxl',
    'taesd encode photo.png -o latents.f16 --space vae',
  ],
  operand: { name: 'IN', help: 'the picture, a PNG file' },
  options: [
    'output',
    'model',
    'writtenSpace',
    'background',
    'weights',
    'precision',
    'workers',
    'backend',
  ],
} as const satisfies CommandSpec;

export const encodeCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, (line) => interruptible((signal) => encode(line, signal))),
};

async function encode(line: CommandLine<typeof SPEC>, signal: AbortSignal): Promise<void> {
  const { operand, output, background } = line;
  const format = formatOf(output, writtenFormats());
  const space = spaceOf(format, line.writtenSpace);
  await checkOutput(output, operand);
  const picture = await readPicture(operand);
  await withModel(output, { ...line, only: 'encoder' }, async (taesd, bar) => {
    const options = { ...background, onProgress: bar.stage('encoding'), signal };
    const latents = await taesd.encode(picture, options).catch((error: unknown) => {
      throw aboutInput(operand, error);
    });
    const { width, height } = picture;
    const file = inSpace({ latents, model: taesd.info.model, width, height }, space);
    await writeOutput(output, [format.write(file)], signal);
    const [, c, h, w] = latents.shape;
    return `${w}×${h} latents with ${c} channels`;
  });
}

/**
 * Returns the space to write latents in.
 *
 * @throws TaesdError ARG (files of this format always have the other space)
 */
function spaceOf({ writtenSpace, endings }: WrittenFormat, named: Space | undefined): Space {
  if (writtenSpace === undefined) return named ?? 'diffusion';
  if (named === undefined || named === writtenSpace) return writtenSpace;
  const rule = `${writtenSpace}, the space of every ${endings[0]} file`;
  throw fault('--space', expectedGot(rule, named));
}
