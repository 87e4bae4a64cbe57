/**
 * Returns random numbers of mean 0 and spread 1, nearly normal: sums of twelve uniform ones. Sums
 * of integers are exact, so a seed gives the same numbers in every runtime. A logarithm or a cosine
 * would not: each engine rounds its own way.
 *
 * @param {number} seed  an integer from 0 to 2³² − 1
 * @param {number} count
 * @returns {Float64Array}
 */
export function noise(seed, count) {
  // Mulberry32, from a state in which seeds that follow each other lie far apart.
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  };
  return Float64Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum / 2 ** 32 - 6;
  });
}
