import type { Picture } from 'taesd-wasm';

/**
 * Reads the sample as `plugins/sample.ts` writes it: three deflated bytes a pixel. They are green,
 * red − green and blue − green, each less than what the pixel to the left has. The browser inflates
 * them: the first sum waits for no PNG decoder.
 *
 * @returns the picture as RGBA
 */
export async function readSample(file: ReadableStream, side: number): Promise<Picture> {
  const inflated = file.pipeThrough(new DecompressionStream('deflate'));
  const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
  const area = side * side;
  if (bytes.length !== 3 * area) {
    throw new Error(`The sample has ${bytes.length} bytes. Expected ${3 * area}.`);
  }
  const data = new Uint8ClampedArray(4 * area);
  let [green, red, blue] = [0, 0, 0];
  for (let pixel = 0; pixel < area; pixel++) {
    if (pixel % side === 0) [green, red, blue] = [0, 0, 0];
    green += bytes[3 * pixel];
    red += bytes[3 * pixel + 1];
    blue += bytes[3 * pixel + 2];
    data[4 * pixel] = (red + green) & 255;
    data[4 * pixel + 1] = green & 255;
    data[4 * pixel + 2] = (blue + green) & 255;
    data[4 * pixel + 3] = 255;
  }
  return { width: side, height: side, data };
}
