import type { Picture, Tensor } from '../../src/index.ts';

/** Returns a picture with 4 bytes a pixel, opaque. @param picture  with 3 bytes a pixel */
export function rgba(picture: {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}): Picture {
  const { width, height, data } = picture;
  const bytes = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
    i % 4 === 3 ? 255 : data[3 * (i >> 2) + (i % 4)],
  );
  return { width, height, data: bytes };
}

/** Returns the picture of [1, 3, H, W], rounded as `decode` rounds. */
export function pictureOf({ shape, data }: Tensor): Picture {
  const [, , height, width] = shape;
  const area = height * width;
  const bytes = Uint8ClampedArray.from({ length: 4 * area }, (_, i) =>
    i % 4 === 3 ? 255 : Math.floor(data[(i % 4) * area + (i >> 2)] * 255 + 0.5),
  );
  return { width, height, data: bytes };
}
