/** The words of the page, each in a sentence or two. */
export const GLOSSARY = {
  filter:
    'A filter makes one map. It has a kernel of nine weights for each input channel, and one bias.',
  filters:
    'The network’s designers chose how many filters there are: more tell more apart, and take more work. Training chose their weights.',
  map: 'A map, or feature map, is all the sums of one filter. Each of its pixels is one number: the sum of the window around that place.',
  kernel: 'A kernel is the 3×3 weights that a filter has for one input channel.',
  channel: 'A channel is one map of numbers. A picture has three: red, green and blue.',
  bias: 'The bias is one more fixed number. It is added to each sum of its filter, so it makes the whole map higher or lower.',
  relu: 'A ReLU makes negative numbers 0, and leaves the others as they are. Without it, many layers could do no more than a single one.',
  padding:
    'Padding: places outside the map count as 0, so that a window at the edge has nine numbers too. Move to an edge to see these zeros.',
  stride:
    'The stride is how far the window moves from one output to the next. With stride 2 the map halves.',
  latent:
    'The latent is the few small maps in the middle of the network: all that the decoder knows of the picture. Amber is positive, blue negative.',
  decoded:
    'The latent has too few numbers for every detail. The decoder paints likely details in their place, so the pictures differ.',
  network: 'Each small picture above shows what one layer makes. The violet bar is the latent.',
  tile: 'A tile is a piece of a large picture that goes through the network alone.',
  overlap:
    'The overlap is the part of the latent that both halves have. A cell is one place of the latent.',
  window:
    'The window is the 3×3 pixels that one output number looks at. Beyond the picture’s edge it reads 0: that is padding.',
  weight:
    'A weight is a fixed number of the network. Training chose it: it changed all weights, step by step, until the results were good.',
  receptive: 'The receptive field of a number is the part of the picture that can change it.',
  decibel:
    'Decibels (dB) tell how close a picture is to the original; more is closer. 20 dB less is ten times the error.',
  multiplyAdd: 'A multiply-add is one number times one weight, added to a sum.',
} as const;

export type Term = keyof typeof GLOSSARY;
