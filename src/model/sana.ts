import { block, clamp, conv3x3, halve, type Network, relu, smooth, upsample2x } from './layers.ts';

/*
 * `taesana`: pictures to latents of a 32nd of their size. Its decoder is widest where the map is
 * smallest. Source: taesd.py `F32Encoder` and `F32Decoder`.
 */

const LATENT_CHANNELS = 32;

/** Picture [3, H, W] in [0, 1] → latents [32, ⌈H/32⌉, ⌈W/32⌉]. */
export function sanaEncoder(): Network {
  return [
    conv3x3(3, 32, { stride: 2 }), // 0
    relu(), // 1
    conv3x3(32, 64, { stride: 2 }), // 2
    relu(), // 3
    block(64), // 4
    halve(), // 5
    block(64), // 6
    block(64), // 7
    block(64), // 8
    halve(), // 9
    block(64), // 10
    block(64), // 11
    block(64), // 12
    halve(), // 13
    block(64), // 14
    block(64), // 15
    block(64), // 16
    conv3x3(64, LATENT_CHANNELS), // 17
  ];
}

/** Latents [32, h, w] → picture [3, 32·h, 32·w], near [0, 1], not clamped. */
export function sanaDecoder(): Network {
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
    block(64), // 19
    block(64), // 20
    upsample2x(), // 21
    smooth(64, 64), // 22
    block(64), // 23
    block(64), // 24
    block(64), // 25
    upsample2x(), // 26
    smooth(64, 64), // 27
    block(64), // 28
    conv3x3(64, 3), // 29
  ];
}
