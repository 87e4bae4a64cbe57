import type { Picture } from '../../src/index.ts';
import { fields, joined } from '../bytes.ts';
import { rgba } from './rgba.ts';

/*
 * One small picture of four colours, in files that browsers read and the package does not.
 */

const [WIDTH, HEIGHT] = [12, 8];
const COLOURS = [
  [220, 200, 90],
  [30, 200, 90],
  [220, 40, 90],
  [30, 40, 90],
] as const;

/** The index of a pixel's colour: one for each quarter. */
const quarters = Array.from(
  { length: WIDTH * HEIGHT },
  (_, n) => (n % WIDTH < WIDTH / 2 ? 0 : 1) + (n < (WIDTH * HEIGHT) / 2 ? 0 : 2),
);

export const QUARTERS: Picture = rgba({
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from(quarters.flatMap((index) => [...COLOURS[index]])),
});

/** BMP: blue before red, the lowest row first. A row is a multiple of 4 bytes long already. */
export function quartersBmp(): Uint8Array {
  const rows = Array.from({ length: HEIGHT }, (_, y) =>
    quarters.slice(y * WIDTH, (y + 1) * WIDTH).flatMap((index) => COLOURS[index].toReversed()),
  );
  const pixels = rows.toReversed().flat();
  const start = 14 + 40;
  const file = [fields([4, start + pixels.length], [4, 0], [4, start])];
  const sizes = fields([4, 40], [4, WIDTH], [4, HEIGHT], [2, 1], [2, 24]);
  const rest = fields([4, 0], [4, pixels.length], [4, 2835], [4, 2835], [4, 0], [4, 0]);
  return joined('BM', ...file, sizes, rest, pixels);
}

/** GIF, whose table of codes is cleared before it grows: each code has 3 bits. */
export function quartersGif(): Uint8Array {
  const [clear, end] = [4, 5];
  const codes = quarters.flatMap((index, n) => (n % 2 === 0 ? [clear, index] : [index]));
  const packed = bitsOf([...codes, end]);
  const screen = fields([2, WIDTH], [2, HEIGHT], [1, 0x91], [1, 0], [1, 0]);
  const frame = fields([1, 0x2c], [2, 0], [2, 0], [2, WIDTH], [2, HEIGHT], [1, 0]);
  const data = joined(fields([1, 2], [1, packed.length]), packed, [0]);
  return joined('GIF89a', screen, COLOURS.flat(), frame, data, ';');
}

/** Codes of 3 bits as bytes, the lowest bit first. */
function bitsOf(codes: readonly number[]): number[] {
  const bytes = new Array<number>(Math.ceil((3 * codes.length) / 8)).fill(0);
  for (const [n, code] of codes.entries()) {
    for (let bit = 0; bit < 3; bit++) {
      const at = 3 * n + bit;
      bytes[at >> 3] |= ((code >> bit) & 1) << (at & 7);
    }
  }
  return bytes;
}

/** AVIF without loss, which sharp 0.35 wrote. */
export const quartersAvif = (): Uint8Array =>
  new Uint8Array(
    Buffer.from(
      'AAAAHGZ0eXBhdmlmAAAAAG1pZjFhdmlmbWlhZgAAAOptZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABDgABAAAAAAAAAC4AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABhdjAxAAAAAA5waXRtAAAAAAABAAAAamlwcnAAAABLaXBjbwAAAAxhdjFDgSACAAAAABNjb2xybmNseAABAA0AAIAAAAAUaXNwZQAAAAAAAAAMAAAACAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAADZtZGF0EgAKCDgMr7CAhoAQMiAQAACrCOQ/dywzcOKkPvxqxi42cSHHTQt//Vz2w1wHIA==',
      'base64',
    ),
  );
