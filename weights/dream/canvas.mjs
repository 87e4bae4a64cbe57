// A picture of linear light, and the shapes that scenes are painted with. Edges are smoothed by
// the share of a pixel they cover, so one point a pixel is enough. Lengths are shares of the
// picture's size, y runs down; colours are linear RGB, where 1 is the paper's white.
import { unit } from './random.mjs';

/** Ridges have this many heights a pixel, so that steep ones have smooth edges. */
const FINE = 4;
const TABLE = 4096;
const BRIGHTEST = 4;
/** Light above this is compressed, so that the sun's glow has no hard edge. */
const SHOULDER = 0.62;

/** Returns the linear colour of `0xrrggbb`. */
export function colour(hex) {
  return [hex >> 16, hex >> 8, hex].map((value) => {
    const v = (value & 255) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
}

export const mixColour = (a, b, t) => a.map((value, c) => value + (b[c] - value) * t);
export const scale = (a, by) => a.map((value) => value * by);
export const times = (a, b) => a.map((value, c) => value * b[c]);

/** Returns sRGB bytes of linear light in [0, BRIGHTEST], by steps of 1 / TABLE. */
function encodingTable() {
  const table = new Uint8Array(TABLE * BRIGHTEST + 1);
  for (let i = 0; i < table.length; i++) {
    let v = i / TABLE;
    if (v > SHOULDER) {
      v = SHOULDER + (1 - SHOULDER) * (1 - Math.exp((SHOULDER - v) / (1 - SHOULDER)));
    }
    table[i] = Math.round(255 * (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055));
  }
  return table;
}

export class Canvas {
  static #table;

  constructor(size) {
    this.size = size;
    this.light = new Float32Array(size * size * 3);
  }

  /** Blends one pixel towards a colour. */
  blend(column, row, tint, cover) {
    const { light, size } = this;
    if (column < 0 || row < 0 || column >= size || row >= size || cover <= 0) return;
    const i = (row * size + column) * 3;
    light[i] += (tint[0] - light[i]) * cover;
    light[i + 1] += (tint[1] - light[i + 1]) * cover;
    light[i + 2] += (tint[2] - light[i + 2]) * cover;
  }

  /** Paints the rows before `bottom`, and the rest like the last of them. `paint` sets `out`. */
  fill(paint, bottom) {
    const { light, size } = this;
    const out = [0, 0, 0];
    const point = { x: 0.5, y: 0.5 };
    for (let row = 0; row < bottom; row++) {
      point.y = (row + 0.5) / size;
      for (let column = 0; column < size; column++) {
        point.x = (column + 0.5) / size;
        paint(point, out);
        const i = (row * size + column) * 3;
        light[i] = out[0];
        light[i + 1] = out[1];
        light[i + 2] = out[2];
      }
    }
    const last = (bottom - 1) * size * 3;
    for (let row = bottom; row < size; row++) {
      light.copyWithin(row * size * 3, last, last + size * 3);
    }
  }

  /** Returns a ridge: `height(x)` at FINE points a pixel. */
  ridge(height) {
    const count = this.size * FINE;
    return Float32Array.from({ length: count }, (_, i) => height((i + 0.5) / count));
  }

  /** Returns the height of a ridge at x. */
  at(ridge, x) {
    const i = Math.floor(x * ridge.length);
    return ridge[i < 0 ? 0 : i < ridge.length ? i : ridge.length - 1];
  }

  /**
   * Paints all that lies below a ridge. `paint({ x, y, depth }, out)` sets `out`, a scratch
   * colour; `depth` is the distance below the ridge. One object serves all points: numbers as
   * arguments would be allocated for each pixel. `bottom` ends it, with a straight edge.
   */
  fillBelow(ridge, paint, { opacity = 1, bottom = 1 } = {}) {
    const { size } = this;
    const out = [0, 0, 0];
    const point = { x: 0.5, y: 0.5, depth: 0.5 };
    for (let column = 0; column < size; column++) {
      point.x = (column + 0.5) / size;
      const fine = ridge.subarray(column * FINE, (column + 1) * FINE);
      const top = Math.max(0, Math.floor(Math.min(...fine) * size));
      const mean = fine.reduce((a, b) => a + b) / FINE;
      const full = Math.max(...fine) * size;
      const last = Math.ceil(bottom * size);
      for (let row = top; row < last; row++) {
        let cover = opacity * unit(bottom * size - row);
        if (row < full) {
          let above = 0;
          for (const height of fine) above += unit(row + 1 - height * size);
          cover *= above / FINE;
        }
        point.y = (row + 0.5) / size;
        point.depth = Math.max(point.y - mean, 0);
        paint(point, out);
        this.blend(column, row, out, cover);
      }
    }
  }

  /**
   * Paints what lies between two edges in each row from `top` to `bottom`. `span(y)` returns
   * `[left, right]`; `paint(across, y)` returns the colour, where `across` runs from -1 to 1.
   */
  fillRows(top, bottom, span, paint, opacity = 1) {
    const { size } = this;
    for (let row = Math.floor(top * size); row < bottom * size; row++) {
      const cover = unit(row + 1 - top * size) * unit(bottom * size - row) * opacity;
      const y = (row + 0.5) / size;
      const [left, right] = span(y);
      const half = Math.max((right - left) / 2, 1e-6);
      for (let column = Math.floor(left * size); column < right * size; column++) {
        const across = unit(Math.min(column + 1, right * size) - Math.max(column, left * size));
        const place = ((column + 0.5) / size - (left + right) / 2) / half;
        this.blend(column, row, paint(Math.min(Math.max(place, -1), 1), y), cover * across);
      }
    }
  }

  /** Paints an ellipse with soft edges. `paint(dx, dy)` has both in [-1, 1] at the edge. */
  ellipse([x, y], [rx, ry], paint, { opacity = 1, soft = 1 } = {}) {
    const { size } = this;
    const [mx, my] = [rx + soft / size, ry + soft / size];
    for (let row = Math.floor((y - my) * size); row <= (y + my) * size; row++) {
      for (let column = Math.floor((x - mx) * size); column <= (x + mx) * size; column++) {
        const [dx, dy] = [((column + 0.5) / size - x) / rx, ((row + 0.5) / size - y) / ry];
        const distance = Math.sqrt(dx * dx + dy * dy);
        const inside = ((1 - distance) * Math.min(rx, ry) * size) / soft + 0.5;
        if (inside > 0) this.blend(column, row, paint(dx, dy), unit(inside) * opacity);
      }
    }
  }

  /** Paints a convex polygon. Its corners run clockwise. */
  polygon(corners, paint, opacity = 1) {
    const { size } = this;
    const xs = corners.map(([x]) => x * size);
    const ys = corners.map(([, y]) => y * size);
    const edges = xs.map((x, i) => {
      const n = (i + 1) % xs.length;
      const length = Math.hypot(xs[n] - x, ys[n] - ys[i]) || 1;
      return { x, y: ys[i], nx: (ys[i] - ys[n]) / length, ny: (xs[n] - x) / length };
    });
    for (let row = Math.floor(Math.min(...ys)); row <= Math.max(...ys); row++) {
      for (let column = Math.floor(Math.min(...xs)); column <= Math.max(...xs); column++) {
        let inside = 1;
        for (const { x, y, nx, ny } of edges) {
          const d = (column + 0.5 - x) * nx + (row + 0.5 - y) * ny + 0.5;
          if (d < inside) inside = d;
        }
        if (inside > 0) this.blend(column, row, paint, inside * opacity);
      }
    }
  }

  /** Adds light around a point: a share `1 / e` of it at the distance `radius`. */
  glow([x, y], radius, [r, g, b]) {
    const { light, size } = this;
    const reach = radius * 4;
    const [top, left] = [y - reach, x - reach].map((v) => Math.max(0, Math.floor(v * size)));
    const [bottom, right] = [y + reach, x + reach].map((v) => Math.min(size, Math.ceil(v * size)));
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const dx = (column + 0.5) / size - x;
        const dy = (row + 0.5) / size - y;
        const distance = Math.sqrt(dx * dx + dy * dy);
        if (distance > reach) continue;
        const strength = Math.exp(-distance / radius) * unit(2 - (2 * distance) / reach);
        const i = (row * size + column) * 3;
        light[i] += r * strength;
        light[i + 1] += g * strength;
        light[i + 2] += b * strength;
      }
    }
  }

  /** Sets `out` to the light at a point, between the four nearest pixels. */
  sample(x, y, out) {
    const { light, size } = this;
    const px = Math.min(Math.max(x * size - 0.5, 0), size - 1.001);
    const py = Math.min(Math.max(y * size - 0.5, 0), size - 1.001);
    const [column, row] = [Math.floor(px), Math.floor(py)];
    const [u, v] = [px - column, py - row];
    const i = (row * size + column) * 3;
    const below = i + size * 3;
    for (let c = 0; c < 3; c++) {
      const top = light[i + c] + (light[i + 3 + c] - light[i + c]) * u;
      out[c] = top + (light[below + c] + (light[below + 3 + c] - light[below + c]) * u - top) * v;
    }
  }

  /** Returns the picture, sRGB bytes. */
  picture() {
    const { light, size } = this;
    Canvas.#table ??= encodingTable();
    const table = Canvas.#table;
    const last = table.length - 1;
    const data = new Uint8Array(light.length);
    for (let i = 0; i < data.length; i++) {
      const place = (light[i] * TABLE + 0.5) | 0;
      data[i] = table[place < 0 ? 0 : place > last ? last : place];
    }
    return { width: size, height: size, data };
  }
}
