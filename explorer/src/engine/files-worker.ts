import { encodePng } from 'taesd-wasm/png';
import { answer, handOver } from './answer.ts';
import { canvasIsTrue } from './canvas-truth.ts';
import type { FilesMethods } from './protocol.ts';

/*
 * Files that are opened and saved, beside the page's thread, which would stand still for it. The
 * code for all kinds of files is fetched with the first one.
 */

const methods: FilesMethods = {
  async open(file, options) {
    const { openFile } = await import('./open-file.ts');
    const opened = await openFile(file, options);
    return opened.kind === 'picture' ? handOver(opened, opened.picture.data) : opened;
  },
  async saveLatents(latents, model, size) {
    const { encodeLatentSafetensors } = await import('taesd-wasm/latent-file');
    return encodeLatentSafetensors({ latents, model, ...size });
  },
  savePicture: async (picture) => encodePng(picture),
  canvasIsTrue,
};

answer(methods);
