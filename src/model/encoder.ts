import { block, conv3x3, type Network } from './layers.ts';

/** Channels between the layers of both networks. */
const WIDTH = 64;

const halve = () => conv3x3(WIDTH, WIDTH, { stride: 2, bias: false });

/**
 * The encoder: picture [3, H, W] in [0, 1] → latents [latentChannels, ⌈H/8⌉, ⌈W/8⌉].
 * Source: taesd.py `Encoder`.
 */
export function encoder(latentChannels: number): Network {
  return [
    conv3x3(3, WIDTH), // 0
    block(WIDTH), // 1
    halve(), // 2
    block(WIDTH), // 3
    block(WIDTH), // 4
    block(WIDTH), // 5
    halve(), // 6
    block(WIDTH), // 7
    block(WIDTH), // 8
    block(WIDTH), // 9
    halve(), // 10
    block(WIDTH), // 11
    block(WIDTH), // 12
    block(WIDTH), // 13
    conv3x3(WIDTH, latentChannels), // 14
  ];
}
