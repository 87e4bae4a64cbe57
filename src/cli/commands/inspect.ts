import { extname } from 'node:path';
import { escaped, inside, TaesdError } from '../../errors.ts';
import { conversionHint, pictureKind } from '../../first-bytes/pictures.ts';
import { startsWith, unknownFile } from '../../first-bytes.ts';
import { IS_WEIGHTS } from '../../formats/choose-tensor.ts';
import type { LatentFormat } from '../../formats/format.ts';
import { isRawWithoutShape } from '../../formats/raw.ts';
import { recordsLatents } from '../../formats/recorded.ts';
import { LATENT_FORMATS, recogniseFormat } from '../../formats/table.ts';
import { tensorSafetensors } from '../../formats/tensor-safetensors.ts';
import { torchLatents } from '../../formats/torch-latents.ts';
import { isModelName, type ModelName, modelNames, VARIANTS } from '../../model/variants.ts';
import { pictureSize } from '../../picture/index.ts';
import { PICTURE_ENDINGS } from '../files/folder-contents.ts';
import { endingsOf } from '../files/format.ts';
import { mayBeLatents, readLatentFile } from '../files/latents-input.ts';
import { pastedName } from '../files/pasted-name.ts';
import { pictureOf } from '../files/picture-file.ts';
import { inputName, readInput, STREAM } from '../files/read-input.ts';
import { describeLatents, type LatentsFindings, latentLines } from '../inspect/latents.ts';
import { describeModel, type ModelFindings, modelLines } from '../inspect/model.ts';
import {
  describePicture,
  describeUnread,
  type PictureFindings,
  pictureLines,
} from '../inspect/picture.ts';
import { type DecodedFindings, decodedLines, describeTensors } from '../inspect/safetensors.ts';
import { DEFAULT_SIZE, refuseSize } from '../inspect/size.ts';
import { type WeightsFindings, weightLines } from '../inspect/weights.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { expectedGot, Failures, fault, usageError } from '../terminal/faults.ts';
import { writeJson } from '../terminal/json.ts';
import { sayFailure } from '../terminal/say.ts';
import { type Command, runLine } from './command.ts';

const SPEC = {
  name: 'inspect',
  summary: 'Prints the layers of a model, or the contents of a file.',
  detail: `
For a model or weights: a table of layers with shapes, parameters and multiply-adds. For latents:
their shape, space and range, the model, the picture's size, and what the file does not say. For
a picture: its size, the latents that models make of it, and for a PNG the picture it would be if it
held latents. To read a file that has the
name of a model, write ./taesd. Several are described one after the other; one that fails gets a
line, and the exit code is 1. --json prints one document, and a list of documents for several. Its
kind is model, weights, latents, decoded or picture; docs/command.md lists the keys of each.`,
  examples: [
    'taesd inspect taesd --size 1024x768',
    'taesd inspect latents.png',
    'taesd inspect ComfyUI_00001_.latent',
    'taesd inspect latents.f16 --shape 1x4x64x64',
    'taesd inspect taesd_decoder.safetensors',
    'taesd inspect latents/*.safetensors',
    'taesd inspect photo.png --json',
    'cat latents.png | taesd inspect -',
  ],
  operand: {
    name: 'FILE|MODEL',
    help: () =>
      `a picture (PNG, JPEG, WebP), latents or weights (${endingsOf(LATENT_FORMATS)}); - is stdin;
      or a model: ${modelNames().join(', ')}`,
    many: 'some',
  },
  options: [
    'tableSize',
    'shownModel',
    'space',
    'tensor',
    'shape',
    'dtype',
    'shownPick',
    'maxPixels',
    'json',
  ],
} as const satisfies CommandSpec;

export const inspectCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, inspect),
};

type Line = CommandLine<typeof SPEC>;

async function inspect(line: Line): Promise<void> {
  const { operands, json } = line;
  if (operands.length > 1) return inspectAll(line);
  const [operand] = operands;
  const findings = await describe(operand, line);
  if (json) writeJson(findings);
  else process.stdout.write(textOf(findings));
}

/**
 * Inspects several files and models. One that fails gets a line, and the others are described.
 *
 * @throws UsageError (stdin twice), Failures
 */
async function inspectAll(line: Line): Promise<void> {
  const { operands, json } = line;
  if (operands.filter((operand) => operand === STREAM).length > 1) {
    throw usageError(SPEC.name, expectedGot('- once', 'it twice'));
  }
  const all: (Findings & Named)[] = [];
  let [shown, failed] = [0, 0];
  for (const operand of operands) {
    try {
      const findings = await describe(operand, line);
      const file = inputName(operand);
      if (json) all.push({ file, ...findings });
      else process.stdout.write(`${shown > 0 ? '\n' : ''}${escaped(file)}:\n${textOf(findings)}`);
      shown++;
    } catch (error) {
      failed++;
      sayFailure(error);
    }
  }
  if (json) writeJson(all);
  if (failed > 0) throw new Failures(failed, operands.length);
}

/** The name in a list of documents: `stdin`, or as it was written. */
interface Named {
  readonly file: string;
}

/** The description of a model or of a file, and the JSON document. */
type Findings =
  | ModelFindings
  | LatentsFindings
  | PictureFindings
  | DecodedFindings
  | WeightsFindings;

const textOf = (findings: Findings): string => `${linesOf(findings).join('\n')}\n`;

function linesOf(findings: Findings): string[] {
  switch (findings.kind) {
    case 'model':
      return modelLines(findings);
    case 'latents':
      return latentLines(findings);
    case 'picture':
      return pictureLines(findings);
    case 'decoded':
      return decodedLines(findings);
    case 'weights':
      return weightLines(findings);
  }
}

const describe = async (operand: string, line: Line): Promise<Findings> =>
  isModelName(operand) ? describeNamed(operand, line) : describeFile(operand, line);

function describeNamed(model: ModelName, line: Line): ModelFindings {
  refuseLatentOptions(line, 'models');
  return describeModel(VARIANTS[model], line.tableSize ?? DEFAULT_SIZE);
}

async function describeFile(path: string, line: Line): Promise<Findings> {
  const { tableSize: size } = line;
  const bytes = await readInput(path, `models: ${modelNames().join(', ')}`);
  const name = inputName(path);
  const format = recogniseFormat(bytes);
  const isPicture = isPictureFile(path, bytes) && line.shape === undefined;
  const pictured = pictureKind(bytes);
  if (pictured !== undefined && pictured.read === undefined && line.shape === undefined) {
    return describeUnread(
      pictured,
      pictureSize(bytes),
      `not read; ${pastedName(path, conversionHint(pictured))}`,
    );
  }
  if (isPicture) {
    const picture = await pictureOf(path, bytes, line.maxPixels).catch((error) => {
      const isUnread = error instanceof TaesdError && error.code === 'UNSUPPORTED';
      if (!isUnread || pictured === undefined) throw error;
      // The sentence without the file's name, which the user has just written.
      const inner = error.cause instanceof TaesdError ? error.cause : error;
      return describeUnread(pictured, pictureSize(bytes), inner.sentence);
    });
    if ('format' in picture) return picture;
    if (!recordsLatents(picture.text)) {
      inside(name, () => {
        refuseLatentOptions(line, 'pictures');
        refuseSize(size, 'a picture');
      });
      return describePicture(picture);
    }
  }
  const isRaw = line.shape !== undefined || isRawWithoutShape({ dtype: line.dtype, name: path });
  if (isRaw || mayBeLatents(bytes)) {
    try {
      const asked = { ...line, model: line.shownModel, pick: line.shownPick };
      const found = await readLatentFile(path, bytes, asked);
      inside(name, () => refuseSize(size, 'latents'));
      return describeLatents(found);
    } catch (error) {
      if (line.tensor !== undefined || !mayBeWeights(format, error)) {
        throw error;
      }
    }
  }
  if (isWeights(path, bytes)) {
    return inside(name, () => {
      refuseLatentOptions(line, 'weights');
      return describeTensors(bytes, size);
    });
  }
  const hint = '--shape and --dtype describe raw numbers';
  const rule = `a picture (PNG, JPEG, WebP), latents or weights (${endingsOf(LATENT_FORMATS)})`;
  throw fault(name, expectedGot(rule, unknownFile(bytes)), { code: 'FORMAT', hint });
}

/** @throws TaesdError ARG (an option that only latents have) */
function refuseLatentOptions(line: Line, contents: string): void {
  for (const [name, value] of [
    ['--model', line.shownModel],
    ['--space', line.space],
    ['--tensor', line.tensor],
    ['--shape', line.shape],
    ['--dtype', line.dtype],
    ['--pick', line.shownPick],
  ] as const) {
    if (value === undefined) continue;
    throw new TaesdError('ARG', `${name} is for latents, not for ${contents}`);
  }
}

/**
 * True for the error about tensors none of which may be latents. One with another remedy found
 * latents. A file of torch counts if it holds weights, for the sentence about its conversion.
 */
function mayBeWeights(format: LatentFormat | undefined, error: unknown): boolean {
  if (!(error instanceof TaesdError) || error.code !== 'SHAPE') return false;
  if (error.remedy !== undefined && error.remedy !== IS_WEIGHTS) return false;
  if (format === torchLatents) return error.remedy === IS_WEIGHTS;
  return format === tensorSafetensors;
}

/** True for a picture, and for the ending of an unknown file: then an error explains it. */
const isPictureFile = (path: string, bytes: Uint8Array): boolean =>
  pictureKind(bytes) !== undefined ||
  (!mayBeLatents(bytes) && PICTURE_ENDINGS.includes(extname(path).toLowerCase()));

/** The endings of files of weights. Some are refused, with a better reason than "unknown". */
const WEIGHT_ENDINGS = new Set(['.safetensors', '.sft', '.pth', '.pt', '.ckpt', '.bin']);

/** True for the ending or the first bytes of a file of weights. `PK` is the zip in a .pth file. */
const isWeights = (path: string, bytes: Uint8Array): boolean =>
  WEIGHT_ENDINGS.has(extname(path).toLowerCase()) ||
  recogniseFormat(bytes)?.also === 'tensors' ||
  startsWith(bytes, 'PK\x03\x04');
