import { block, clamp, conv3x3, type Network, relu, upsample2x } from './layers.ts';

/** Channels between the layers of both networks. */
const WIDTH = 64;

const smooth = () => conv3x3(WIDTH, WIDTH, { bias: false });

/**
 * The decoder: latents [latentChannels, h, w] → picture [3, 8·h, 8·w], near [0, 1] and not clamped to it.
 * Source: taesd.py `Decoder`.
 */
export function decoder(latentChannels: number): Network {
  return [
    clamp(), // 0
    conv3x3(latentChannels, WIDTH), // 1
    relu(), // 2
    block(WIDTH), // 3
    block(WIDTH), // 4
    block(WIDTH), // 5
    upsample2x(), // 6
    smooth(), // 7
    block(WIDTH), // 8
    block(WIDTH), // 9
    block(WIDTH), // 10
    upsample2x(), // 11
    smooth(), // 12
    block(WIDTH), // 13
    block(WIDTH), // 14
    block(WIDTH), // 15
    upsample2x(), // 16
    smooth(), // 17
    block(WIDTH), // 18
    conv3x3(WIDTH, 3), // 19
  ];
}
