import {
  block,
  clamp,
  conv3x3,
  type Network,
  pixelShuffle,
  pixelUnshuffle,
  relu,
} from './layers.ts';

/*
 * The small models of the package: two much smaller networks for the latents of a TAESD, trained by
 * this project (weights/nano). They do most of their work at an eighth of the picture's size. No
 * layer works at its full size.
 */

/** Picture [3, H, W] in [0, 1] → latents [C, ⌈H/8⌉, ⌈W/8⌉], C = `latentChannels`. */
export function nanoEncoder(latentChannels: number): Network {
  return [
    pixelUnshuffle(4), // 0: 3 channels to 48, at a quarter of the size
    conv3x3(48, 32), // 1
    relu(), // 2
    block(32), // 3
    conv3x3(32, 64, { stride: 2 }), // 4
    block(64), // 5
    block(64), // 6
    conv3x3(64, latentChannels), // 7
  ];
}

/** Latents [C, h, w], C = `latentChannels` → picture [3, 8·h, 8·w], near [0, 1], not clamped. */
export function nanoDecoder(latentChannels: number): Network {
  return [
    clamp(), // 0
    conv3x3(latentChannels, 64), // 1
    relu(), // 2
    block(64), // 3
    block(64), // 4
    block(64), // 5
    conv3x3(64, 128), // 6
    pixelShuffle(2), // 7: 128 channels to 32, at a quarter of the picture's size
    block(32), // 8
    conv3x3(32, 48), // 9
    pixelShuffle(4), // 10: 48 channels to 3, at the picture's size
  ];
}
