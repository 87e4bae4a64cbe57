/**
 * The side of the picture that is tried: browsers change few of a canvas's pixels, so there have to
 * be many.
 */
const SIDE = 64;

let found: boolean | undefined;

/**
 * Whether a canvas gives back what was drawn on it. Browsers that resist fingerprinting change the
 * pixels that a page reads, or all of them.
 */
export async function canvasIsTrue(): Promise<boolean> {
  found ??= await isTrue();
  return found;
}

async function isTrue(): Promise<boolean> {
  const context = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true });
  if (context === null) return false;
  const drawn = new ImageData(SIDE, SIDE);
  for (let at = 0; at < drawn.data.length; at++) {
    // Opaque, so that nothing is rounded. Neighbours differ, as in a photograph.
    drawn.data[at] = at % 4 === 3 ? 255 : (at * 89 + (at >> 8) * 57) & 255;
  }
  // By way of a bitmap, as pictures come.
  const bitmap = await createImageBitmap(drawn);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return data.every((byte, at) => byte === drawn.data[at]);
}
