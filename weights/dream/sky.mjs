// The sky: its gradient, the sun or the moon, stars, clouds, fog over the land, falling snow.
import { mixColour, scale } from './canvas.mjs';
import { skyColour } from './light.mjs';
import { fractal, noise, step, unit } from './random.mjs';

export function paintSky(canvas, light, random) {
  const { cover, horizon } = light;
  const bottom = Math.ceil(horizon * canvas.size) + 1;
  canvas.fill(({ x, y }, out) => skyColour(light, x, y, out), bottom);
  if (light.stars > 0) paintStars(canvas, light, random);
  paintSun(canvas, light, random);
  if (cover > 0) paintClouds(canvas, light, random);
}

function paintStars(canvas, { horizon }, random) {
  for (let i = 0; i < 46; i++) {
    const [x, y] = [random.between(0, 1), horizon * 0.8 * random.between(0, 1) ** 1.2];
    const brightness = 0.18 + 0.6 * random.between(0, 1) ** 3;
    const radius = (0.55 + 0.5 * brightness) / 256;
    canvas.ellipse([x, y], [radius, radius], () => [0.9, 0.93, 1], { opacity: brightness });
  }
}

function paintSun(canvas, light, random) {
  const { sunX, sunY, sun, disc, glow, isMoon } = light;
  canvas.glow([sunX, sunY], 0.3, scale(light.near, glow * 0.32));
  canvas.glow([sunX, sunY], 0.075, scale(sun, glow * 0.75));
  if (disc === 0) return;
  canvas.ellipse([sunX, sunY], [disc, disc], (dx, dy) => {
    if (!isMoon) return scale(sun, 1.35);
    const spots = 0.78 + 0.22 * noise(dx * 1.7 + 20, dy * 1.7 + 9);
    return scale(sun, spots);
  });
  // A crescent: the sky again, beside the middle.
  if (isMoon && random.chance(0.4)) {
    const aside = random.between(0.35, 0.8) * disc * light.side;
    const sky = [0, 0, 0];
    skyColour(light, sunX, sunY, sky);
    const night = mixColour(sky, light.sun, 0.05);
    canvas.ellipse([sunX - aside, sunY - disc * 0.15], [disc * 0.96, disc * 0.96], () => night);
  }
}

/** Clouds on a plane overhead: small and flat towards the horizon, lit from the sun's side. */
function paintClouds(canvas, light, random) {
  const { horizon, cover, sunX, sunY, lit, shade, near } = light;
  const { size } = canvas;
  const [shiftX, shiftY] = [random.between(0, 500), random.between(0, 500)];
  const streak = random.between(0.35, 1);
  const puff = random.between(0.7, 1.1);
  const threshold = 0.63 - 0.34 * cover;
  const thickness = (px, py) => fractal(px, py, 4);
  const bottom = Math.ceil(horizon * size);
  for (let row = 0; row < bottom; row++) {
    const y = (row + 0.5) / size;
    const far = 1 / (0.22 + 1.3 * (1 - y / horizon));
    const fade = step(0, 0.24, 1 - y / horizon);
    const toSunDown = Math.max(-0.3, Math.min((sunY - y) * 2.5, 0.3));
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) / size;
      const flat = (x - 0.5) * 2.1 * streak * (0.75 + 0.5 * far) * puff;
      // A slant keeps the noise's rows from showing as level edges.
      const px = shiftX + flat - far * 0.5;
      const py = shiftY + far * 2.5 * puff + flat * 0.45;
      const dense = thickness(px, py);
      const amount = step(threshold, threshold + 0.17, dense) * fade;
      if (amount <= 0.002) continue;
      const toSun = sunX - x;
      const above = thickness(px + toSun * 0.35, py + toSunDown);
      const bright = unit(0.62 + (dense - above) * 3.2 - (dense - threshold) * 1.1);
      const distance = Math.sqrt(toSun * toSun + (sunY - y) * (sunY - y));
      const rim = Math.exp(-distance * 4.5) * (1 - amount * 0.5) * light.glow;
      const i = (row * size + column) * 3;
      for (let c = 0; c < 3; c++) {
        const body = shade[c] + (lit[c] - shade[c]) * bright + near[c] * rim * 0.6;
        canvas.light[i + c] += (body - canvas.light[i + c]) * amount * 0.94;
      }
    }
  }
}

/** A bank of mist around a height, denser in some places. */
export function paintMist(canvas, light, { y, thickness, strength, shift = 0 }) {
  const { size } = canvas;
  const haze = mixColour(light.low, light.near, 0.4);
  const top = Math.max(0, Math.floor((y - 2.5 * thickness) * size));
  const bottom = Math.min(size, Math.ceil((y + 2.5 * thickness) * size));
  for (let row = top; row < bottom; row++) {
    const away = ((row + 0.5) / size - y) / thickness;
    const level = Math.exp(-away * away) * strength;
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) / size;
      const patch = 0.45 + 0.75 * noise(x * 3.2 + shift, row / size / 0.07 + shift);
      canvas.blend(column, row, haze, unit(level * patch));
    }
  }
}

export function paintSnowfall(canvas, light, random) {
  const flake = mixColour(light.lit, light.ambient, 0.25);
  for (let i = 0; i < 90; i++) {
    const radius = random.between(0.6, 1.9) / 256;
    const place = [random.between(0, 1), random.between(0, 1)];
    canvas.ellipse(place, [radius, radius], () => flake, { opacity: 0.75, soft: 1.4 });
  }
}
