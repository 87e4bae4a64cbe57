import { extname } from 'node:path';
import { inside, TaesdError } from '../../errors.ts';
import { LATENT_FORMATS, recogniseFormat } from '../../formats/table.ts';
import { isModelName, modelNames, VARIANTS } from '../../model/variants.ts';
import { decodePng } from '../../png/index.ts';
import { endingsOf, startsWith } from '../files/format.ts';
import { readInput } from '../files/read-input.ts';
import { latentLines } from '../inspect/latents.ts';
import { modelLines } from '../inspect/model.ts';
import { pngLines } from '../inspect/png.ts';
import { safetensorsLines } from '../inspect/safetensors.ts';
import { DEFAULT_SIZE, refuseSize } from '../inspect/size.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import type { Size } from '../line/size.ts';
import { expectedGot, fault } from '../terminal/faults.ts';
import { type Command, runLine } from './command.ts';

const SPEC = {
  name: 'inspect',
  summary: 'Prints the layers of a model, or the contents of a file.',
  detail: `
For a model or weights: a table of layers with shapes, parameters and multiply-adds. For latents:
their shape and range, the model and the picture's size. For any other PNG: its size and the
latents or picture it would become. To read a file that has the name of a model, write ./taesd.`,
  examples: [
    'taesd inspect taesd --size 1024x768',
    'taesd inspect latents.png',
    'taesd inspect taesd_decoder.safetensors',
  ],
  operand: {
    name: 'FILE|MODEL',
    help: () => `a ${endingsOf(LATENT_FORMATS)} file, or a model: ${modelNames().join(', ')}`,
  },
  options: ['tableSize'],
} as const satisfies CommandSpec;

export const inspectCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, inspect),
};

async function inspect({ operand, tableSize: size }: CommandLine<typeof SPEC>): Promise<void> {
  const lines = isModelName(operand)
    ? modelLines(VARIANTS[operand], size ?? DEFAULT_SIZE)
    : await fileLines(operand, size);
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function fileLines(path: string, size: Size | undefined): Promise<string[]> {
  const bytes = await readInput(path, `models: ${modelNames().join(', ')}`);
  const format = recogniseFormat(bytes);
  if (format !== undefined && format.also === undefined) {
    inside(path, () => refuseSize(size, 'latents'));
    return latentLines(await inside(path, async () => format.read(bytes, { name: path })));
  }
  if (isPng(path, bytes)) return inside(path, () => pngLines(bytes, size));
  if (isWeights(path, bytes)) return inside(path, () => safetensorsLines(bytes, size));
  inside(path, () => refuseOtherPicture(bytes));
  const first = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0'));
  const got = bytes.length === 0 ? 'an empty file' : `a file that begins with ${first.join(' ')}`;
  throw fault(path, expectedGot(`a ${endingsOf(LATENT_FORMATS)} file`, got), { code: 'FORMAT' });
}

/** True for the first bytes of a PNG, or for its ending: then an error explains what is wrong. */
const isPng = (path: string, bytes: Uint8Array): boolean =>
  startsWith(bytes, '\x89PNG') || extname(path).toLowerCase() === '.png';

/** The endings of files of weights. Some are refused, with a better reason than "unknown". */
const WEIGHT_ENDINGS = new Set(['.safetensors', '.sft', '.pth', '.pt', '.ckpt', '.bin']);

/** True for the ending or the first bytes of a file of weights. `PK` is the zip in a .pth file. */
const isWeights = (path: string, bytes: Uint8Array): boolean =>
  WEIGHT_ENDINGS.has(extname(path).toLowerCase()) ||
  recogniseFormat(bytes)?.also === 'tensors' ||
  startsWith(bytes, 'PK\x03\x04');

/**
 * Checks bytes that do not begin like a PNG.
 *
 * @throws TaesdError UNSUPPORTED (a JPEG or another known type of picture)
 */
function refuseOtherPicture(bytes: Uint8Array): void {
  try {
    decodePng(bytes);
  } catch (error) {
    if (error instanceof TaesdError && error.code === 'UNSUPPORTED') throw error;
  }
}
