// Draws a picture, its 4-channel latent and the decoded picture side by side, at half size.

/** The white space between the parts, in pixels. */
const GAP = 8;

/**
 * @param picture  RGB
 * @param latent   RGBA; its four channels are shown as grey pictures: 0 and 1 above, 2 and 3 below
 * @param decoded  RGBA, as large as the picture
 * @returns RGB
 */
export function panel(picture, latent, decoded) {
  const [width, height] = [picture.width >> 1, picture.height >> 1];
  const parts = [halved(picture, 3), channels(latent, width, height), halved(decoded, 4)];
  return grid([parts], width, height);
}

/**
 * @param rows  lists of parts; a part is a function from (x, y) to a colour [r, g, b]
 * @returns RGB; each part takes width × height pixels
 */
export function grid(rows, width, height) {
  const fullWidth = rows[0].length * (width + GAP) - GAP;
  const fullHeight = rows.length * (height + GAP) - GAP;
  const data = new Uint8Array(fullWidth * fullHeight * 3).fill(255);
  for (const [m, parts] of rows.entries()) {
    for (const [n, colourAt] of parts.entries()) {
      for (let y = 0; y < height; y++) {
        const start = (m * (height + GAP) + y) * fullWidth + n * (width + GAP);
        for (let x = 0; x < width; x++) data.set(colourAt(x, y), (start + x) * 3);
      }
    }
  }
  return { width: fullWidth, height: fullHeight, data };
}

/** Returns the picture at half size: the mean of each 2×2 pixels. */
export const halved = (picture, bytesPerPixel) => shrunk(picture, bytesPerPixel, 2);

/** Returns the picture at 1/factor of its size: the mean of each factor × factor pixels. */
export function shrunk({ width, data }, bytesPerPixel, factor) {
  return (x, y) =>
    [0, 1, 2].map((c) => {
      let sum = 0;
      for (let row = y * factor; row < (y + 1) * factor; row++) {
        for (let column = x * factor; column < (x + 1) * factor; column++) {
          sum += data[(row * width + column) * bytesPerPixel + c];
        }
      }
      return Math.round(sum / factor ** 2);
    });
}

/** Returns the latent as grey pictures, one channel in each quarter. */
function channels({ width: columns, height: rows, data }, width, height) {
  return (x, y) => {
    const [right, below] = [Number(x >= width / 2), Number(y >= height / 2)];
    const column = Math.floor(((x - (right * width) / 2) / (width / 2)) * columns);
    const row = Math.floor(((y - (below * height) / 2) / (height / 2)) * rows);
    const value = data[(row * columns + column) * 4 + right + 2 * below];
    return [value, value, value];
  };
}
