/** Returns the largest size of a number of a map; 0 for an empty one. */
export function largest(data: Float32Array): number {
  let found = 0;
  for (const value of data) found = Math.max(found, Math.abs(value));
  return found;
}
