/**
 * Returns the peak signal-to-noise ratio, in dB, of an RGBA picture against an RGB one of its size.
 */
export function psnr(original, decoded) {
  let sum = 0;
  for (let i = 0; i < original.data.length; i++) {
    const difference = original.data[i] - decoded.data[4 * Math.floor(i / 3) + (i % 3)];
    sum += difference * difference;
  }
  return 10 * Math.log10((255 * 255 * original.data.length) / sum);
}
