/** Returns the largest size of a number of a map; 0 for an empty one. */
export function largest(data: Float32Array): number {
  let most = 0;
  for (const value of data) most = Math.max(most, Math.abs(value));
  return most;
}
