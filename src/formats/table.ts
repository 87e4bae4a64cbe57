import { comfyLatent } from './comfy-latent.ts';
import type { LatentFormat } from './format.ts';
import { latentPng } from './latent-png.ts';
import { latentSafetensors } from './latent-safetensors.ts';
import { musubiSafetensors } from './musubi-safetensors.ts';
import { numpyArchive, numpyArray } from './numpy-latents.ts';
import { rawBf16, rawF16, rawF32 } from './raw.ts';
import { tensorSafetensors } from './tensor-safetensors.ts';
import { torchLatents } from './torch-latents.ts';

/**
 * The formats of latents, in the order in which they are recognised. A new one is a file and a row.
 */
export const LATENT_FORMATS: readonly LatentFormat[] = [
  latentPng,
  latentSafetensors,
  comfyLatent,
  musubiSafetensors,
  tensorSafetensors,
  numpyArray,
  numpyArchive,
  torchLatents,
  rawF32,
  rawF16,
  rawBf16,
];

/** A format with a writer. */
export type WrittenFormat = LatentFormat & { readonly write: NonNullable<LatentFormat['write']> };

/** Returns the formats that can be written. */
export const writtenFormats = (): readonly WrittenFormat[] =>
  LATENT_FORMATS.filter((format): format is WrittenFormat => format.write !== undefined);

/** Returns the format of a file by its content; undefined if it is none of these. */
export const recogniseFormat = (bytes: Uint8Array): LatentFormat | undefined =>
  LATENT_FORMATS.find((format) => format.recognises(bytes));
