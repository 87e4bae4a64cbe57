import { inside } from '../../errors.ts';
import type { LatentFile, Space } from '../../formats/index.ts';
import { inSpace } from '../../formats/spaces.ts';
import { type WrittenFormat, writtenFormats } from '../../formats/table.ts';
import { toVae } from '../../model/vae-space.ts';
import { VARIANTS } from '../../model/variants.ts';
import { PICTURES } from '../files/folder-contents.ts';
import { planJobs } from '../files/jobs.ts';
import { PICTURE_HELP, PICTURE_OPTIONS, readPicture, scaledSize } from '../files/picture-file.ts';
import { inputName } from '../files/read-input.ts';
import { writeOutput } from '../files/write-output.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { aboutInput, expectedGot, fault } from '../terminal/faults.ts';
import { type Command, runLine } from './command.ts';
import { runJobs } from './run-jobs.ts';

const SPEC = {
  name: 'encode',
  summary: 'Turns pictures into latents.',
  detail: () => {
    const sentences = writtenFormats().map(({ endings, detail }) => `OUT${endings[0]} ${detail}.`);
    return `${sentences.join(' ')} Several IN, or a folder of pictures, need a folder as OUT.`;
  },
  examples: [
    'taesd encode photo.jpg -o latents.png',
    'taesd encode *.jpg -o latents/ --format safetensors',
    'taesd encode photos/ -o latents/ --max-size 1024',
    'cat photo.webp | taesd encode - -o - > latents.png',
    'taesd encode photo.png -o latents.safetensors --model taesdxl',
    'taesd encode photo.png -o photo.latent --model taesdxl',
    'taesd encode photo.png -o latents.f16 --space vae',
  ],
  operand: { name: 'IN', help: PICTURE_HELP, many: 'some' },
  options: ['outputs', 'latentFormat', 'model', 'writtenSpace', 'recursive', ...PICTURE_OPTIONS],
} as const satisfies CommandSpec;

export const encodeCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, encode),
};

async function encode(line: CommandLine<typeof SPEC>): Promise<void> {
  const { operands, outputs: output, latentFormat, background, model, maxSize } = line;
  const plan = await planJobs({
    command: SPEC.name,
    operands,
    output,
    formats: writtenFormats(),
    format: latentFormat,
    contents: PICTURES,
    isDeep: line.recursive,
  });
  const { format } = plan;
  const space = spaceOf(format, line.writtenSpace);
  // Refused before the work.
  if (line.writtenSpace === 'vae' && model !== undefined) toVae(VARIANTS[model]);
  await runJobs(
    plan,
    { ...line, only: 'encoder' },
    async (job, { models, stage, say, signal }) => {
      const { input, output: path } = job;
      const picture = await readPicture(job, say, line.maxPixels);
      const taesd = await models.get(model);
      const options = {
        ...background,
        maxSize,
        onProgress: stage('encoding'),
        signal,
      };
      const latents = await taesd.encode(picture, options).catch((error: unknown) => {
        throw aboutInput(inputName(input), error);
      });
      const { width, height } = scaledSize(picture, maxSize);
      const file = { latents, model: taesd.info.model, width, height };
      await writeOutput(path, [bytesOf(format, file, space, inputName(input))], signal);
      const [, c, h, w] = latents.shape;
      return `${w}×${h} latents with ${c} channels`;
    },
    (models) => models.get(model),
  );
}

/**
 * Writes a file of latents. A format of one space converts by itself.
 *
 * @throws TaesdError with the input's name (latents that the format cannot hold)
 */
const bytesOf = (format: WrittenFormat, file: LatentFile, space: Space, input: string) =>
  inside(input, () =>
    format.write(format.writtenSpace === undefined ? inSpace(file, space) : file),
  );

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
