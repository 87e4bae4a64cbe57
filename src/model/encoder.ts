import { block, CHANNELS, conv3x3, halve, type Network } from './layers.ts';

/**
 * The encoder: picture [3, H, W] in [0, 1] → latents [latentChannels, ⌈H/8⌉, ⌈W/8⌉].
 * Source: taesd.py `Encoder`.
 *
 * @param pool  true if the blocks at the latent's size have a pool, as those of taef2
 */
export function encoder(latentChannels: number, { pool = false } = {}): Network {
  return [
    conv3x3(3, CHANNELS), // 0
    block(CHANNELS), // 1
    halve(), // 2
    block(CHANNELS), // 3
    block(CHANNELS), // 4
    block(CHANNELS), // 5
    halve(), // 6
    block(CHANNELS), // 7
    block(CHANNELS), // 8
    block(CHANNELS), // 9
    halve(), // 10
    block(CHANNELS, CHANNELS, { pool }), // 11
    block(CHANNELS, CHANNELS, { pool }), // 12
    block(CHANNELS, CHANNELS, { pool }), // 13
    conv3x3(CHANNELS, latentChannels), // 14
  ];
}
