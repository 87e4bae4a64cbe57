import { onOneLine, TaesdError } from '../../errors.ts';
import type { FoundLatents } from '../../formats/index.ts';
import { UNMARKED } from '../../formats/read-latents.ts';
import { LATENT_FORMATS } from '../../formats/table.ts';
import { downscalesOf, sidesOf } from '../../model/variants.ts';
import {
  DECODED_DETAIL,
  DECODED_FORMATS,
  type DecodedFile,
  decodedFormat,
  decodeToFile,
  fullSize,
} from '../files/decoded-file.ts';
import { LATENTS } from '../files/folder-contents.ts';
import { endingsOf } from '../files/format.ts';
import { planJobs } from '../files/jobs.ts';
import {
  checkConversion,
  LATENT_OPTIONS,
  modelFor,
  readLatentFile,
  takeOne,
} from '../files/latents-input.ts';
import { inputName, readSource } from '../files/read-input.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import type { Size } from '../line/size.ts';
import { aboutInput, expectedGot, fault } from '../terminal/faults.ts';
import { type Command, runLine } from './command.ts';
import { originOf } from './models-in-use.ts';
import { runJobs } from './run-jobs.ts';

const SPEC = {
  name: 'decode',
  summary: 'Turns latents into pictures.',
  detail: `
${DECODED_DETAIL} A PNG is written while it is decoded, so the picture may be larger than memory.
The content of IN decides how it is read, not its ending. If IN does not record something about its
latents, a line on stderr reports the assumption. Several IN, or a folder of latents, need a folder
as OUT.`,
  examples: [
    'taesd decode latents.png -o photo.png',
    'taesd decode latents.safetensors -o photo.png --model taef1 --workers 0',
    'taesd decode ComfyUI_00001_.latent -o photo.png --model taesdxl --pick 1',
    'taesd decode cache.safetensors -o photo.png --tensor latents --space vae',
    'taesd decode latents.f16 -o photo.png --shape 4x64x64',
    'taesd decode latents.png -o small.png --resolution 1/4',
    'taesd decode latents/ -o photos/ --quiet',
    'cat latents.safetensors | taesd decode - -o - > photo.png',
  ],
  operand: {
    name: 'IN',
    help: () => `latents: a ${endingsOf(LATENT_FORMATS)} file, or a folder of them; - is stdin`,
    many: 'some',
  },
  options: [
    'outputs',
    'pictureFormat',
    'recursive',
    ...LATENT_OPTIONS,
    'size',
    'resolution',
    'weights',
    'precision',
    'workers',
    'backend',
    'quiet',
  ],
} as const satisfies CommandSpec;

export const decodeCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, decode),
};

type Line = CommandLine<typeof SPEC>;

async function decode(line: Line): Promise<void> {
  const plan = await planJobs({
    command: SPEC.name,
    operands: line.operands,
    output: line.outputs,
    formats: DECODED_FORMATS,
    format: decodedFormat(line.pictureFormat),
    contents: LATENTS,
    isDeep: line.recursive,
  });
  const { format } = plan;
  await runJobs(plan, { ...line, only: 'decoder' }, async (job, tools) => {
    const { input, output: path } = job;
    const { models, stage, say, signal } = tools;
    const bytes = await readSource(job);
    const all = await readLatentFile(input, bytes, { ...line, model: line.latentsModel });
    if (line.size !== undefined) checkCrop(all, line.size);
    const found = takeOne(input, all, say);
    checkConversion(input, found);
    const { size = found, resolution } = line;
    const decoded: DecodedFile = { path, format, size, resolution };
    const model = modelFor(input, line.latentsModel, found);
    const taesd = await models.get(model, originOf(line.latentsModel, found));
    try {
      const run = { onProgress: stage('decoding'), signal, space: found.space };
      return await decodeToFile(taesd, found.latents, decoded, run);
    } catch (error) {
      throw aboutLatents(inputName(input), found, error);
    }
  });
}

/** @throws TaesdError ARG (latents cannot be cropped to that size) */
function checkCrop({ latents, model }: FoundLatents, { width, height }: Size): void {
  const [, channels, h, w] = latents.shape;
  const [downscale] = downscalesOf(channels, model);
  const [x, y] = [w, h].map((latent) => sidesOf(latent, downscale));
  if (x.min <= width && width <= x.max && y.min <= height && height <= y.max) return;
  const rule = `${x.min}x${y.min} to ${x.max}x${y.max}`;
  const hint = 'it crops, it does not scale';
  throw fault('--size', expectedGot(rule, `${width}x${height}`), { hint });
}

/** Adds the input's name to an error that it caused, and its size if the size is the cause. */
function aboutLatents(path: string, found: FoundLatents, error: unknown): unknown {
  const isTooLarge = error instanceof TaesdError && ['LIMIT', 'OOM'].includes(error.code);
  if (!isTooLarge) return aboutInput(path, error);
  const { latents, model, assumed } = found;
  const [, , h, w] = latents.shape;
  const { width, height } = fullSize(latents, model);
  const size = `latents of ${w}×${h} for ${width}×${height} pixels`;
  const doubt = assumed.includes(UNMARKED) ? '; a picture? taesd encode' : '';
  const { code, sentence, remedy } = error;
  const named = `${onOneLine(path)} (${size}${doubt}): ${sentence}`;
  return new TaesdError(code, named, { cause: error, remedy });
}
