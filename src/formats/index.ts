export type { LatentFile } from './latent-file.ts';
export {
  decodeLatentPng,
  decodeLatentSafetensors,
  encodeLatentPng,
  encodeLatentSafetensors,
} from './latent-file.ts';
