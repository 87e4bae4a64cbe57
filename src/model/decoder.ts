import {
  block,
  CHANNELS,
  clamp,
  conv3x3,
  type Network,
  relu,
  smooth,
  upsample2x,
} from './layers.ts';

/**
 * The decoder: latents [latentChannels, h, w] → picture [3, 8·h, 8·w], near [0, 1], not clamped.
 * Source: taesd.py `Decoder`.
 *
 * @param pool  true if the blocks at the latent's size have a pool, as those of taef2
 */
export function decoder(latentChannels: number, { pool = false } = {}): Network {
  return [
    clamp(), // 0
    conv3x3(latentChannels, CHANNELS), // 1
    relu(), // 2
    block(CHANNELS, CHANNELS, { pool }), // 3
    block(CHANNELS, CHANNELS, { pool }), // 4
    block(CHANNELS, CHANNELS, { pool }), // 5
    upsample2x(), // 6
    smooth(), // 7
    block(CHANNELS), // 8
    block(CHANNELS), // 9
    block(CHANNELS), // 10
    upsample2x(), // 11
    smooth(), // 12
    block(CHANNELS), // 13
    block(CHANNELS), // 14
    block(CHANNELS), // 15
    upsample2x(), // 16
    smooth(), // 17
    block(CHANNELS), // 18
    conv3x3(CHANNELS, 3), // 19
  ];
}
