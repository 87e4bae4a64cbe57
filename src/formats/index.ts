/**
 * Latents as files, of this package and of other programs.
 *
 * @module taesd-wasm/latent-file
 */

export type { LatentFile, LatentReadOptions, Space } from './format.ts';
export { decodeLatentPng, encodeLatentPng } from './latent-png.ts';
export { decodeLatentSafetensors, encodeLatentSafetensors } from './latent-safetensors.ts';
export type { RawType } from './raw.ts';
export { type FoundLatents, type ReadLatentsOptions, readLatents } from './read-latents.ts';
