// Landscapes, drawn by arithmetic alone from an integer seed: the pictures that `dream` learns.
// Equal seeds and labels give equal bytes.
import { Canvas } from './canvas.mjs';
import { lightOf, SEASON_NAMES, TIME_NAMES } from './light.mjs';
import { PLACES } from './places.mjs';
import { Random } from './random.mjs';
import { paintMist, paintSky, paintSnowfall } from './sky.mjs';

/** The labels of a scene and their values, in the order of the network's channels. */
export const LABELS = {
  time: TIME_NAMES,
  place: Object.keys(PLACES),
  weather: ['clear', 'clouds', 'fog'],
  season: SEASON_NAMES,
};

/** The default width and height. */
const SIZE = 256;

/**
 * Returns the labels of a scene: those that are given, others by chance.
 *
 * @param {number} seed  an integer
 * @param {{ time?: string, place?: string, weather?: string, season?: string }} [given]
 */
export function labelsOf(seed, given = {}) {
  const random = new Random(seed);
  const chosen = Object.entries(LABELS).map(([name, values]) => {
    const usual = name === 'weather' ? ['clear', 'clear', 'clouds', 'clouds', 'fog'] : values;
    const value = random.pick(usual);
    if (given[name] !== undefined && !values.includes(given[name])) {
      throw new RangeError(`"${name}" expected ${values.join(', ')}, got ${given[name]}`);
    }
    return [name, given[name] ?? value];
  });
  return Object.fromEntries(chosen);
}

/**
 * Draws a scene.
 *
 * @param {number} seed  an integer
 * @param {{ time?: string, place?: string, weather?: string, season?: string }} [given]  labels;
 *   those left out are chosen by the seed
 * @param {number} [size]  width and height in pixels; defaults to 256
 * @returns {{ width: number, height: number, data: Uint8Array, labels: Record<string, string> }}
 *   RGB, 8 bits
 */
export function renderScene(seed, given = {}, size = SIZE) {
  const labels = labelsOf(seed, given);
  const random = new Random(seed ^ 0x5eed);
  const place = PLACES[labels.place];
  const light = lightOf(labels, random, { horizon: place.horizon(random) });
  const canvas = new Canvas(size);
  paintSky(canvas, light, random);
  place.paint(canvas, light, random);
  if (labels.weather === 'fog') {
    paintMist(canvas, light, {
      y: light.horizon + 0.04,
      thickness: 0.14,
      strength: 0.4,
      shift: seed % 97,
    });
  }
  if (labels.season === 'winter' && labels.weather !== 'clear' && random.chance(0.2)) {
    paintSnowfall(canvas, light, random);
  }
  return { ...canvas.picture(), labels };
}
