import {
  block,
  clamp,
  conv3x3,
  halve,
  type Network,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  smooth,
  upsample2x,
} from './layers.ts';
import type { MeanAndStd } from './vae-space.ts';

/*
 * `taeqi2_1`: pictures with alpha to latents of a 16th of their size. Four pixels are one at both
 * ends, and both halves are widest where the map is smallest. Source: taesd.py `F16Encoder` and
 * `F16Decoder`.
 */

const LATENT_CHANNELS = 64;

/** Picture [4, H, W] in [0, 1], of even height and width → latents [64, ⌈H/16⌉, ⌈W/16⌉]. */
export function qwenImage21Encoder(): Network {
  return [
    pixelUnshuffle(2), // 0: 4 channels to 16, at half of the size
    conv3x3(16, 64), // 1
    relu(), // 2
    block(64), // 3
    halve(64, 64), // 4
    block(64), // 5
    block(64), // 6
    block(64), // 7
    halve(64, 128), // 8
    block(128), // 9
    block(128), // 10
    block(128), // 11
    halve(128, 256), // 12
    block(256), // 13
    block(256), // 14
    block(256), // 15
    conv3x3(256, LATENT_CHANNELS), // 16
  ];
}

/** Latents [64, h, w] → picture [4, 16·h, 16·w], near [0, 1], not clamped. */
export function qwenImage21Decoder(): Network {
  return [
    clamp(), // 0
    conv3x3(LATENT_CHANNELS, 256), // 1
    relu(), // 2
    block(256), // 3
    block(256), // 4
    block(256), // 5
    upsample2x(), // 6
    smooth(256, 128), // 7
    block(128), // 8
    block(128), // 9
    block(128), // 10
    upsample2x(), // 11
    smooth(128, 64), // 12
    block(64), // 13
    block(64), // 14
    block(64), // 15
    upsample2x(), // 16
    smooth(64, 64), // 17
    block(64), // 18
    conv3x3(64, 16), // 19
    pixelShuffle(2), // 20: 16 channels to 4, at the picture's size
  ];
}

/** The latents of the full VAE. Source: ComfyUI 0.38, `latent_formats.py`, `QwenImage21`. */
export const QWEN_IMAGE_2_1_SCALE: MeanAndStd = {
  // biome-ignore format: eight numbers a line
  mean: [
    0.5126, 0.7721, -0.0631, 1.3506, -0.7855, -2.1025, -0.3458, 1.3722,
    1.8873, -1.7177, -0.651, 0.2732, 0.7562, -0.6163, -1.0277, 3.8363,
    2.021, 0.0472, 0.932, 2.0087, 2.4954, -0.1391, -1.4249, 1.8464,
    -0.5236, 1.2826, 3.7046, -1.3035, 2.7286, -1.4518, -1.9036, -1.9955,
    -0.0342, -1.0265, -0.7636, 3.0555, 0.0746, -3.0751, -0.1076, 1.7376,
    -1.0914, -1.9435, -0.2784, -1.368, 0.4809, -0.4433, 0.3764, 0.5729,
    -2.0595, 1.096, -1.326, -2.0211, -5.0179, 0.5275, 4.0162, 1.8505,
    0.3026, 1.9373, 1.4937, 0.2632, 0.5547, -1.7121, -0.1562, 0.0304,
  ],
  // biome-ignore format: eight numbers a line
  std: [
    3.2001, 3.2936, 3.4321, 3.0091, 3.1061, 4.0379, 4.0705, 3.791,
    3.0785, 3.65, 3.9308, 3.0904, 2.8778, 3.7675, 3.732, 5.0756,
    3.2864, 4.0397, 3.1317, 4.0443, 2.9249, 3.9454, 3.0988, 4.2489,
    3.4896, 3.8513, 3.9323, 3.4719, 3.7498, 4.283, 3.5694, 4.2467,
    3.9037, 3.2947, 5.077, 3.5075, 3.27, 3.4767, 2.8063, 5.1125,
    3.5327, 4.7833, 3.1286, 4.1819, 3.8527, 3.8312, 3.5605, 4.3875,
    3.9624, 4.0168, 3.5643, 4.055, 5.5614, 4.2963, 4.408, 3.4959,
    3.8747, 3.7608, 3.5735, 3.149, 3.7662, 3.6746, 3.4563, 3.8161,
  ],
};
