import type { Picture } from 'taesd-wasm';

/**
 * Reads the sample as `plugins/sample.ts` writes it: three deflated bytes a pixel. They are green, red − green and
 * blue − green, each less than what the pixel to the left has. The browser inflates them: the first sum waits for no PNG
 * decoder.
 */
export async function readSample(file: ReadableStream, side: number): Promise<Picture> {
  const inflated = file.pipeThrough(new DecompressionStream('deflate'));
  const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
  if (bytes.length !== 3 * side * side) {
    throw new Error(`The sample has ${bytes.length} bytes. Expected ${3 * side * side}.`);
  }
  const data = new Uint8ClampedArray(bytes.length);
  for (let row = 0; row < bytes.length; row += 3 * side) {
    let [green, red, blue] = [0, 0, 0];
    for (let at = row; at < row + 3 * side; at += 3) {
      green += bytes[at];
      red += bytes[at + 1];
      blue += bytes[at + 2];
      data[at] = (red + green) & 255;
      data[at + 1] = green & 255;
      data[at + 2] = (blue + green) & 255;
    }
  }
  return { width: side, height: side, data };
}
