import { extname } from 'node:path';
import { expected, TaesdError } from '../../errors.ts';
import { isModelName, modelNames, VARIANTS } from '../../model/variants.ts';
import { checkSignature } from '../../png/signature.ts';
import { isSafetensors, readInput, readingFile, startsWith } from '../files/files.ts';
import { modelLines } from '../inspect/model.ts';
import { pngLines } from '../inspect/png.ts';
import { safetensorsLines } from '../inspect/safetensors.ts';
import { DEFAULT_SIZE } from '../inspect/size.ts';
import type { CommandLine } from '../line/command-line.ts';
import type { Size } from '../line/option-values.ts';
import type { Command } from './command.ts';

const MODELS = modelNames().join(', ');

export const inspectCommand: Command = {
  name: 'inspect',
  operand: {
    name: 'FILE|MODEL',
    help: `a .safetensors or .png file, or a model: ${MODELS}`,
  },
  options: ['size'],
  summary: 'Prints the layers of a model, or what a file holds.',
  detail: `
Of a model and of weights: a table of layers with shapes, parameters and multiply-adds, for a
picture of 512x512 or of --size. Of latents: shape, model, the picture's size, the range of values.
Of any other PNG: its size and what it would become. A file with a model's name is ./taesd.`,
  run: inspect,
};

async function inspect({ operand, size }: CommandLine): Promise<void> {
  const lines = isModelName(operand)
    ? modelLines(VARIANTS[operand], size ?? DEFAULT_SIZE)
    : await fileLines(operand, size);
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function fileLines(path: string, size: Size | undefined): Promise<string[]> {
  const bytes = await readInput(path, `a file, or a model (${MODELS})`);
  if (isPng(path, bytes)) return readingFile(path, () => pngLines(bytes, size));
  if (isWeights(path, bytes)) return readingFile(path, () => safetensorsLines(bytes, size));
  readingFile(path, () => refuseOtherPicture(bytes));
  const first = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0'));
  const got = bytes.length === 0 ? 'an empty file' : `one that begins with ${first.join(' ')}`;
  throw expected('FORMAT', path, 'a .safetensors or .png file', got);
}

/** By its first bytes or, so that an error says what is wrong with it, by its name. */
const isPng = (path: string, bytes: Uint8Array): boolean =>
  startsWith(bytes, '\x89PNG') || extname(path).toLowerCase() === '.png';

/** The endings of weights' files, also of those that are refused with a better reason than "unknown". */
const WEIGHT_ENDINGS = new Set(['.safetensors', '.sft', '.pth', '.pt', '.ckpt', '.bin']);

/** By its name, or by its first bytes; `PK` is the zip that a .pth file is. */
const isWeights = (path: string, bytes: Uint8Array): boolean =>
  WEIGHT_ENDINGS.has(extname(path).toLowerCase()) ||
  isSafetensors(bytes) ||
  startsWith(bytes, 'PK\x03\x04');

/** @throws TaesdError UNSUPPORTED naming the type, for a JPEG and its like; nothing for bytes of no known type */
function refuseOtherPicture(bytes: Uint8Array): void {
  try {
    checkSignature(bytes);
  } catch (error) {
    if (error instanceof TaesdError && error.code === 'UNSUPPORTED') throw error;
  }
}
