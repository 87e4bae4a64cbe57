// Draws the example picture, an evening at a lake, by arithmetic alone: every run gives equal
// bytes. It has all that is hard for an autoencoder: smooth gradients, hard edges, fine texture,
// small bright things.

/** The default width and height. */
const SIZE = 512;
/** The height at which the water begins, from the top. */
const SHORE = 0.62;
const SUN = { x: 0.66, y: 0.385, radius: 0.045 };

/** Returns a number in [0, 1) for each point of a grid. */
function hash(x, y) {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

const smooth = (t) => t * t * (3 - 2 * t);
const mix = (a, b, t) => a + (b - a) * t;
const mixColour = (a, b, t) => a.map((value, i) => mix(value, b[i], t));
const unit = (t) => Math.min(Math.max(t, 0), 1);

/** Returns smooth noise in [0, 1): the grid's numbers, blended. */
function noise(x, y) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [smooth(x - column), smooth(y - row)];
  const top = mix(hash(column, row), hash(column + 1, row), u);
  const bottom = mix(hash(column, row + 1), hash(column + 1, row + 1), u);
  return mix(top, bottom, v);
}

/** Adds noise of several scales, each half as strong as the one before. */
function fractal(x, y, octaves) {
  let sum = 0;
  for (let i = 0, weight = 0.5; i < octaves; i++, weight /= 2) {
    sum += weight * noise(x * 2 ** i + 17 * i, y * 2 ** i);
  }
  return sum;
}

/** Three ridges, the farthest first; `height` gives the ridge's top at x. */
const RIDGES = [
  {
    colour: [142, 112, 148],
    rough: 0.015,
    height: (x) => 0.52 - 0.16 * fractal(3.1 * x + 5, 1, 5),
  },
  { colour: [86, 72, 112], rough: 0.02, height: (x) => 0.58 - 0.17 * fractal(4.3 * x + 31, 2, 6) },
  { colour: [38, 42, 66], rough: 0.035, height: (x) => 0.645 - 0.13 * fractal(5.7 * x + 77, 3, 7) },
];

/** The sky at (x, y): a gradient, the sun and its glow, clouds, the first stars. */
function sky(x, y) {
  const low = unit(y / SHORE);
  let colour = mixColour([28, 34, 84], [226, 124, 104], smooth(low));
  colour = mixColour(colour, [255, 206, 130], smooth(unit((low - 0.55) / 0.45)) * 0.8);
  const cloud = unit((fractal(3 * x, 11 * y, 6) - 0.46) * 5) * (1 - low * 0.6);
  colour = mixColour(colour, [250, 168, 140], cloud * 0.55);
  const distance = Math.hypot(x - SUN.x, y - SUN.y);
  const glow = Math.exp(-distance * 7) * 0.75;
  colour = mixColour(colour, [255, 226, 160], glow);
  if (distance < SUN.radius) colour = [255, 244, 214];
  // At most one star in each cell of a grid, somewhere in it.
  const [column, row] = [Math.floor(x * 40), Math.floor(y * 40)];
  const [dx, dy] = [
    x * 40 - column - hash(column, row + 500),
    y * 40 - row - hash(column, row + 900),
  ];
  const brightness = hash(column + 300, row) ** 4 * (1 - low / 0.6) * (1 - cloud);
  if (brightness > 0.15 && Math.hypot(dx, dy) < 0.06) {
    colour = mixColour(colour, [255, 250, 240], unit(brightness * 1.6));
  }
  return colour;
}

/** The picture above the water. */
function land(x, y) {
  let colour = sky(x, y);
  for (const { colour: ridge, rough, height } of RIDGES) {
    if (y < height(x)) continue;
    const texture = fractal(60 * x, 60 * y, 3) - 0.4;
    colour = ridge.map((value) => value * (1 + texture * rough * 14));
  }
  // Firs along the near shore: a triangle in each of 48 columns, its height random.
  const fir = Math.floor(x * 48);
  const tall = 0.02 + 0.07 * hash(fir, 4);
  const across = Math.abs(x * 48 - fir - 0.5) * 2;
  const top = SHORE + 0.012 - tall;
  if (
    hash(fir, 5) > 0.35 &&
    y > top &&
    across < ((y - top) / tall) * (0.6 + 0.4 * ((y * 160) % 1))
  ) {
    colour = [14, 22, 30];
  }
  return colour;
}

/**
 * The lake: the land upside down, darker and bluer, bent by ripples that grow towards the viewer.
 */
function water(x, y) {
  const depth = (y - SHORE) / (1 - SHORE);
  const ripple = (fractal(9 * x, 140 * y * (1.1 - depth * 0.7), 3) - 0.44) * 0.07 * (0.15 + depth);
  const mirrored = land(unit(x + ripple), unit(SHORE - (y - SHORE) * 0.9 + ripple * 0.6));
  const glint = unit((fractal(30 * x, 260 * y, 2) - 0.52) * 6) * Math.exp(-Math.abs(x - SUN.x) * 9);
  const shaded = mixColour(mirrored, [18, 34, 62], 0.28 + 0.3 * depth);
  return mixColour(shaded, [255, 214, 150], glint * 0.8);
}

/** @returns the picture, RGB, `{ width, height, data }` */
export function renderPicture(size = SIZE) {
  const data = new Uint8Array(size * size * 3);
  /** Four points a pixel, so that edges are smooth. */
  const points = [0.25, 0.75];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const sum = [0, 0, 0];
      for (const dy of points) {
        for (const dx of points) {
          const [x, y] = [(column + dx) / size, (row + dy) / size];
          const colour = y < SHORE ? land(x, y) : water(x, y);
          for (let c = 0; c < 3; c++) sum[c] += colour[c] / 4;
        }
      }
      data.set(
        sum.map((value) => Math.round(Math.min(Math.max(value, 0), 255))),
        (row * size + column) * 3,
      );
    }
  }
  return { width: size, height: size, data };
}
