import type { Plugin } from 'vite';
import { encodePng } from '../../dist/png/index.js';
import { renderPicture } from '../../examples/render-picture.mjs';

/** `sample-256.png`: the sample picture at the sizes that the page asks for. */
const SIZES = [128, 256];

/** Draws the sample when the page is built: 256 pixels take a second, for which a reader would wait. */
export function sample(): Plugin {
  return {
    name: 'sample',
    configureServer({ middlewares }) {
      for (const size of SIZES) {
        let drawn: Uint8Array | undefined;
        middlewares.use(`/${nameOf(size)}`, (_, response) => {
          drawn ??= encodePng(renderPicture(size));
          response.setHeader('content-type', 'image/png');
          response.end(drawn);
        });
      }
    },
    generateBundle() {
      for (const size of SIZES) {
        const source = encodePng(renderPicture(size));
        this.emitFile({ type: 'asset', fileName: nameOf(size), source });
      }
    },
  };
}

const nameOf = (size: number): string => `sample-${size}.png`;
