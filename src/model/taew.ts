import {
  block,
  clamp,
  conv3x3,
  frameConv,
  halve,
  memBlock,
  type Network,
  relu,
  smooth,
  upsample2x,
} from './layers.ts';

/*
 * The networks of taehv.py for one picture, which is a video of one frame. Upstream encodes a
 * picture as four equal frames, and shows the last of four frames that it decodes. Here only that
 * frame is computed:
 *
 * - The first frame of a MemBlock has no past. Half of its first convolution falls away, and a
 *   plain block is left.
 * - Equal frames are computed once, until a memory tells them apart.
 * - TPool (two frames to one) and TGrow (one frame to two) are 1×1 convolutions before another
 *   convolution. The two are computed as one, whose weights are made when they are loaded.
 * - TPool is the sum of its halves if the frames are equal. TGrow is its last half if only the last
 *   frame is wanted.
 *
 * Decoding takes 111.7 G multiply-adds for 512×512, while upstream's four frames take 178.6.
 * Source: https://github.com/madebyollin/taehv, `TAEHV`
 */

/** The encoder: picture [3, H, W] in [0, 1] → latents [latentChannels, ⌈H/8⌉, ⌈W/8⌉]. */
export function taewEncoder(latentChannels: number): Network {
  return [
    conv3x3(3, 64), // 0 of taehv.py
    relu(), // 1
    halve(), // 2 and 3
    memBlock(64, { from: 1 }), // 4
    memBlock(64), // 5
    memBlock(64), // 6
    frameConv(halve(), 2), // 7 and 8
    block(64), // 9
    block(64), // 10
    block(64), // 11
    halve(), // 12 and 13
    block(64), // 14
    block(64), // 15
    block(64), // 16
    conv3x3(64, latentChannels), // 17
  ];
}

/** The decoder: latents [latentChannels, h, w] → picture [3, 8·h, 8·w], near [0, 1]. */
export function taewDecoder(latentChannels: number): Network {
  return [
    clamp(), // 0 of taehv.py
    conv3x3(latentChannels, 256), // 1
    relu(), // 2
    block(256), // 3
    block(256), // 4
    block(256), // 5
    upsample2x(), // 6
    smooth(256, 128), // 7 and 8
    block(128), // 9
    block(128), // 10
    block(128), // 11
    upsample2x(), // 12
    frameConv(smooth(128, 64), 1), // 13 and 14
    memBlock(64), // 15
    memBlock(64), // 16
    memBlock(64, { to: 1 }), // 17
    upsample2x(), // 18
    smooth(64, 64), // 19 and 20
    relu(), // 21
    conv3x3(64, 3), // 22
  ];
}
