import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LATENT_FORMATS } from '../../formats/table.ts';
import { type Step, type Taesd, VARIANTS } from '../../index.ts';
import { encodePng } from '../../png/index.ts';
import { endingsOf } from '../files/format.ts';
import { LATENT_OPTIONS } from '../files/latents-input.ts';
import { inFolder } from '../files/output-folder.ts';
import { readStepsInput, type StepsInput } from '../files/steps-input.ts';
import { checkOutput, writeOutput } from '../files/write-output.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { layerPicture } from '../maps/feature-maps.ts';
import { type MapRange, rangeOf } from '../maps/range.ts';
import { Overview } from '../maps/steps-overview.ts';
import { STEP_COLUMNS, stepCells } from '../maps/steps-table.ts';
import { aboutInput } from '../terminal/faults.ts';
import { interruptible } from '../terminal/interrupt.ts';
import type { ProgressBar } from '../terminal/progress.ts';
import { tableLines } from '../terminal/table.ts';
import { type Command, runLine } from './command.ts';
import { checkBothHalves, originOf } from './models-in-use.ts';
import { withModel } from './with-model.ts';

const SPEC = {
  name: 'steps',
  summary: 'Draws the output of every layer, and prints a table of layers.',
  detail: `
For a picture, runs the encoder and then the decoder on its output; for latents, the decoder. DIR
gets a PNG with all channels of each layer, and overview.png, which shows every layer. Colours: 0
is dark, positive numbers go through orange to white, negative ones through blue to white. White
is the magnitude that 99.5 % of the layer's numbers stay within. Large maps are reduced to means,
small ones enlarged. Layers run one by one in f32 on one thread, without WebGPU. IN has at most
1024x1024 pixels, or latents for that many; --max-size scales larger pictures down.`,
  examples: [
    'taesd steps photo.png -o layers',
    'taesd steps photo.jpg -o layers --max-size 512',
    'taesd steps latents.png -o layers --inner --backend reference',
    'taesd steps ComfyUI_00001_.latent -o layers --model taesdxl',
  ],
  operand: {
    name: 'IN',
    help: () => `a picture (PNG, JPEG, WebP) or latents (${endingsOf(LATENT_FORMATS)}); - is stdin`,
  },
  options: [
    'folder',
    'part',
    'inner',
    ...LATENT_OPTIONS,
    'weights',
    'layerBackend',
    'background',
    'maxSize',
    'quiet',
  ],
} as const satisfies CommandSpec;

type Line = CommandLine<typeof SPEC>;

/** The state of the folder after an interruption. */
const LEFT = 'the files written so far are complete';

export const stepsCommand: Command = {
  spec: SPEC,
  run: (args) =>
    runLine(SPEC, args, (line) =>
      interruptible((signal) => inFolder(line.folder, () => steps(line, signal)), LEFT),
    ),
};

/** The names of files this command may write. IN must not be one of them. */
const OURS = /^(overview|\d+-(en|de)coder-.*)\.png$/;

async function steps(line: Line, signal: AbortSignal): Promise<void> {
  const { operand, folder, weights, layerBackend: backend, quiet } = line;
  for (const name of await readdir(folder)) {
    if (OURS.test(name)) await checkOutput(join(folder, name), operand);
  }
  const input = await readStepsInput(operand, { ...line, model: line.latentsModel });
  const { model, halves } = input;
  const only = halves.length === 1 ? halves[0] : undefined;
  let table: string[] = [];
  const origin = 'latents' in input.input ? originOf(line.latentsModel, input.input) : 'named';
  await withModel(folder, { model, origin, only, weights, backend, quiet }, async (taesd, bar) => {
    const drawn = await drawSteps(taesd, input, line, { bar, signal });
    table = tableLines(STEP_COLUMNS, drawn.rows);
    return `${drawn.pictures} pictures`;
  });
  process.stdout.write(`${table.join('\n')}\n`);
}

/** Draws every layer into the folder. @returns the rows of the table, and the number of pictures */
async function drawSteps(
  taesd: Taesd,
  input: StepsInput,
  { operand, folder, background, maxSize, inner }: Line,
  { bar, signal }: { readonly bar: ProgressBar; readonly signal: AbortSignal },
) {
  if (input.halves.length === 2) checkBothHalves(taesd);
  const { networks } = VARIANTS[taesd.info.model];
  const total = input.halves.reduce((sum, half) => sum + networks[half].length, 0);
  const show = bar.stage('drawing');
  const draw = (name: string, step: Step) => drawMaps(join(folder, `${name}.png`), step, signal);
  const overview = new Overview();
  const rows: string[][] = [];
  let operations = 0;
  for await (const step of stepsOf(taesd, input, operand, { ...background, maxSize, signal })) {
    const name = fileName(rows.length, step);
    rows.push(stepCells(step, await draw(name, step)));
    overview.add(step, rows.length === total);
    for await (const operation of inner ? step.inner({ signal }) : []) {
      await draw(`${name}-${operationName(step, operation)}`, operation);
      operations++;
    }
    show({ done: rows.length, total });
  }
  const picture = encodePng(overview.picture(taesd.info.model));
  await writeOutput(join(folder, 'overview.png'), [picture], signal);
  return { rows, pictures: rows.length + operations + 1 };
}

async function drawMaps(path: string, { output }: Step, signal: AbortSignal): Promise<MapRange> {
  const range = rangeOf(output);
  await writeOutput(path, [encodePng(layerPicture(output, range))], signal);
  return range;
}

/** Yields the layers of one half, or of the encoder and then of the decoder on its output. */
async function* stepsOf(
  taesd: Taesd,
  { input, halves }: StepsInput,
  path: string,
  options: Parameters<Taesd['steps']>[1],
): AsyncGenerator<Step> {
  try {
    let x: Parameters<Taesd['steps']>[0] = input;
    for (const part of halves) {
      for await (const step of taesd.steps(x, { ...options, part })) {
        yield step;
        x = step.output;
      }
    }
  } catch (error) {
    throw aboutInput(path, error);
  }
}

/** Returns `07-encoder-7-block`: files sorted by name are in the order of the data. */
function fileName(n: number, { part, index, layer }: Step): string {
  return `${`${n}`.padStart(2, '0')}-${part}-${index}-${kindName(layer)}`;
}

/** Returns `5-add`, or `05-add` in a block that has ten operations or more. */
function operationName(block: Step, { index, layer }: Step): string {
  const digits = block.layer.kind === 'block' && block.layer.pool ? 2 : 1;
  return `${`${index}`.padStart(digits, '0')}-${kindName(layer)}`;
}

/** Returns a kind in the form for names of files: `group-norm`. */
const kindName = ({ kind }: Step['layer']): string =>
  kind.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
