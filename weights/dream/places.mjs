// The six places. Each paints from far to near, on a canvas that holds the sky.
import { colour, mixColour, scale } from './canvas.mjs';
import { seen, shine, skyColour, veil } from './light.mjs';
import { fractal, mix, noise, step, unit } from './random.mjs';
import { paintMist } from './sky.mjs';
import {
  addWood,
  hills,
  lamp,
  paintFir,
  paintGround,
  paintHills,
  paintHouse,
  paintMountain,
  paintSail,
  paintTree,
  peaks,
} from './things.mjs';
import { paintGlints, paintWater } from './water.mjs';

const ROCK = 0x7a7480;
const WALLS = [0xe9e0cf, 0xd9b48a, 0xc8d3d8, 0xb8624e];
const ROOFS = [0xa84a36, 0x6a4a40, 0x4f5d70];

/** Hills, one behind the other, the farthest first. The nearer, the greener and the lower. */
function paintRange(canvas, light, random, { from, to, count, swing, wood = 0.7 }) {
  const { season } = light;
  for (let i = 0; i < count; i++) {
    const t = count === 1 ? 1 : i / (count - 1);
    const ridge = hills(canvas, random, {
      y: mix(from, to, t),
      swing: swing * mix(1, 0.6, t),
      waves: random.between(1.6, 3.2),
    });
    const wooded = random.chance(wood);
    const distance = mix(0.85, 0.32, t);
    if (wooded) {
      const size = mix(0.008, 0.018, t);
      addWood(ridge, random, { width: size, tall: size * 1.9, sharp: random.chance(0.5) });
    }
    const leaves = mixColour(season.firs, random.pick(season.leaves), 0.45);
    const snowy = mixColour(leaves, season.grass, season.snow * 0.5);
    const ground = wooded ? snowy : mixColour(season.grass, season.meadow, random.between(0, 1));
    paintHills(canvas, light, ridge, { ground, distance, shift: random.between(0, 300) });
    if (light.mist > 0) {
      const y = mix(from, to, t) + 0.035;
      paintMist(canvas, light, { y, thickness: 0.03, strength: light.mist * 0.6, shift: i * 9 });
    }
  }
}

function paintPeaks(canvas, light, random, { base, tall, distance, waves }) {
  const ridge = peaks(canvas, random, { base, tall, waves });
  const high = Math.min(...ridge);
  const snowLine = light.season.snow ? base : mix(high, base, random.between(0.12, 0.5));
  const shift = random.between(0, 300);
  const rock = mixColour(colour(ROCK), colour(0x6b6a5c), random.between(0, 1));
  paintMountain(canvas, light, ridge, { rock, distance, snowLine, shift });
}

/** Trees of the season around a place, the farther ones first. */
function paintGrove(canvas, light, random, { count, x, y, spread, tall, ground }) {
  const { season } = light;
  const feet = Array.from({ length: count }, () => {
    const at = x + random.between(-spread, spread);
    const down = random.between(0, 0.05);
    return { at, foot: (ground ? canvas.at(ground, at) : y) + 0.012 + down, down };
  }).sort((a, b) => a.foot - b.foot);
  const firs = random.chance(0.3);
  for (const { at, foot, down } of feet) {
    const height = tall * random.between(0.7, 1.15) * (1 + down * 3);
    const distance = 0.16 - down * 2;
    if (firs) paintFir(canvas, light, [at, foot], { tall: height, distance, snow: season.snow });
    else {
      const leaf = random.pick(season.leaves);
      paintTree(canvas, light, [at, foot], { tall: height, distance, leaf, random });
    }
  }
}

export const PLACES = {
  meadow: {
    horizon: (random) => random.between(0.44, 0.56),
    paint(canvas, light, random) {
      const { horizon, season } = light;
      if (random.chance(0.35)) {
        paintPeaks(canvas, light, random, {
          base: horizon + 0.03,
          tall: random.between(0.12, 0.24),
          distance: 0.8,
          waves: random.between(1.6, 2.6),
        });
      }
      const from = horizon - random.between(0, 0.05);
      const count = random.integer(2, 3);
      paintRange(canvas, light, random, { from, to: horizon + 0.05, count, swing: 0.06 });
      const y = horizon + random.between(0.07, 0.11);
      const ridge = hills(canvas, random, { y, swing: 0.06, waves: 1.3, octaves: 2 });
      const field = { far: season.meadow, near: season.grass, distance: 0.25 };
      paintGround(canvas, light, ridge, {
        ...field,
        shift: random.between(0, 300),
        flowers: random.chance(0.7) ? season.flowers : [],
      });
      if (random.chance(0.5)) paintPath(canvas, light, random, ridge);
      if (random.chance(0.45)) {
        const x = random.between(0.15, 0.85);
        paintHouse(canvas, light, [x, canvas.at(ridge, x) + 0.02], {
          width: random.between(0.07, 0.12),
          distance: 0.12,
          wall: colour(random.pick(WALLS)),
          roof: colour(random.pick(ROOFS)),
          random,
        });
      }
      const groves = random.integer(1, 3);
      for (let i = 0; i < groves; i++) {
        paintGrove(canvas, light, random, {
          count: random.integer(1, 4),
          x: random.between(0.05, 0.95),
          spread: 0.1,
          tall: random.between(0.12, 0.24),
          ground: ridge,
        });
      }
      if (random.chance(0.3)) {
        const x = random.pick([0.12, 0.88]) + random.between(-0.05, 0.05);
        const tall = random.between(0.42, 0.6);
        const leaf = random.pick(season.leaves);
        paintTree(canvas, light, [x, 0.93], { tall, distance: 0, leaf, random });
      }
    },
  },

  lake: {
    horizon: (random) => random.between(0.5, 0.6),
    paint(canvas, light, random) {
      const { horizon, season } = light;
      const shore = horizon + 0.012;
      if (random.chance(0.7)) {
        paintPeaks(canvas, light, random, {
          base: horizon + 0.02,
          tall: random.between(0.18, 0.34),
          distance: 0.6,
          waves: random.between(1.3, 2.4),
        });
      }
      const from = horizon - random.between(0.04, 0.1);
      paintRange(canvas, light, random, {
        from,
        to: horizon - 0.02,
        count: 2,
        swing: 0.07,
        wood: 0.8,
      });
      const side = random.pick([0, 1]);
      const bank = hills(canvas, random, { y: shore - 0.012, swing: 0.02, waves: 2 });
      addWood(bank, random, {
        width: 0.03,
        tall: random.between(0.05, 0.1),
        sharp: random.chance(0.6),
        part: (x) => step(0.35, 0.9, Math.abs(x - side) + 0.25 * noise(x * 5 + side * 50, 8)),
      });
      const ground = mixColour(season.firs, season.grass, 0.25 + 0.5 * season.snow);
      paintHills(canvas, light, bank, { ground, distance: 0.2, waves: 12, shift: 5 });
      if (random.chance(0.4)) {
        const x = mix(0.18, 0.82, side) + random.between(-0.08, 0.08);
        paintHouse(canvas, light, [x, shore], {
          width: random.between(0.06, 0.09),
          distance: 0.16,
          wall: colour(random.pick(WALLS)),
          roof: colour(random.pick(ROOFS)),
          random,
        });
      }
      if (light.mist > 0) {
        paintMist(canvas, light, { y: shore - 0.01, thickness: 0.03, strength: light.mist * 0.8 });
      }
      const tint = colour(random.pick([0x1d4a5c, 0x22506a, 0x2a5a58]));
      const shift = random.between(0, 300);
      paintWater(canvas, light, { shore, calm: random.between(0.2, 0.95), tint, shift });
      if (random.chance(0.3)) {
        const y = random.between(shore + 0.06, shore + 0.16);
        const tall = 0.04 + (y - shore) * 0.7;
        const tinted = colour(random.pick([0xf6f0e4, 0xd9644a, 0xf0d79a]));
        const x = random.between(0.2, 0.8);
        paintSail(canvas, light, [x, y], { tall, distance: 0.1, tint: tinted });
      }
      if (random.chance(0.45)) paintBank(canvas, light, random);
    },
  },

  mountains: {
    horizon: (random) => random.between(0.52, 0.64),
    paint(canvas, light, random) {
      const { horizon, season } = light;
      paintPeaks(canvas, light, random, {
        base: horizon + 0.1,
        tall: random.between(0.4, 0.52),
        distance: 0.62,
        waves: random.between(1.2, 2),
      });
      paintPeaks(canvas, light, random, {
        base: horizon + 0.16,
        tall: random.between(0.24, 0.38),
        distance: 0.3,
        waves: random.between(1, 1.8),
      });
      if (light.mist > 0) {
        paintMist(canvas, light, {
          y: horizon + 0.03,
          thickness: 0.06,
          strength: light.mist * 0.8,
        });
      }
      const count = random.integer(1, 3);
      for (let i = 0; i < count; i++) {
        const y = horizon + mix(0.1, 0.24, (i + 1) / count);
        const ridge = hills(canvas, random, { y, swing: 0.06, waves: random.between(1, 2) });
        const size = mix(0.014, 0.03, (i + 1) / count);
        const dense = random.between(0.6, 1);
        addWood(ridge, random, { width: size, tall: size * 2.2, sharp: true, density: dense });
        const ground = mixColour(season.firs, season.grass, 0.15 + 0.3 * season.snow);
        const distance = mix(0.4, 0.14, i / Math.max(1, count - 1));
        paintHills(canvas, light, ridge, { ground, distance, waves: 9, shift: i * 30 });
      }
      const y = random.between(0.84, 0.92);
      const front = hills(canvas, random, { y, swing: 0.05, waves: 1.2, octaves: 2 });
      const ground = { far: season.meadow, near: season.grass, distance: 0.1 };
      const flowers = random.chance(0.4) ? season.flowers : [];
      paintGround(canvas, light, front, { ...ground, shift: random.between(0, 99), flowers });
      if (random.chance(0.3)) {
        const x = random.between(0.25, 0.75);
        paintHouse(canvas, light, [x, canvas.at(front, x) + 0.015], {
          width: random.between(0.08, 0.12),
          distance: 0.06,
          wall: colour(0x7a5238),
          roof: colour(0x54423a),
          random,
        });
      }
      const firs = random.integer(0, 7);
      const side = random.pick([0.08, 0.92]);
      for (let i = 0; i < firs; i++) {
        const x = side + random.between(-0.16, 0.16);
        const tall = random.between(0.2, 0.42);
        const foot = canvas.at(front, x) + random.between(0.02, 0.07);
        paintFir(canvas, light, [x, foot], { tall, distance: 0.03, snow: season.snow });
      }
    },
  },

  city: {
    horizon: (random) => random.between(0.58, 0.66),
    paint(canvas, light, random) {
      const { horizon } = light;
      const foot = horizon + 0.05;
      const middle = random.between(0.3, 0.7);
      const lit = light.lamps;
      if (lit > 0.3) {
        const glow = scale(colour(0xff9a50), light.isMoon ? 0.16 : 0.08);
        for (const x of [0.2, 0.5, 0.8]) canvas.glow([x, foot], 0.16, glow);
      }
      const rows = [
        { distance: 0.62, tall: 0.3, width: 0.07 },
        { distance: 0.36, tall: 0.36, width: 0.085 },
        { distance: 0.14, tall: 0.25, width: 0.11 },
      ];
      for (const { distance, tall, width } of rows) {
        for (let x = -0.03; x < 1; ) {
          const wide = width * random.between(0.6, 1.25);
          const central = Math.exp(-(((x + wide / 2 - middle) / 0.3) ** 2));
          const height = tall * (0.3 + 0.75 * central) * random.between(0.5, 1.15) + 0.03;
          paintTower(canvas, light, random, { left: x, foot, wide, height, distance });
          x += wide * random.between(0.9, 1.15);
        }
        if (light.mist > 0) {
          const strength = light.mist * 0.45;
          paintMist(canvas, light, { y: foot, thickness: 0.07, strength, shift: distance * 40 });
        }
      }
      if (random.chance(0.55)) {
        canvas.fillRows(
          foot,
          foot + 0.02,
          () => [0, 1],
          () => seen(light, colour(0x6b6c70), { facing: 0.4, distance: 0.1 }),
        );
        const tint = colour(0x22424f);
        const shift = random.between(0, 300);
        const calm = random.between(0.2, 0.7);
        paintWater(canvas, light, { shore: foot + 0.02, calm, tint, shift });
        return;
      }
      const { season } = light;
      const park = hills(canvas, random, { y: foot + 0.02, swing: 0.012, waves: 2 });
      addWood(park, random, { width: 0.045, tall: 0.06, sharp: false });
      const ground = mixColour(random.pick(season.leaves), season.firs, 0.4);
      paintHills(canvas, light, park, { ground, distance: 0.08, waves: 11, shift: 70 });
      const lawn = hills(canvas, random, { y: foot + 0.1, swing: 0.02, waves: 1.2, octaves: 2 });
      const field = { far: season.meadow, near: season.grass, distance: 0.05 };
      paintGround(canvas, light, lawn, { ...field, shift: random.between(0, 300) });
      if (random.chance(0.6)) paintPath(canvas, light, random, lawn);
      if (lit > 0.3) {
        for (const x of [0.14, 0.38, 0.62, 0.86]) {
          const y = canvas.at(lawn, x) - 0.012;
          canvas.glow([x, y], 0.03, scale(lamp(light), 0.5));
          canvas.ellipse([x, y], [0.006, 0.006], () => scale(lamp(light), 1.3));
        }
      }
    },
  },

  forest: {
    horizon: (random) => random.between(0.5, 0.6),
    paint(canvas, light, random) {
      const { season, horizon } = light;
      const firs = random.chance(0.5);
      // One kind of leaf in the whole wood, and its light in the air.
      const leaf = random.pick(season.leaves.slice(0, 2));
      const air = seen(light, leaf, { facing: 0.6, x: light.sunX, distance: 0.55 });
      canvas.fillRows(
        0,
        1,
        () => [0, 1],
        () => air,
        firs ? 0.2 : 0.55,
      );
      const ground = hills(canvas, random, { y: 0.74, swing: 0.03, waves: 1.4, octaves: 2 });
      const layers = 4;
      for (let i = 0; i < layers; i++) {
        const t = i / (layers - 1);
        const distance = mix(0.75, 0.16, t);
        const foot = mix(horizon + 0.08, 0.77, t);
        const floor = hills(canvas, random, { y: foot, swing: 0.02, waves: 1.6, octaves: 2 });
        const litter = firs ? season.firs : mixColour(season.grass, colour(0x6a4a2c), 0.35);
        if (firs) paintFirRow(canvas, light, random, { floor, distance, t });
        else paintTrunks(canvas, light, random, { floor, distance, t, leaf });
        const soil = mixColour(litter, season.grass, 0.4 + 0.5 * season.snow);
        paintHills(canvas, light, floor, { ground: soil, distance, waves: 8, shift: i * 40 });
        if (light.mist > 0 || i === 0) {
          const strength = Math.max(light.mist, 0.2) * 0.6;
          paintMist(canvas, light, { y: foot, thickness: 0.07, strength, shift: i * 21 });
        }
      }
      if (light.disc > 0 && !light.isMoon && random.chance(0.5)) paintBeams(canvas, light, random);
      const soil = mixColour(season.grass, colour(0x5a4228), firs || season.snow ? 0.1 : 0.3);
      const floor = { far: season.grass, near: soil, distance: 0.12 };
      paintGround(canvas, light, ground, { ...floor, shift: random.between(0, 300) });
      if (random.chance(0.6)) paintPath(canvas, light, random, ground);
      const near = Array.from({ length: random.integer(1, 3) }, () => random.between(0.82, 0.97));
      for (const foot of near.sort()) {
        const left = random.chance(0.5);
        const x = left ? random.between(0, 0.24) : random.between(0.76, 1);
        if (firs) {
          const tall = random.between(0.6, 0.95);
          paintFir(canvas, light, [x, foot], { tall, distance: 0, wide: 0.42, snow: season.snow });
        } else paintTrunk(canvas, light, random, { x, foot, thick: random.between(0.018, 0.034) });
      }
      if (!firs) paintCanopy(canvas, light, { leaf, shift: random.between(0, 300) });
    },
  },

  coast: {
    horizon: (random) => random.between(0.4, 0.52),
    paint(canvas, light, random) {
      const { horizon } = light;
      paintSea(canvas, light, random);
      const side = random.pick([0, 1]);
      const along = (x) => (side === 0 ? x : 1 - x);
      if (random.chance(0.6)) paintCape(canvas, light, random, along);
      const sails = random.integer(0, 2);
      for (let i = 0; i < sails; i++) {
        const y = horizon + random.between(0.01, 0.09);
        const tall = 0.025 + (y - horizon) * 0.9;
        const x = side === 0 ? random.between(0.5, 0.95) : random.between(0.05, 0.5);
        const tint = colour(random.pick([0xf8f4ea, 0xf8f4ea, 0xd9644a]));
        paintSail(canvas, light, [x, y], { tall, distance: 0.2, tint });
      }
      paintBeach(canvas, light, random, along);
    },
  },
};

/** A path that winds from the bottom to a ridge. */
function paintPath(canvas, light, random, ridge) {
  const bend = random.between(-1, 1);
  const start = random.between(0.35, 0.65);
  const top = canvas.at(ridge, start + bend * 0.08) + 0.015;
  const earth = light.season.snow ? colour(0xc4c8d2) : colour(0xc2a57a);
  const near = seen(light, earth, { facing: 0.55 });
  canvas.fillRows(
    top,
    1,
    (y) => {
      const t = unit((y - top) / (1 - top));
      const x = start + bend * 0.16 * Math.sin(t * 3.6) * (1 - t * 0.4);
      const half = 0.003 + 0.075 * t ** 1.7;
      return [x - half, x + half];
    },
    (across) => scale(near, 1 - 0.16 * across * across),
  );
}

/** The near bank of a lake, in a corner: grass, perhaps a tree. */
function paintBank(canvas, light, random) {
  const { season } = light;
  const left = random.chance(0.5);
  const away = (x) => (left ? x : 1 - x);
  const shift = random.between(0, 99);
  const ridge = canvas.ridge(
    (x) => 0.84 + 0.3 * step(0, 0.75, away(x)) - 0.03 * fractal(x * 6 + shift, 2, 3),
  );
  const field = { far: season.grass, near: scale(season.grass, 0.8), distance: 0 };
  paintGround(canvas, light, ridge, { ...field, shift });
  if (!random.chance(0.65)) return;
  const x = left ? random.between(0.06, 0.16) : random.between(0.84, 0.94);
  const tall = random.between(0.4, 0.62);
  const leaf = random.pick(season.leaves);
  if (random.chance(0.4))
    paintFir(canvas, light, [x, 0.94], { tall, distance: 0, snow: season.snow });
  else paintTree(canvas, light, [x, 0.94], { tall, distance: 0, leaf, random });
}

const FACADES = [0x8a93a4, 0xb9a58c, 0x9c6b58, 0x6f8296, 0xcabfae, 0x7c7478];

function paintTower(canvas, light, random, { left, foot, wide, height, distance }) {
  const right = left + wide * 0.96;
  const top = foot - height;
  const wall = colour(random.pick(FACADES));
  const x = left + wide / 2;
  const face = seen(light, wall, { facing: 0.6, x, distance });
  const dark = seen(light, scale(wall, 0.75), { facing: 0.12, x, distance });
  const turn = mix(left, right, light.side > 0 ? 0.32 : 0.68);
  const span = light.side > 0 ? [left, turn] : [turn, right];
  canvas.fillRows(
    top,
    foot,
    () => [left, right],
    (_, y) => scale(face, 1 - 0.2 * unit((y - top) * 3)),
  );
  canvas.fillRows(
    top,
    foot,
    () => span,
    () => dark,
  );
  const roof = random.between(0, 1);
  if (roof < 0.25) {
    const half = wide * 0.3;
    canvas.fillRows(
      top - 0.018,
      top,
      () => [x - half, x + half],
      () => dark,
    );
  } else if (roof < 0.4) {
    canvas.polygon(
      [
        [left, top],
        [x, top - wide * 0.5],
        [right, top],
      ],
      face,
    );
  } else if (roof < 0.5 && height > 0.2) {
    canvas.fillRows(
      top - 0.07,
      top,
      () => [x - 0.0022, x + 0.0022],
      () => dark,
    );
  }
  // Windows as wide bands of whole pixels, so that they stay calm when they are made smaller.
  const pane = 4 / 256;
  const lampLight = scale(lamp(light), 1 - distance * 0.55);
  const glass = scale(mixColour(face, dark, 0.5), 0.82);
  const many = Math.floor((wide * 0.9) / (pane * 2));
  const inset = left + (wide - many * pane * 2 + pane) / 2;
  for (let y = top + pane * 1.5; y < foot - pane; y += pane * 2) {
    for (let i = 0; i < many; i++) {
      const isLit = random.chance(light.lamps);
      if (!isLit && distance > 0.5) continue;
      const from = inset + i * pane * 2;
      const bright = random.between(0.55, 1);
      const tint = isLit ? scale(lampLight, bright) : glass;
      canvas.fillRows(
        y,
        y + pane,
        () => [from, from + pane],
        () => tint,
      );
    }
  }
}

function paintFirRow(canvas, light, random, { floor, distance, t }) {
  const tall = mix(0.26, 0.5, t);
  const gap = mix(0.05, 0.13, t);
  for (let x = -0.04; x < 1.05; x += gap * random.between(0.55, 1.25)) {
    // A clearing in the middle lets the light in.
    const open = Math.exp(-(((x - light.sunX) / 0.22) ** 2));
    if (random.chance(open * 0.75 * t)) continue;
    const foot = canvas.at(floor, x) + 0.02;
    const height = tall * random.between(0.7, 1.2);
    const look = { tall: height, distance, wide: 0.38, snow: light.season.snow };
    paintFir(canvas, light, [x, foot], look);
  }
}

function paintTrunks(canvas, light, random, { floor, distance, t, leaf }) {
  const gap = mix(0.045, 0.12, t);
  const green = seen(light, leaf, { facing: 0.5, distance });
  const dark = seen(light, scale(leaf, 0.55), { facing: 0.2, distance });
  const shift = random.between(0, 300);
  const { size } = canvas;
  // The crowns: a veil of leaves, denser towards the top.
  for (let row = 0; row < size * 0.62; row++) {
    const y = row / size;
    for (let column = 0; column < size; column++) {
      const x = column / size;
      const leaves = fractal(x * mix(9, 5, t) + shift, y * mix(9, 5, t) + shift, 3);
      const dense = step(0.36, 0.52, leaves + 0.34 - y * mix(0.9, 1.25, t));
      if (dense === 0) continue;
      canvas.blend(column, row, mixColour(dark, green, unit((leaves - 0.3) * 2.6)), dense * 0.85);
    }
  }
  const thick = mix(0.005, 0.013, t);
  for (let x = -0.02; x < 1.03; x += gap * random.between(0.5, 1.4)) {
    const open = Math.exp(-(((x - light.sunX) / 0.16) ** 2));
    if (random.chance(open * 0.7 * t)) continue;
    const foot = canvas.at(floor, x) + 0.02;
    paintTrunk(canvas, light, random, {
      x,
      foot,
      thick: thick * random.between(0.6, 1.2),
      distance,
    });
  }
}

function paintTrunk(canvas, light, random, { x, foot, thick, distance = 0 }) {
  const isBirch = random.chance(0.15);
  const bark = colour(isBirch ? 0xc9c2b8 : 0x5e4a3a);
  const bright = seen(light, bark, { facing: 0.8, x, distance });
  const dark = seen(light, scale(bark, 0.6), { facing: 0.06, x, distance });
  const lean = random.between(-0.03, 0.03);
  canvas.fillRows(
    0,
    foot,
    (y) => {
      const root = 0.55 * thick * Math.exp((y - foot) * 40);
      const half = thick * (0.72 + 0.28 * (y / foot)) + root;
      const middle = x + lean * (foot - y);
      return [middle - half, middle + half];
    },
    (across) => mixColour(dark, bright, unit(0.45 + 0.5 * across * light.side)),
  );
}

/** Near leaves across the top, dark against the light. */
function paintCanopy(canvas, light, { leaf, shift }) {
  const bright = shine(light, leaf, 0.6);
  const dark = shine(light, scale(leaf, 0.5), 0.05);
  const { size } = canvas;
  for (let row = 0; row < size * 0.34; row++) {
    const y = row / size;
    for (let column = 0; column < size; column++) {
      const x = column / size;
      const edge = Math.abs(x - 0.5) * 0.5 - y * 1.5;
      const leaves = fractal(x * 6 + shift, y * 6 + shift, 3);
      const dense = step(0.42, 0.54, leaves + edge + 0.06);
      if (dense > 0)
        canvas.blend(column, row, mixColour(dark, bright, unit((leaves - 0.32) * 2)), dense);
    }
  }
}

/** Beams of the sun between trees. */
function paintBeams(canvas, light, random) {
  const { size } = canvas;
  const { sunX, near } = light;
  const shift = random.between(0, 300);
  const strength = random.between(0.1, 0.22);
  for (let row = 0; row < size; row++) {
    const y = row / size;
    const fade = Math.exp(-y * 0.8) * step(1, 0.65, y);
    for (let column = 0; column < size; column++) {
      const x = column / size;
      const angle = (x - sunX) / (y + 0.35);
      const beam = step(0.45, 0.75, noise(angle * 7 + shift, 1.5)) * Math.exp(-angle * angle * 2.2);
      const level = beam * fade * strength;
      const i = (row * size + column) * 3;
      for (let c = 0; c < 3; c++) canvas.light[i + c] += near[c] * level;
    }
  }
}

/** The open sea: the sky's colours, darker towards us, with long waves. */
function paintSea(canvas, light, random) {
  const { horizon } = light;
  const shift = random.between(0, 300);
  const tint = colour(random.pick([0x1f6f86, 0x1c5f80, 0x2a8088]));
  const body = tint.map((value, c) => value * (light.ambient[c] + light.key[c] * 0.55));
  const rough = random.between(0.35, 1);
  const out = [0, 0, 0];
  const start = Math.floor(horizon * canvas.size);
  for (let row = start; row < canvas.size; row++) {
    const y = (row + 0.5) / canvas.size;
    const depth = unit((y - horizon) / (1 - horizon));
    const fine = 6 / (0.07 + depth);
    for (let column = 0; column < canvas.size; column++) {
      const x = (column + 0.5) / canvas.size;
      const wave = fractal(x * (2 + fine * 0.22) + shift, fine * 2.1 + shift, 3) - 0.5;
      const mirrored = horizon * (0.97 - 0.75 * depth) - Math.abs(wave) * 0.1;
      skyColour(light, x, mirrored, out);
      const deep = unit(0.3 + 0.55 * depth + wave * rough * 1.3);
      for (let c = 0; c < 3; c++) out[c] += (body[c] - out[c]) * deep;
      veil(light, x, 0.4 * (1 - depth) ** 4, out);
      canvas.blend(column, row, out, unit(row + 1 - horizon * canvas.size));
    }
  }
  paintGlints(canvas, light, { from: horizon, to: 1, strength: 0.7, shift });
}

/** A cape or cliffs at one side, perhaps with a lighthouse. */
function paintCape(canvas, light, random, along) {
  const { horizon, season } = light;
  const reach = random.between(0.3, 0.55);
  const tall = random.between(0.08, 0.2);
  const shift = random.between(0, 300);
  const top = (x) => {
    const body = step(reach, reach * 0.55, along(x) + 0.05 * (noise(x * 9 + shift, 3) - 0.5));
    return horizon + 0.03 - (tall * (0.75 + 0.5 * fractal(x * 3 + shift, 6, 3)) + 0.03) * body;
  };
  const ridge = canvas.ridge(top);
  const rock = colour(random.pick([0xd8cbb4, 0x8a7a6c, 0x9a8f88]));
  const distance = 0.28;
  canvas.fillBelow(
    ridge,
    ({ x, y, depth }, out) => {
      const facing = unit(0.5 + (fractal(x * 22 + shift, y * 7, 2) - 0.5) * 1.5);
      const turf = step(0.032, 0.012, depth + 0.02 * noise(x * 18, 4));
      for (let c = 0; c < 3; c++) {
        const body = mix(rock[c], season.grass[c], turf);
        out[c] = body * (light.ambient[c] + light.key[c] * facing * 0.85);
      }
      veil(light, x, distance, out);
    },
    { bottom: horizon + 0.03 },
  );
  const surf = seen(light, colour(0xf2f6f8), { facing: 0.6, distance });
  const foot = horizon + 0.03;
  const wide = along(0) === 0 ? [0, reach * 0.93] : [1 - reach * 0.93, 1];
  canvas.fillRows(
    foot - 0.003,
    foot + 0.004,
    () => wide,
    () => surf,
  );
  if (!random.chance(0.55)) return;
  const at = reach * random.between(0.3, 0.6);
  const x = along(at) === at ? at : 1 - at;
  const base = canvas.at(ridge, x) + 0.006;
  const height = random.between(0.1, 0.15);
  const half = height * 0.1;
  const white = seen(light, colour(0xf4f1ea), { facing: 0.8, x, distance: 0.2 });
  const red = seen(light, colour(0xc23f34), { facing: 0.8, x, distance: 0.2 });
  canvas.fillRows(
    base - height,
    base,
    (y) => {
      const wide = half * (0.7 + 0.5 * unit((y - base + height) / height));
      return [x - wide, x + wide];
    },
    (across, y) => {
      const stripe = Math.floor(((base - y) / height) * 4) % 2 === 1 ? red : white;
      return scale(stripe, 0.85 + 0.2 * across * light.side);
    },
  );
  const head = base - height - 0.012;
  const isLit = light.lamps > 0.2;
  const pane = isLit ? scale(lamp(light), 1.2) : seen(light, colour(0x51606e), { facing: 0.5 });
  canvas.fillRows(
    head,
    base - height,
    () => [x - half * 0.55, x + half * 0.55],
    () => pane,
  );
  canvas.ellipse([x, head], [half * 0.7, 0.008], () => red);
  if (isLit) canvas.glow([x, head + 0.006], 0.035, scale(lamp(light), 0.55));
}

/** The beach: foam along the water's edge, wet sand, dry sand. */
function paintBeach(canvas, light, random, along) {
  const { horizon } = light;
  const { size } = canvas;
  const shift = random.between(0, 300);
  const begin = horizon + random.between(0.12, 0.24);
  const slant = random.between(0.15, 0.5);
  const sand = light.season.snow
    ? colour(0xe6e6e4)
    : colour(random.pick([0xe2c797, 0xd9bd92, 0xead9b5]));
  const dry = shine(light, sand, 0.62);
  const wet = shine(light, scale(sand, 0.5), 0.3);
  const foam = shine(light, colour(0xf6fafc), 0.75);
  const shallow = shine(light, colour(0x6cc0b8), 0.55);
  const out = [0, 0, 0];
  const sky = [0, 0, 0];
  for (let column = 0; column < size; column++) {
    const x = (column + 0.5) / size;
    const a = along(x);
    const curve = begin + slant * a ** 1.3 + 0.05 * Math.sin(a * 7 + shift) * (0.3 + a);
    const edge = curve + 0.022 * (fractal(x * 7 + shift, 2.5, 3) - 0.5);
    for (let row = Math.floor((edge - 0.14) * size); row < size; row++) {
      if (row < horizon * size) continue;
      const d = (row + 0.5) / size - edge;
      const grow = 0.45 + 1.3 * unit((edge - horizon) * 1.6);
      if (d < 0) {
        const near = step(-0.13 * grow, 0, d);
        canvas.blend(column, row, shallow, near * 0.7);
        const crest = d + 0.055 * grow + 0.012 * (noise(x * 9 + shift, 9) - 0.5);
        const line = Math.exp(-((crest / (0.008 * grow)) ** 2));
        canvas.blend(column, row, foam, line * 0.7 * step(0.25, 0.6, noise(x * 5 + shift, 40)));
      } else {
        const dryness = step(0.03 * grow, 0.1 * grow, d);
        const dune = 0.9 + 0.3 * (fractal(x * 5 + shift, (row / size) * 11 + shift, 3) - 0.5);
        skyColour(light, x, horizon * 0.75, sky);
        for (let c = 0; c < 3; c++) {
          const shiny = mix(wet[c], sky[c], 0.3);
          out[c] = mix(shiny, dry[c] * dune, dryness);
        }
        canvas.blend(column, row, out, unit(d * size + 0.5));
      }
      const surf = Math.exp(-(((d + 0.004) / (0.011 * grow)) ** 2));
      canvas.blend(column, row, foam, surf * 0.9);
    }
  }
}
