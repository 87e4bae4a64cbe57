/** A number that any other order or value of the numbers changes. */
export function hash(numbers) {
  const words = new Uint32Array(1);
  const float = new Float32Array(words.buffer);
  let sum = 7;
  for (const value of numbers) {
    float[0] = value;
    sum = (Math.imul(sum, 31) + words[0]) | 0;
  }
  return sum;
}
