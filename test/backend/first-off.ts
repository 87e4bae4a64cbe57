/**
 * Returns the first number that is off by more than `bound` of the largest, in words, and the
 * largest error of that kind.
 */
export function firstOff(got: Float32Array, wanted: Float32Array, bound: number) {
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const errors = wanted.map((value, i) => Math.abs(got[i] - value) / largest);
  const at = errors.findIndex((error) => !(error <= bound));
  const found = at < 0 ? 'none' : `element ${at}: got ${got[at]}, expected ${wanted[at]}`;
  return { found, worst: errors.reduce((most, error) => Math.max(most, error), 0) };
}
