import { deflateSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { renderPicture } from '../../examples/render-picture.mjs';

/** `sample-256.bin`: the sample picture at the sizes that the page asks for. */
const SIZES = [128, 256];

/**
 * Draws the sample when the page is built: 256 pixels take a second, for which a reader would wait.
 */
export function sample(): Plugin {
  return {
    name: 'sample',
    configureServer({ middlewares }) {
      for (const size of SIZES) {
        let drawn: Uint8Array | undefined;
        middlewares.use(`/${nameOf(size)}`, (_, response) => {
          drawn ??= writeSample(renderPicture(size));
          response.setHeader('content-type', 'application/octet-stream');
          response.end(drawn);
        });
      }
    },
    generateBundle() {
      for (const size of SIZES) {
        const source = writeSample(renderPicture(size));
        this.emitFile({ type: 'asset', fileName: nameOf(size), source });
      }
    },
  };
}

const nameOf = (size: number): string => `sample-${size}.bin`;

/**
 * Writes the bytes that `src/stores/sample.ts` reads. They are a third fewer than those of a PNG.
 */
export function writeSample({ width, height, data }: ReturnType<typeof renderPicture>): Uint8Array {
  const bytes = new Uint8Array(3 * width * height);
  for (let row = 0; row < bytes.length; row += 3 * width) {
    let left = [0, 0, 0];
    for (let at = row; at < row + 3 * width; at += 3) {
      const green = data[at + 1];
      const now = [green, data[at] - green, data[at + 2] - green];
      for (let n = 0; n < 3; n++) bytes[at + n] = now[n] - left[n];
      left = now;
    }
  }
  return deflateSync(bytes, { level: 9 });
}
