import { fromLinear } from './linear-light.ts';
import type { Matrix } from './matrix.ts';

/** Light of a channel, 0 to 1, by the value of its sample, 0 to 1. */
export type Curve = (value: number) => number;

/** Colours: a curve for each channel, and a matrix that mixes linear light into linear sRGB. */
export interface ColourSpace {
  /** Red, green, blue. Grey uses the first. */
  readonly curves: readonly [Curve, Curve, Curve];
  /** Undefined where the primaries are those of sRGB. */
  readonly matrix: Matrix | undefined;
}

/** Steps of linear light in the table of levels. In dark colours a step is 1/20 of a level. */
const STEPS = 65535;

/** The level of each step, made by the first call of `srgbLevel`. */
let levels: Uint8Array | undefined;

function makeLevels(): Uint8Array {
  const table = new Uint8Array(STEPS + 1);
  for (let step = 0; step <= STEPS; step++) {
    table[step] = Math.round(255 * fromLinear(step / STEPS));
  }
  return table;
}

/**
 * Returns the level of sRGB, 0 to 255, of linear light. Light that sRGB cannot show is clipped.
 */
export function srgbLevel(light: number): number {
  levels ??= makeLevels();
  return levels[light >= 1 ? STEPS : light > 0 ? (light * STEPS + 0.5) | 0 : 0];
}

/** Colours that show a difference between two spaces. */
const PROBES = [0, 16, 64, 128, 192, 255];

/**
 * Returns true if no colour changes by more than a level. Profiles of sRGB are made of rounded
 * numbers; converting from them would change colours by rounding alone.
 */
export function isNearlySrgb({ curves, matrix }: ColourSpace): boolean {
  const [red, green, blue] = curves.map((curve) => PROBES.map((level) => curve(level / 255)));
  for (let r = 0; r < PROBES.length; r++) {
    for (let g = 0; g < PROBES.length; g++) {
      for (let b = 0; b < PROBES.length; b++) {
        const light = [red[r], green[g], blue[b]];
        const wanted = [PROBES[r], PROBES[g], PROBES[b]];
        for (let i = 0; i < 3; i++) {
          const mixed =
            matrix === undefined
              ? light[i]
              : matrix[3 * i] * light[0] +
                matrix[3 * i + 1] * light[1] +
                matrix[3 * i + 2] * light[2];
          if (Math.abs(srgbLevel(mixed) - wanted[i]) > 1) return false;
        }
      }
    }
  }
  return true;
}
