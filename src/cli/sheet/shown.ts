import { TaesdError } from '../../errors.ts';
import { CHOOSE_TENSOR } from '../../formats/choose-tensor.ts';
import type { FoundLatents, ReadLatentsOptions } from '../../formats/index.ts';
import { isRawWithoutShape } from '../../formats/raw.ts';
import { IS_PICTURE } from '../../formats/read-latents.ts';
import { recogniseFormat } from '../../formats/table.ts';
import type { ModelName, Tensor } from '../../index.ts';
import { latentSpaces } from '../../model/variants.ts';
import { mayBeLatents, readLatentFile } from '../files/latents-input.ts';

/** The latents that a tile shows. */
export interface ShownLatents {
  /** [1, C, h, w], the first of a batch. */
  readonly latents: Tensor;
  readonly space: FoundLatents['space'];
  readonly model: ModelName;
  /** True if neither the file nor the command line says the model. */
  readonly isAssumed: boolean;
  /** The size of the whole picture. */
  readonly width: number;
  readonly height: number;
  /** The number of latents in the file. */
  readonly batch: number;
}

/** The options of the command that decide how a file is read. */
export interface ShownOptions extends Pick<ReadLatentsOptions, 'space' | 'tensor' | 'shape'> {
  /** The model of files that do not say theirs. */
  readonly model: ModelName | undefined;
}

/** The error of a file that is in order and holds no latents. */
export class HoldsNone extends Error {
  override readonly name = 'HoldsNone';
}

/**
 * Reads the latents of a file. An option counts for the files it fits: a folder may hold several
 * models and formats.
 *
 * @throws HoldsNone (a picture, weights); errors of `readLatentFile`
 */
export async function readShown(
  path: string,
  bytes: Uint8Array,
  options: ShownOptions,
): Promise<ShownLatents> {
  try {
    return shown(await read(path, bytes, options));
  } catch (error) {
    throw holdsNone(bytes, error) ? new HoldsNone(undefined, { cause: error }) : error;
  }
}

async function read(
  path: string,
  bytes: Uint8Array,
  { model, space, tensor, shape }: ShownOptions,
): Promise<FoundLatents> {
  const isRaw = isRawWithoutShape({ name: path }) && recogniseFormat(bytes) === undefined;
  const readAs = (also: Pick<ReadLatentsOptions, 'model' | 'tensor'>) =>
    readLatentFile(path, bytes, {
      model: undefined,
      space,
      ...(isRaw ? { shape } : {}),
      ...also,
    });
  const found = await readAs({}).catch((error: unknown) => {
    if (tensor === undefined || !isAmbiguous(error)) throw error;
    return readAs({ tensor });
  });
  if (model === undefined || found.model !== undefined) return found;
  return readAs({ model, tensor }).catch(() => readAs({ model }).catch(() => found));
}

function shown({ latents, space, model, width, height }: FoundLatents): ShownLatents {
  const [batch, ...chw] = latents.shape;
  const [c, h, w] = chw;
  const data = latents.data.subarray(0, c * h * w);
  const [assumed = 'taesd'] = latentSpaces(c);
  return {
    latents: { shape: [1, c, h, w], data },
    space,
    model: model ?? assumed,
    isAssumed: model === undefined,
    width,
    height,
    batch,
  };
}

/** Returns true for the error about several tensors, of which an option chooses one. */
const isAmbiguous = (error: unknown): boolean =>
  error instanceof TaesdError && error.remedy === CHOOSE_TENSOR;

/** Returns true if an error says that a file is in order and holds something else. */
function holdsNone(bytes: Uint8Array, error: unknown): boolean {
  if (!(error instanceof TaesdError)) return false;
  const { code, remedy } = error;
  if (code === 'SHAPE') return remedy !== CHOOSE_TENSOR;
  if (code === 'FORMAT') return remedy === IS_PICTURE;
  return code === 'UNSUPPORTED' && !mayBeLatents(bytes);
}
