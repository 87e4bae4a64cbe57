import { expected, inside } from '../../errors.ts';
import { conversionHint, pictureKind } from '../../first-bytes/pictures.ts';
import { isGzip } from '../../first-bytes.ts';
import { type FoundLatents, type ReadLatentsOptions, readLatents } from '../../formats/index.ts';
import { recogniseFormat } from '../../formats/table.ts';
import type { ModelName } from '../../index.ts';
import { fromVae } from '../../model/vae-space.ts';
import { checkLatentChannels, latentSpaces, VARIANTS } from '../../model/variants.ts';
import type { Say } from '../terminal/say.ts';
import { pastedName } from './pasted-name.ts';
import { inputName } from './read-input.ts';

/** The names of the options below in the table of options. */
export const LATENT_OPTIONS = [
  'latentsModel',
  'space',
  'tensor',
  'shape',
  'dtype',
  'pick',
  'maxPixels',
] as const;

/** The options of a command that decide how a file of latents is read. */
export type LatentsAsked = Pick<
  ReadLatentsOptions,
  'space' | 'tensor' | 'shape' | 'dtype' | 'pick' | 'maxPixels'
> & { readonly model: ModelName | undefined };

/**
 * Reads the latents of a file of any format.
 *
 * @throws TaesdError UNSUPPORTED (a JPEG or another type of picture); errors of `readLatents`
 */
export function readLatentFile(
  path: string,
  bytes: Uint8Array,
  { model, ...asked }: LatentsAsked,
): Promise<FoundLatents> {
  return inside(inputName(path), async () => {
    const { space, tensor, shape, dtype, pick, maxPixels } = asked;
    if (shape === undefined && !mayBeLatents(bytes)) refuseOtherPicture(path, bytes);
    const options = { model, space, tensor, shape, dtype, pick, maxPixels };
    return readLatents(bytes, { name: path, ...options });
  });
}

/** Returns true for bytes of one of the formats, or of a gzip file, which may hold one. */
export const mayBeLatents = (bytes: Uint8Array): boolean =>
  isGzip(bytes) || recogniseFormat(bytes) !== undefined;

/**
 * Returns the latents of one picture, the first of a batch. Lines on stderr report the choice and
 * what the file does not say.
 */
export function takeOne(path: string, found: FoundLatents, say: Say): FoundLatents {
  const name = inputName(path);
  for (const sentence of found.assumed) say(`${name}: ${sentence}`);
  const [batch] = found.latents.shape;
  if (batch === 1) return found;
  const others = `--pick 0 to --pick ${batch - 1} choose one`;
  say(`${name}: a batch of ${batch}, of which the first is taken (${others})`);
  const [c, h, w] = found.latents.shape.slice(1);
  const data = found.latents.data.slice(0, c * h * w);
  return { ...found, latents: { shape: [1, c, h, w], data } };
}

/**
 * Returns the model to load for latents. Without a name it is the only one whose latents have so
 * many channels. Returns undefined for latents of `taesd` if the command line names no model: the
 * search for weights then ends with `nano`. `ModelsInUse` has the small models of other spaces.
 *
 * @throws TaesdError SHAPE (no model is named, and several have so many channels, or none)
 */
export function modelFor(
  path: string,
  named: ModelName | undefined,
  { model, latents }: FoundLatents,
): ModelName | undefined {
  if (named !== undefined) return named;
  if (model !== undefined) return model === 'taesd' ? undefined : model;
  const [only, ...others] = latentSpaces(latents.shape[1]);
  if (only !== undefined && others.length === 0) return only;
  inside(inputName(path), () => checkLatentChannels(latents, VARIANTS.taesd));
  return undefined;
}

/**
 * Checks bytes that begin like none of the formats of latents.
 *
 * @throws TaesdError UNSUPPORTED (a JPEG or another known kind of picture)
 */
function refuseOtherPicture(path: string, bytes: Uint8Array): void {
  const kind = pictureKind(bytes);
  if (kind === undefined) return;
  const hint =
    kind.read === undefined
      ? pastedName(path, conversionHint(kind))
      : 'taesd encode makes latents of it';
  throw expected('UNSUPPORTED', 'bytes', 'latents', kind.name, { hint });
}

/**
 * Refuses VAE space of a model whose conversion is not known, before the work.
 *
 * @throws TaesdError UNSUPPORTED with the input's name
 */
export function checkConversion(
  path: string,
  { space, model }: Pick<FoundLatents, 'space' | 'model'>,
): void {
  if (space === 'diffusion' || model === undefined) return;
  inside(inputName(path), () => fromVae(VARIANTS[model]));
}
