import type { Rgb } from '../../index.ts';
import { inkOf } from './bitmap-font.ts';

/** An RGB picture to draw on. */
export class Raster {
  readonly width: number;
  readonly height: number;
  /** [height][width][3] */
  readonly data: Uint8ClampedArray;

  constructor(width: number, height: number, colour: Rgb) {
    this.width = width;
    this.height = height;
    this.data = new Uint8ClampedArray(3 * width * height);
    if (height === 0) return;
    this.fill(0, 0, width, 1, colour);
    for (let y = 1; y < height; y++) this.repeatRowAbove(y);
  }

  set(x: number, y: number, colour: Rgb): void {
    const at = 3 * (y * this.width + x);
    // Three times as fast as `data.set(colour, at)`.
    this.data[at] = colour[0];
    this.data[at + 1] = colour[1];
    this.data[at + 2] = colour[2];
  }

  fill(x: number, y: number, width: number, height: number, colour: Rgb): void {
    for (let row = y; row < y + height; row++) {
      for (let column = x; column < x + width; column++) this.set(column, row, colour);
    }
  }

  /** Makes a row equal to the one above it. */
  repeatRowAbove(y: number): void {
    const count = 3 * this.width;
    this.data.copyWithin(y * count, (y - 1) * count, y * count);
  }

  /** Puts another picture at (x, y). It must fit. */
  put(other: Raster, x: number, y: number): void {
    const count = 3 * other.width;
    for (let row = 0; row < other.height; row++) {
      const line = other.data.subarray(row * count, (row + 1) * count);
      this.data.set(line, 3 * ((y + row) * this.width + x));
    }
  }

  /** Writes capitals from (x, y) to the right. A pixel of the font is `scale` wide and high. */
  write(text: string, x: number, y: number, scale: number, colour: Rgb): void {
    this.print(text.toUpperCase(), x, y, scale, colour);
  }

  /** Writes a text as it stands, with small letters. */
  print(text: string, x: number, y: number, scale: number, colour: Rgb): void {
    for (const [inkX, inkY] of inkOf(text)) {
      this.fill(x + inkX * scale, y + inkY * scale, scale, scale, colour);
    }
  }
}
