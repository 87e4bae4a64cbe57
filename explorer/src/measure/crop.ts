import type { Area, Picture } from 'taesd-wasm';

/** One channel. */
interface Numbers {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Returns a part of a map. Numbers outside of the map are 0. */
export function croppedMap(map: Numbers, { x, y, width, height }: Area): Numbers {
  const data = new Float32Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [down, across] = [y + row, x + column];
      if (down < 0 || down >= map.height || across < 0 || across >= map.width) continue;
      data[row * width + column] = map.data[down * map.width + across];
    }
  }
  return { width, height, data };
}

/** Returns a part of a picture. Pixels outside of the picture are transparent. */
export function croppedPicture(picture: Picture, { x, y, width, height }: Area): Picture {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [down, across] = [y + row, x + column];
      if (down < 0 || down >= picture.height || across < 0 || across >= picture.width) continue;
      const from = 4 * (down * picture.width + across);
      data.set(picture.data.subarray(from, from + 4), 4 * (row * width + column));
    }
  }
  return { width, height, data };
}
