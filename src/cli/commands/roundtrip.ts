import { dequantizeLatents, quantizeLatents, type Tensor } from '../../index.ts';
import {
  DECODED_DETAIL,
  DECODED_FORMATS,
  decodedFormat,
  decodeToFile,
} from '../files/decoded-file.ts';
import { PICTURES } from '../files/folder-contents.ts';
import { planJobs } from '../files/jobs.ts';
import { PICTURE_HELP, PICTURE_OPTIONS, readPicture, scaledSize } from '../files/picture-file.ts';
import { inputName } from '../files/read-input.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { aboutInput } from '../terminal/faults.ts';
import { type Command, runLine } from './command.ts';
import { checkBothHalves, type ModelsInUse } from './models-in-use.ts';
import { runJobs } from './run-jobs.ts';

const SPEC = {
  name: 'roundtrip',
  summary: 'Encodes pictures and decodes them again.',
  detail: `
${DECODED_DETAIL} Between the halves the latents are rounded to 8 bits, as in a .png. --float
keeps the latents as f32.`,
  examples: [
    'taesd roundtrip photo.jpg -o again.png',
    'taesd roundtrip photo.png -o again.png --float --model taef1',
    'taesd roundtrip photos/ -o again/ --max-size 1024',
    'cat photo.webp | taesd roundtrip - -o - > again.png',
  ],
  operand: { name: 'IN', help: PICTURE_HELP, many: 'some' },
  options: ['outputs', 'pictureFormat', 'model', 'float', 'recursive', ...PICTURE_OPTIONS],
} as const satisfies CommandSpec;

export const roundtripCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, roundtrip),
};

async function roundtrip(line: CommandLine<typeof SPEC>): Promise<void> {
  const { operands, outputs: output, background, float, model, maxSize } = line;
  const plan = await planJobs({
    command: SPEC.name,
    operands,
    output,
    formats: DECODED_FORMATS,
    format: decodedFormat(line.pictureFormat),
    contents: PICTURES,
    isDeep: line.recursive,
  });
  const { format } = plan;
  const both = async (models: ModelsInUse) => {
    const taesd = await models.get(model);
    checkBothHalves(taesd);
    return taesd;
  };
  await runJobs(
    plan,
    line,
    async (job, { models, stage, say, signal }) => {
      const { input, output: path } = job;
      const picture = await readPicture(job, say, line.maxPixels);
      const taesd = await both(models);
      try {
        const encoding = {
          maxSize,
          onProgress: stage('encoding', 0, 0.5),
          signal,
        };
        const size = scaledSize(picture, maxSize);
        const latents = await taesd.encode(picture, { ...background, ...encoding });
        const kept = float ? latents : throughBytes(latents);
        const decoding = { onProgress: stage('decoding', 0.5, 1), signal };
        return await decodeToFile(taesd, kept, { path, format, size }, decoding);
      } catch (error) {
        throw aboutInput(inputName(input), error);
      }
    },
    both,
  );
}

/** Returns the latents as a file of 8-bit latents would keep them. */
const throughBytes = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: dequantizeLatents(quantizeLatents(data)),
});
