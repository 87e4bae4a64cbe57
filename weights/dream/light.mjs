// Light and colours of a scene: what its time of day, its weather and its season decide.
import { colour, mixColour, scale, times } from './canvas.mjs';
import { step, unit } from './random.mjs';

/**
 * The times of day. `zenith`, `middle`, `low` and `near` are colours of the sky: at the top, half
 * way, at the horizon, and at the horizon below the sun. `key` is the light of sun or moon on the
 * land, `ambient` the sky's. `lit` and `shade` are the clouds' two sides. `lamps` says how many
 * windows are lit.
 */
const TIMES = {
  dawn: () => ({
    zenith: colour(0x7396c8),
    middle: colour(0xc3bcdc),
    low: colour(0xf3cfcf),
    near: colour(0xffe2b0),
    sun: colour(0xfff3cf),
    key: [0.92, 0.68, 0.5],
    ambient: [0.38, 0.37, 0.47],
    lit: colour(0xffd8c4),
    shade: colour(0xa89fc4),
    lamps: 0.08,
  }),
  day: () => ({
    zenith: colour(0x3476c6),
    middle: colour(0x76b0e8),
    low: colour(0xcfe6f4),
    near: colour(0xe6f1f4),
    sun: colour(0xfffbea),
    key: [1.1, 1.04, 0.9],
    ambient: [0.4, 0.47, 0.58],
    lit: colour(0xfdfdfb),
    shade: colour(0xa9b9cc),
    lamps: 0,
  }),
  dusk: () => ({
    zenith: colour(0x2b3668),
    middle: colour(0x8a5a8c),
    low: colour(0xe8795a),
    near: colour(0xffb452),
    sun: colour(0xffdc8a),
    key: [0.74, 0.33, 0.15],
    ambient: [0.17, 0.14, 0.24],
    lit: colour(0xf58a56),
    shade: colour(0x5f4470),
    lamps: 0.45,
  }),
  night: () => ({
    zenith: colour(0x070d22),
    middle: colour(0x12204a),
    low: colour(0x2c4372),
    near: colour(0x3a5488),
    sun: colour(0xe9eedd),
    key: [0.1, 0.135, 0.21],
    ambient: [0.026, 0.04, 0.085],
    lit: colour(0x44557f),
    shade: colour(0x17213f),
    lamps: 0.6,
  }),
};

/** Colours of things that grow or lie on the ground, by season. */
const SEASONS = {
  spring: () => ({
    grass: colour(0x86b04a),
    meadow: colour(0xa4c05a),
    leaves: [colour(0x8fbf4f), colour(0x7bae52), colour(0xf0b9c8)],
    firs: colour(0x3f6b45),
    flowers: [colour(0xfff0a0), colour(0xf7d6e4), colour(0xffffff)],
    snow: 0,
  }),
  summer: () => ({
    grass: colour(0x5f9138),
    meadow: colour(0x87a144),
    leaves: [colour(0x4d8038), colour(0x3f7038), colour(0x6b953f)],
    firs: colour(0x2f5a3c),
    flowers: [colour(0xe05548), colour(0xf2cf4a), colour(0x8a78d0)],
    snow: 0,
  }),
  autumn: () => ({
    grass: colour(0x9a9148),
    meadow: colour(0xbba057),
    leaves: [colour(0xd07a2a), colour(0xb8482c), colour(0xdcae3c)],
    firs: colour(0x3d5a3a),
    flowers: [colour(0xc98a4a), colour(0xa8583a), colour(0xd8c070)],
    snow: 0,
  }),
  winter: () => ({
    grass: colour(0xe9eef4),
    meadow: colour(0xdfe7f0),
    leaves: [colour(0xdde4ec), colour(0xcdd8e4), colour(0xe6e6ea)],
    firs: colour(0x4d6a62),
    flowers: [],
    snow: 1,
  }),
};

export const TIME_NAMES = Object.keys(TIMES);
export const SEASON_NAMES = Object.keys(SEASONS);

/**
 * Returns the light of a scene.
 *
 * @param {{ time: string, weather: string, season: string }} labels
 * @param {import('./random.mjs').Random} random
 * @param {{ horizon: number }} view  the horizon's height
 */
export function lightOf({ time, weather, season }, random, { horizon }) {
  const light = { ...TIMES[time](), season: SEASONS[season](), horizon };
  const warmth = random.between(-1, 1);
  const tint = [1 + 0.07 * warmth, 1, 1 - 0.08 * warmth];
  for (const name of ['zenith', 'middle', 'low', 'near', 'key', 'lit']) {
    light[name] = times(light[name], tint);
  }
  // At dawn the sun stands at the left and at dusk at the right, low; by day it is high.
  const low = time === 'dawn' || time === 'dusk';
  const left = random.chance(time === 'dawn' ? 0.75 : time === 'dusk' ? 0.25 : 0.5);
  const aside = random.between(0.12, 0.42);
  light.sunX = left ? aside : 1 - aside;
  light.sunY = low ? horizon - random.between(0.02, 0.14) : random.between(0.08, 0.24);
  // By day the sun is above the picture more often than in it.
  if (time === 'day' && random.chance(0.6)) light.sunY = -0.2;
  light.side = left ? -1 : 1;
  light.isMoon = time === 'night';
  light.disc = { dawn: 0.026, day: 0.022, dusk: 0.034, night: 0.03 }[time];
  light.glow = { dawn: 0.5, day: 0.3, dusk: 0.55, night: 0.1 }[time];
  light.stars = time === 'night' ? 1 : 0;
  light.cover = 0;
  light.density = 0.85;
  light.mist = time === 'dawn' ? 0.35 : 0;
  if (weather === 'clouds') {
    light.cover = random.between(0.42, 0.62);
    light.key = scale(light.key, 0.86);
    light.density = 1.05;
  } else if (weather === 'fog') {
    makeFoggy(light);
  } else if (random.chance(0.4)) {
    light.cover = random.between(0.12, 0.26);
  }
  return light;
}

/** Fog: pale, without shadows, and what is far away is gone. */
function makeFoggy(light) {
  const mean = mixColour(mixColour(light.low, light.middle, 0.45), light.shade, 0.2);
  const grey = (mean[0] + mean[1] + mean[2]) / 3;
  const veil = mixColour(mean, [grey, grey, grey], 0.45);
  light.zenith = mixColour(light.zenith, veil, 0.72);
  light.middle = mixColour(light.middle, veil, 0.85);
  light.low = mixColour(light.low, veil, 0.8);
  light.near = mixColour(light.near, veil, 0.55);
  light.key = scale(light.key, 0.45);
  light.ambient = mixColour(scale(light.ambient, 1.25), scale(veil, 0.6), 0.3);
  light.stars = 0;
  light.glow *= 0.7;
  light.disc = 0;
  light.density = 2.6;
  light.mist = 0.9;
}

/** Sets `out` to the sky's colour without clouds; above it, at the horizon, is the haze. */
export function skyColour(light, x, y, out) {
  const { zenith, middle, low, near, sunX, horizon } = light;
  const h = unit(y / horizon);
  const high = step(0, 0.62, h);
  const down = step(0.38, 1, h);
  const away = (x - sunX) / 0.5;
  const warm = Math.exp(-away * away);
  for (let c = 0; c < 3; c++) {
    const edge = low[c] + (near[c] - low[c]) * warm;
    const upper = zenith[c] + (middle[c] - zenith[c]) * high;
    out[c] = upper + (edge - upper) * down;
  }
}

/** Blends `out` towards the haze, as the air between does. `distance` runs from 0 to 1. */
export function veil(light, x, distance, out) {
  const { low, near, middle, sunX, density } = light;
  const away = (x - sunX) / 0.5;
  const warm = 0.85 * Math.exp(-away * away);
  const thick = 1 - Math.exp(-distance * density * 1.5);
  for (let c = 0; c < 3; c++) {
    const edge = low[c] + (near[c] - low[c]) * warm;
    const haze = edge + (middle[c] - edge) * 0.35;
    out[c] += (haze - out[c]) * thick;
  }
}

/** Returns the colour of a thing in this light. `facing` runs from 0, in shadow, to 1. */
export function shine(light, thing, facing) {
  return thing.map((value, c) => value * (light.ambient[c] + light.key[c] * facing));
}

/** Returns the colour of a thing at a distance, with the haze before it. */
export function seen(light, thing, { facing = 0.5, x = 0.5, distance = 0 } = {}) {
  const out = shine(light, thing, facing);
  veil(light, x, distance, out);
  return out;
}
