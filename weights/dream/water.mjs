// Water: a mirror of what is above its shore, bent by ripples, with the sun's path on it.
import { mixColour, scale } from './canvas.mjs';
import { fractal, noise, step, unit } from './random.mjs';

/**
 * Paints still water from the row `shore` to the bottom: what is above the shore, upside down.
 *
 * @param {{ shore: number, calm: number, tint: number[], shift: number }} water  `calm` runs from
 *   0, rippled, to 1, a mirror
 */
export function paintWater(canvas, light, { shore, calm, tint, shift }) {
  const { size } = canvas;
  const out = [0, 0, 0];
  const body = tint.map((value, c) => value * (light.ambient[c] * 0.9 + light.key[c] * 0.35));
  const rough = 1 - calm;
  for (let row = Math.floor(shore * size); row < size; row++) {
    const y = (row + 0.5) / size;
    const cover = unit(row + 1 - shore * size);
    const depth = (y - shore) / (1 - shore);
    const fine = 7 / (0.12 + depth);
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) / size;
      const wave = fractal(x * (3 + 0.35 * fine) + shift, fine * 2.3 + shift, 2) - 0.5;
      const bend = wave * (0.012 + 0.11 * depth) * (0.35 + rough);
      canvas.sample(x + bend * 0.35, shore - (y - shore) * 0.92 + bend, out);
      const deep = (0.16 + 0.34 * depth) * (0.75 + 0.5 * rough);
      const dim = 0.93 + wave * 0.2 * rough;
      for (let c = 0; c < 3; c++) out[c] = (out[c] + (body[c] - out[c]) * deep) * dim;
      canvas.blend(column, row, out, cover);
    }
  }
  paintGlints(canvas, light, { from: shore, to: 1, strength: 0.35 + 0.5 * rough, shift });
  // A line of light at the shore parts the water from the land.
  const edge = mixColour(light.low, light.middle, 0.5);
  canvas.fillRows(
    shore,
    shore + 0.006,
    () => [0, 1],
    () => edge,
  );
}

/** The path of the sun or the moon on water: broken near the viewer. */
export function paintGlints(canvas, light, { from, to, strength, shift }) {
  if (light.disc === 0) return;
  const { size } = canvas;
  const { sunX, sun, near } = light;
  const low = light.isMoon ? 0.75 : unit(1.1 - (light.horizon - light.sunY) * 5);
  if (low <= 0) return;
  const shade = scale(light.isMoon ? sun : mixColour(near, sun, 0.5), strength * low);
  for (let row = Math.floor(from * size); row < to * size; row++) {
    const y = (row + 0.5) / size;
    const depth = unit((y - from) / (1 - from));
    const width = 0.03 + 0.11 * depth;
    const fine = 9 / (0.1 + depth);
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) / size;
      const away = (x - sunX) / width;
      if (away > 3 || away < -3) continue;
      const spark = step(0.3, 0.75, noise(x * (10 + fine * 0.25) + shift, fine * 3.6 + shift));
      const level = Math.exp(-away * away) * (0.25 + 0.95 * spark) * (1 - 0.45 * depth);
      const i = (row * size + column) * 3;
      for (let c = 0; c < 3; c++) canvas.light[i + c] += shade[c] * level;
    }
  }
}
