import type { Curve } from './space.ts';

/** Returns the curve value ↦ value^exponent. */
export const gammaCurve =
  (exponent: number): Curve =>
  (value) =>
    value ** exponent;

/**
 * Returns the curve of ICC's parametric curves: (a·x + b)^g + e from d on, c·x + f below.
 * Source: ICC.1:2022, 10.18
 */
export const parametricCurve =
  (g: number, [a, b, c, d, e, f]: readonly number[]): Curve =>
  (value) =>
    value >= d ? Math.max(0, a * value + b) ** g + e : c * value + f;

/** Returns the curve through points at equal distances, with straight lines between them. */
export function sampledCurve(points: ArrayLike<number>): Curve {
  const last = points.length - 1;
  return (value) => {
    const at = value * last;
    const below = Math.min(Math.floor(at), last - 1);
    return points[below] + (points[below + 1] - points[below]) * (at - below);
  };
}
