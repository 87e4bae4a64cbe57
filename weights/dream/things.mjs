// Things that stand in a scene: ridges, firs, trees, houses, boats. Lengths are shares of the
// picture's size; `distance` runs from 0, here, to 1, where the haze has all but taken a thing.
import { colour, mixColour, scale } from './canvas.mjs';
import { seen, shine, veil } from './light.mjs';
import { crests, fractal, noise, step, unit } from './random.mjs';

/** Returns a ridge of hills: around `y`, `swing` up and down. */
export function hills(canvas, random, { y, swing, waves, octaves = 3 }) {
  const shift = random.between(0, 900);
  return canvas.ridge((x) => y - swing * (2 * fractal(x * waves + shift, 0.5, octaves) - 1));
}

/** Returns a ridge of mountains: from `base` up to about `base - tall`. */
export function peaks(canvas, random, { base, tall, waves }) {
  const shift = random.between(0, 900);
  const count = Math.round(waves * 2.2) + 1;
  const tents = Array.from({ length: count }, (_, i) => ({
    top: (i + random.between(-0.1, 1.1)) / count,
    height: random.between(0.5, 1),
    left: random.between(0.9, 1.9) * waves,
    right: random.between(0.9, 1.9) * waves,
  }));
  return canvas.ridge((x) => {
    let rise = 0.12;
    for (const { top, height, left, right } of tents) {
      const away = x < top ? (top - x) * left : (x - top) * right;
      // Steep near the top, flat at the foot.
      rise = Math.max(rise, height * Math.exp(-1.3 * away) - 0.12 * away);
    }
    const fine = fractal(x * waves * 4 + shift, 3.2, 4) - 0.5;
    return base - tall * (rise + fine * 0.2);
  });
}

/** Lifts a ridge to the outline of a wood. `sharp` woods are of firs. */
export function addWood(ridge, random, { width, tall, sharp, density = 1, part = () => 1 }) {
  const count = ridge.length;
  const ground = ridge.slice();
  for (let x = -width; x < 1 + width; x += width * random.between(0.35, 0.8)) {
    const grows = part(x) * density;
    if (!random.chance(grows)) continue;
    const height = tall * random.between(0.55, 1.1) * (0.4 + 0.6 * unit(grows));
    const half = width * random.between(0.4, 0.65);
    const foot = ground[Math.min(Math.max(Math.floor(x * count), 0), count - 1)];
    const from = Math.max(0, Math.floor((x - half) * count));
    const to = Math.min(count - 1, Math.ceil((x + half) * count));
    for (let i = from; i <= to; i++) {
      const away = Math.min(1, Math.abs((i + 0.5) / count - x) / half);
      const rise = sharp ? 1 - away : Math.sqrt(Math.max(0, 1 - away * away)) * 0.75;
      ridge[i] = Math.min(ridge[i], foot - height * rise);
    }
  }
  return ridge;
}

/** Paints hills of one colour with soft light and shadow. */
export function paintHills(canvas, light, ridge, { ground, distance, waves = 5, shift = 0 }) {
  const bright = shine(light, ground, 0.72);
  const dark = shine(light, ground, 0.16);
  canvas.fillBelow(ridge, ({ x, y, depth }, out) => {
    const slope = (canvas.at(ridge, x + 0.012) - canvas.at(ridge, x - 0.012)) * light.side * -8;
    const lump = fractal(x * waves + shift, y * waves * 2.6 + shift, 2) - 0.5;
    const facing = unit(0.5 + lump * 1.1 + slope * Math.exp(-depth * 9) * 0.5 - depth * 0.5);
    for (let c = 0; c < 3; c++) out[c] = dark[c] + (bright[c] - dark[c]) * facing;
    veil(light, x, distance * (1 - unit(depth * 1.2) * 0.35), out);
  });
}

/** Paints a mountain: faces towards the sun and away from it, snow on top. */
export function paintMountain(canvas, light, ridge, { rock, distance, snowLine, shift }) {
  const white = colour(0xf6f8fc);
  canvas.fillBelow(ridge, ({ x, y, depth }, out) => {
    const bend = 0.05 * noise(x * 5 + shift, y * 5);
    const [px, py] = [(x + bend) * 8 + shift, (y + bend) * 5 + shift];
    const here = crests(px, py, 3);
    const aside = crests(px + light.side * 0.2, py - 0.12, 3);
    const rise = (canvas.at(ridge, x + 0.02) - canvas.at(ridge, x - 0.02)) * light.side * 6;
    const facing = step(0, 1, 0.46 + (here - aside) * 2.6 - rise * Math.exp(-depth * 14));
    const border = snowLine + (here - 0.5) * 0.16 + (fractal(x * 7 + shift, 5.5, 2) - 0.5) * 0.1;
    const snow = step(0.035, -0.035, y - border);
    for (let c = 0; c < 3; c++) {
      const body = rock[c] + (white[c] - rock[c]) * snow;
      out[c] = body * (light.ambient[c] * (0.75 + 0.25 * facing) + light.key[c] * facing * 0.9);
    }
    veil(light, x, distance * (0.8 + unit(depth * 2) * 0.6), out);
  });
}

/** Paints a fir with tiers of boughs. `foot` is the middle of its trunk's end. */
export function paintFir(canvas, light, [x, foot], { tall, distance, wide = 0.36, snow = 0 }) {
  const tiers = Math.max(4, Math.min(9, Math.round(tall * 26)));
  const green = light.season.firs;
  const at = { x, distance };
  const bright = seen(light, green, { ...at, facing: 0.75 });
  const dark = seen(light, scale(green, 0.62), { ...at, facing: 0.08 });
  const white = seen(light, colour(0xf2f5fa), { ...at, facing: 0.5 });
  const trunk = seen(light, colour(0x4a3a2e), { ...at, facing: 0.3 });
  const thick = tall * 0.025;
  canvas.fillRows(
    foot - tall * 0.12,
    foot,
    () => [x - thick, x + thick],
    () => trunk,
  );
  const end = foot - tall * 0.07;
  const top = foot - tall;
  const share = (y) => unit((y - top) / (end - top));
  const saw = (t) => (t ** 0.85 * tiers) % 1;
  canvas.fillRows(
    top,
    end,
    (y) => {
      const t = share(y);
      const half = tall * wide * 0.5 * (0.05 + 0.95 * t) * (0.62 + 0.38 * saw(t));
      return [x - half, x + half];
    },
    (across, y) => {
      const tier = saw(share(y));
      const facing = unit(0.45 + 0.5 * across * light.side + (tier - 0.5) * 0.35);
      const bough = mixColour(dark, bright, facing);
      return snow > 0 ? mixColour(bough, white, snow * step(0.72, 0.1, tier) * 0.85) : bough;
    },
  );
}

/** Paints a tree with a crown of leaves. */
export function paintTree(canvas, light, [x, foot], { tall, distance, leaf, random }) {
  const at = { x, distance };
  const { size } = canvas;
  const bark = seen(light, colour(0x54402f), { ...at, facing: 0.3 });
  const thick = Math.max(tall * 0.028, 0.0022);
  const [rx, ry] = [tall * random.between(0.3, 0.42), tall * random.between(0.34, 0.42)];
  const cy = foot - tall + ry;
  const shift = random.between(0, 500);
  canvas.fillRows(
    cy + ry * 0.2,
    foot,
    (y) => {
      const root = 0.6 * Math.exp((y - foot) * (18 / tall));
      return [x - thick * (0.8 + root), x + thick * (0.8 + root)];
    },
    (across) => scale(bark, 1 + 0.35 * across * light.side),
  );
  const up = light.sunY < light.horizon - 0.2 ? 0.5 : 0.3;
  const bright = seen(light, leaf, { ...at, facing: 0.95 });
  const dark = seen(light, scale(leaf, 0.5), { ...at, facing: 0.03 });
  const soft = 1.6 / (Math.min(rx, ry) * size);
  const grain = 2 + 3.5 * tall;
  const out = [0, 0, 0];
  for (let row = Math.floor((cy - ry * 1.3) * size); row < (cy + ry * 1.25) * size; row++) {
    const dy = ((row + 0.5) / size - cy) / ry;
    for (let column = Math.floor((x - rx * 1.3) * size); column < (x + rx * 1.3) * size; column++) {
      const dx = ((column + 0.5) / size - x) / rx;
      // Flatter below than above, and ragged at the edge.
      const distance = Math.sqrt(dx * dx + dy * dy * (dy > 0 ? 1.35 : 1));
      if (distance > 1.3) continue;
      const tuft = fractal(dx * grain + shift, dy * grain + shift, 3) - 0.5;
      const cover = unit((1 - distance + tuft * 0.75) / soft + 0.5);
      if (cover === 0) continue;
      const facing = step(0.05, 0.95, 0.5 + tuft * 1.25 + dx * light.side * 0.36 - dy * up);
      for (let c = 0; c < 3; c++) out[c] = dark[c] + (bright[c] - dark[c]) * facing;
      canvas.blend(column, row, out, cover);
    }
  }
}

/** Paints a house with a gable towards us. `[x, foot]` is the middle of its floor. */
export function paintHouse(canvas, light, [x, foot], { width, distance, wall, roof, random }) {
  const at = { x, distance };
  const half = width / 2;
  const wallTop = foot - width * 0.5;
  const front = seen(light, wall, { ...at, facing: 0.55 });
  const snowy = light.season.snow ? colour(0xf0f4fa) : roof;
  const tiles = seen(light, snowy, { ...at, facing: 0.6 });
  const shadow = seen(light, scale(snowy, 0.8), { ...at, facing: 0.15 });
  canvas.fillRows(
    wallTop - width * 0.02,
    foot,
    () => [x - half, x + half],
    (across) => scale(front, 1 + 0.12 * across * light.side),
  );
  const chimney = seen(light, colour(0x7a5a4e), { ...at, facing: 0.4 });
  const [left, right] = [x + half * 0.42, x + half * 0.64];
  canvas.fillRows(
    wallTop - width * 0.42,
    wallTop,
    () => [left, right],
    () => chimney,
  );
  const [peak, edge] = [wallTop - width * 0.38, half * 1.14];
  const slope = (y) => edge * (0.62 + 0.38 * unit((y - peak) / (wallTop - peak)));
  canvas.fillRows(
    peak,
    wallTop + width * 0.03,
    (y) => [x - slope(y), x + slope(y)],
    (_, y) => mixColour(tiles, shadow, unit((y - peak) / (wallTop - peak)) * 0.7),
  );
  const isLit = random.chance(light.lamps * 1.6);
  const pane = isLit ? lamp(light) : seen(light, colour(0x3c4a5c), { ...at, facing: 0.3 });
  for (const side of [-0.5, 0.5]) {
    const [wx, w] = [x + half * side, width * 0.1];
    const sill = foot - width * 0.16;
    canvas.fillRows(
      sill - width * 0.2,
      sill,
      () => [wx - w, wx + w],
      () => pane,
    );
    if (isLit) canvas.glow([wx, sill - width * 0.1], width * 0.28, scale(pane, 0.22));
  }
}

/** The colour of a lit window. */
export function lamp(light) {
  return scale(colour(0xffc869), light.isMoon ? 0.95 : 0.85);
}

/** Paints a boat with a sail, seen from the side. */
export function paintSail(canvas, light, [x, y], { tall, distance, tint }) {
  const at = { x, distance };
  const cloth = seen(light, tint, { ...at, facing: 0.85 });
  const wood = seen(light, colour(0x5a4336), { ...at, facing: 0.4 });
  const w = tall * 0.42;
  canvas.polygon(
    [
      [x, y - tall],
      [x + w, y - tall * 0.16],
      [x, y - tall * 0.16],
    ],
    cloth,
  );
  const jib = scale(cloth, 0.86);
  const front = x - tall * 0.05;
  canvas.polygon(
    [
      [front, y - tall * 0.86],
      [front, y - tall * 0.16],
      [x - w * 0.8, y - tall * 0.16],
    ],
    jib,
  );
  canvas.fillRows(
    y - tall * 0.12,
    y + tall * 0.02,
    (row) => {
      const t = unit((row - y + tall * 0.12) / (tall * 0.14));
      return [x - w * (0.95 - 0.3 * t), x + w * (1 - 0.35 * t)];
    },
    () => wood,
  );
}

/** Paints ground that comes towards us: fine near the horizon, coarse at the bottom. */
export function paintGround(canvas, light, ridge, { far, near, distance, shift, flowers = [] }) {
  const farBright = shine(light, far, 0.74);
  const nearBright = shine(light, near, 0.74);
  const dark = shine(light, near, 0.12);
  const tints = flowers.map((flower) => shine(light, flower, 0.7));
  canvas.fillBelow(ridge, ({ x, depth }, out) => {
    const deep = unit(depth / 0.45);
    const zoom = 1 / (0.14 + depth * 2.2);
    const [px, py] = [(x - 0.5) * 2.6 * zoom + shift, zoom * 3.4 + shift];
    const lump = fractal(px, py, 3) - 0.5;
    const facing = unit(0.72 + lump * 1.25 - deep * 0.3);
    for (let c = 0; c < 3; c++) {
      const bright = farBright[c] + (nearBright[c] - farBright[c]) * deep;
      out[c] = dark[c] + (bright - dark[c]) * facing;
    }
    if (tints.length > 0 && depth > 0.02) {
      const bed = step(0.42, 0.7, noise(px * 1.1 + 40, py * 1.4 + 7));
      const dots = step(0.45, 0.8, noise(px * 13 + 3, py * 10 + 60)) * bed * (0.25 + 0.5 * deep);
      const tint = tints[Math.floor(noise(px * 0.6, py * 0.5 + 90) * 2.999)];
      for (let c = 0; c < 3; c++) out[c] += (tint[c] - out[c]) * dots;
    }
    veil(light, x, distance * (1 - deep), out);
  });
}
