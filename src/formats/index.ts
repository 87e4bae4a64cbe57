export type { LatentFile } from './format.ts';
export { decodeLatentPng, encodeLatentPng } from './latent-png.ts';
export { decodeLatentSafetensors, encodeLatentSafetensors } from './latent-safetensors.ts';
