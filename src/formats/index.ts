export type { LatentFile, Space } from './format.ts';
export { decodeLatentPng, encodeLatentPng } from './latent-png.ts';
export { decodeLatentSafetensors, encodeLatentSafetensors } from './latent-safetensors.ts';
export { type FoundLatents, type ReadLatentsOptions, readLatents } from './read-latents.ts';
