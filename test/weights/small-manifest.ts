import { createHash } from 'node:crypto';
import type { Half } from '../../src/model/layers.ts';
import type { Manifest, ManifestModel } from '../../src/weights/manifest.ts';
import { seededRandom } from '../random.ts';

/** The files of a model. */
export type Files = Readonly<Record<Half, Uint8Array<ArrayBuffer>>>;

/** A manifest with these files for every model, from these mirrors. */
export function manifestOf(files: Files, mirrors: readonly string[]): Manifest {
  const file = (name: string, part: Half) => ({
    name: `${name}_${part}.safetensors`,
    bytes: files[part].length,
    sha256: createHash('sha256').update(files[part]).digest('hex'),
  });
  const model = (name: string): ManifestModel => ({
    source: 'test',
    encoder: file(name, 'encoder'),
    decoder: file(name, 'decoder'),
  });
  return {
    sources: { test: { author: 'nobody', licence: 'none', copyright: 'none', mirrors } },
    models: {
      taesd: model('taesd'),
      taesdxl: model('taesdxl'),
      taesd3: model('taesd3'),
      taef1: model('taef1'),
      taef2: model('taef2'),
    },
  };
}

/** Two files of noise, of about 300 kB. */
export function noiseFiles(): Files {
  const random = seededRandom(77);
  const noise = (length: number) => Uint8Array.from({ length }, () => 256 * random());
  return { encoder: noise(300_000), decoder: noise(301_234) };
}
