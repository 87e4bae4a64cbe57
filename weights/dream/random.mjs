// Random numbers and smooth noise, from integer seeds by arithmetic alone.

/** Returns a number in [0, 1) for each point of a grid of integers. */
export function hash(x, y) {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  h = Math.imul(h ^ (h >>> 15), 461845907);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

export const mix = (a, b, t) => a + (b - a) * t;
export const unit = (t) => (t < 0 ? 0 : t > 1 ? 1 : t);

/** Rises from 0 at `from` to 1 at `to`, without a corner. */
export function step(from, to, value) {
  const t = unit((value - from) / (to - from));
  return t * t * (3 - 2 * t);
}

/** Returns smooth noise in [0, 1): the grid's numbers, blended. */
export function noise(x, y) {
  const column = Math.floor(x);
  const row = Math.floor(y);
  let u = x - column;
  let v = y - row;
  u = u * u * (3 - 2 * u);
  v = v * v * (3 - 2 * v);
  const left = hash(column, row);
  const below = hash(column, row + 1);
  const top = left + (hash(column + 1, row) - left) * u;
  const bottom = below + (hash(column + 1, row + 1) - below) * u;
  return top + (bottom - top) * v;
}

/** Adds noise of several scales, each half as strong as the one before. Lies in [0, 1). */
export function fractal(x, y, octaves) {
  let sum = 0;
  let weight = 0.5;
  for (let i = 0; i < octaves; i++) {
    sum += weight * noise(x, y);
    weight /= 2;
    x = 2 * x + 17.3;
    y = 2 * y + 5.1;
  }
  return sum / (1 - 2 * weight);
}

/** Fractal noise with sharp crests, as mountains have. Lies in [0, 1). */
export function crests(x, y, octaves) {
  let sum = 0;
  let weight = 0.5;
  for (let i = 0; i < octaves; i++) {
    sum += weight * (1 - Math.abs(2 * noise(x, y) - 1));
    weight /= 2;
    x = 2.03 * x + 11.7;
    y = 2.03 * y + 3.9;
  }
  return sum / (1 - 2 * weight);
}

/** A source of random numbers. Equal seeds give equal numbers. */
export class Random {
  #seed;
  #count = 0;

  constructor(seed) {
    this.#seed = seed | 0;
  }

  /** Returns a number in [from, to). */
  between(from, to) {
    return from + (to - from) * hash(++this.#count, this.#seed * 7919 + 13);
  }

  /** Returns true in a share `probability` of all calls. */
  chance(probability) {
    return this.between(0, 1) < probability;
  }

  /** Returns one of a list. */
  pick(list) {
    return list[Math.floor(this.between(0, list.length))];
  }

  /** Returns an integer from `from` to `to`, both included. */
  integer(from, to) {
    return Math.floor(this.between(from, to + 1));
  }
}
