import type { Picture } from 'taesd-wasm';

/** Returns a picture with left and right changed. */
export function mirrored({ width, height, data }: Picture): Picture {
  const out = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 4 * (y * width + width - 1 - x);
      out.set(data.subarray(from, from + 4), 4 * (y * width + x));
    }
  }
  return { width, height, data: out };
}

/**
 * Returns a picture of another size. It fills that size: what is too wide or too high is cut off
 * evenly. Each pixel is the mean of those that it stands for, or the nearest one.
 *
 * @param size  in pixels
 */
export function fitted(picture: Picture, size: { width: number; height: number }): Picture {
  const { width, height } = size;
  if (picture.width === width && picture.height === height) return picture;
  const scale = Math.min(picture.width / width, picture.height / height);
  const left = (picture.width - scale * width) / 2;
  const top = (picture.height - scale * height) / 2;
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const [above, below] = range(top + y * scale, scale, picture.height);
    for (let x = 0; x < width; x++) {
      const [first, end] = range(left + x * scale, scale, picture.width);
      for (let c = 0; c < 4; c++) {
        let sum = 0;
        for (let row = above; row < below; row++) {
          for (let at = first; at < end; at++)
            sum += picture.data[4 * (row * picture.width + at) + c];
        }
        data[4 * (y * width + x) + c] = sum / ((below - above) * (end - first));
      }
    }
  }
  return { width, height, data };
}

/** Returns the first pixel from `start` on, and the end of those within `length`; at least one. */
function range(start: number, length: number, size: number): [number, number] {
  const first = Math.min(Math.max(Math.floor(start), 0), size - 1);
  return [first, Math.max(Math.min(Math.round(start + length), size), first + 1)];
}
