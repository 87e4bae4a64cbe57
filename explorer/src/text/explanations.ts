import type { Layer, Network } from 'taesd-wasm';
import type { StepView } from '../engine/protocol.ts';

/*
 * The name of each part and the reason for it, in a sentence or two.
 */

export interface Explanation {
  readonly title: string;
  readonly text: string;
}

/** @param network  the half that the step is of */
export function explain(step: StepView, network: Network): Explanation {
  if (step.block === undefined) return explainLayer(step, network);
  const outer = network[Number(step.block.split('.')[1])];
  const place = step.name.split('.').slice(2).join('.');
  if (outer.kind === 'frameConv') return explainFrame(place, outer.to);
  return explainInner(place.replace(/^frame\d\./, ''), step.layer, outer);
}

function explainLayer(step: StepView, network: Network): Explanation {
  const { part, index, layer } = step;
  const isLast = index === network.length - 1;
  switch (layer.kind) {
    case 'conv':
      return part === 'encoder'
        ? encoderConv(index, layer, isLast)
        : decoderConv(index, layer, network);
    case 'relu':
      return {
        title: 'ReLU',
        text: 'Negative numbers become 0, the others stay. Without such a bend, all convolutions in a row would collapse into a single one; with it, a channel can answer “here” and be silent elsewhere.',
      };
    case 'block':
      if (layer.pool) return explainPooledBlock;
      return {
        title: 'Residual block',
        text: 'Three 3×3 convolutions with ReLUs compute a change. The skip adds what came in. So a block only learns what to change, and nothing gets lost in a deep stack. Each block sees three places further in every direction.',
      };
    case 'memBlock':
      return { title: 'Block with a memory', text: memoryText(layer) };
    case 'frameConv':
      return explainFrameConv(layer);
    case 'upsample2x':
      return {
        title: 'Upsampling',
        text: 'Each number becomes a 2×2 square of itself. Nothing is learned or invented here; the convolution after it turns the steps into edges and gradients.',
      };
    case 'groupNorm':
      return explainGroupNorm(layer);
    case 'clamp':
      return {
        title: 'Soft clamp',
        text: 'tanh(x / 3) · 3 draws the latents gently into ±3, the range of 8-bit latents. Small numbers hardly change; a stray one from a sampler cannot upset all that follows.',
      };
    case 'pixelUnshuffle':
      return {
        title: 'Pixels to channels',
        text: `Each ${layer.factor}×${layer.factor} square of pixels is folded into ${layer.factor ** 2} channels for each colour${step.inputShape[1] === 4 ? ', and as many for alpha' : ''}. No number changes, but the convolutions that follow have ${layer.factor ** 2} times fewer places to work at: that is what saves this model most of the work.`,
      };
    case 'pixelShuffle':
      return {
        title: 'Channels to pixels',
        text: isLast
          ? `Each place unfolds its channels into a ${layer.factor}×${layer.factor} square of ${step.shape[1] === 4 ? 'red, green, blue and alpha' : 'red, green and blue'}: the picture. No layer ever worked at its full size.`
          : `Each place unfolds its channels into a ${layer.factor}×${layer.factor} square: the map grows, and what fills it was computed, unlike in plain upsampling.`,
      };
    case 'add':
      return explainAdd;
  }
}

/** Returns what a layer does to each number, or undefined if it does not change numbers. */
export function formulaOf(layer: Layer): string | undefined {
  switch (layer.kind) {
    case 'relu':
      return 'max(that, 0)';
    case 'clamp':
      return `tanh(that / ${layer.magnitude}) · ${layer.magnitude}`;
    case 'groupNorm':
      return `(input − mean) / √(variance + ${layer.epsilon}) · weight + bias`;
    case 'conv':
    case 'block':
    case 'memBlock':
    case 'frameConv':
    case 'upsample2x':
    case 'pixelShuffle':
    case 'pixelUnshuffle':
      return undefined;
  }
}

type Conv = Extract<StepView['layer'], { kind: 'conv' }>;
type MemBlock = Extract<StepView['layer'], { kind: 'memBlock' }>;
type FrameConv = Extract<StepView['layer'], { kind: 'frameConv' }>;
type GroupNorm = Extract<StepView['layer'], { kind: 'groupNorm' }>;

function encoderConv(index: number, { cin, cout, stride }: Conv, isLast: boolean): Explanation {
  if (isLast) {
    return {
      title: 'To the latent',
      text: `Squeezes ${cin} channels into the ${cout} of the latent. No ReLU comes after it: latents have both signs, and lie mostly in ±3. This is all that the decoder will know of the picture.`,
    };
  }
  if (index === 0) {
    return {
      title: stride === 2 ? 'First convolution, every second pixel' : 'First convolution',
      text: `Looks at ${stride === 2 ? 'every second pixel' : 'each pixel'} and its eight neighbours in red, green and blue, and writes down ${cout} numbers about them: edges, colours, contrasts. From here on the picture is ${cout} channels deep${stride === 2 ? ', and half as wide and high' : ''}.`,
    };
  }
  if (stride === 2) {
    const kept =
      cout > cin
        ? `${cout} channels for ${cin} make up for a part of that.`
        : 'Each of them now stands for a larger piece of the picture.';
    return {
      title: 'Convolution, every second place',
      text: `The window moves two places at a time: its stride is 2. So the map halves in width and height, and a quarter of the places is left. ${kept}`,
    };
  }
  return {
    title: 'Convolution',
    text: `Mixes ${cin} channels into ${cout} at each place, with its eight neighbours in view.`,
  };
}

function decoderConv(index: number, { cin, cout }: Conv, network: Network): Explanation {
  const isLast = index === network.length - 1;
  if (isLast && cout === 3) {
    return {
      title: 'To the picture',
      text: `${cin} channels become red, green and blue, near 0 … 1. The network itself clamps nothing: a picture is clamped to bytes afterwards.`,
    };
  }
  if (isLast || cout > cin + 8) {
    return {
      title: index === 1 ? 'From the latent' : 'Convolution, many channels',
      text:
        index === 1
          ? `Spreads the latent’s ${cin} channels over ${cout} that the blocks can work with: the first guess of what is where.`
          : `Makes ${cout} channels of ${cin}: the next layer lays them out as a larger map.`,
    };
  }
  if (network[index - 1].kind === 'upsample2x') {
    const fewer =
      cout < cin
        ? ` It also makes ${cout} channels of ${cin}: the map is larger from here on, and need not be as deep.`
        : '';
    return {
      title: 'Smoothing convolution',
      text: `Comes after each upsampling and turns its square steps into shapes.${fewer} It has no bias: a constant would add nothing that the blocks beside it do not have.`,
    };
  }
  return {
    title: 'Convolution',
    text: `Mixes ${cin} channels into ${cout}, with the eight neighbours in view: what the next layer needs to lay out.`,
  };
}

function memoryText({ from, to }: MemBlock): string {
  if (from === 1) {
    return 'A residual block of a model of videos. Its first convolution also looks at the frame before. A picture enters as a video that stands still: its first frame has nothing before it, the next has the first. So the two part here, and from now on the channels of the earlier frame come first, then those of the later one.';
  }
  if (to === 1) {
    return 'The last block with a memory. It reads both frames, and makes the later one alone: that is the picture. Of the earlier frame only what the later one remembers is needed.';
  }
  return 'A residual block of a model of videos, for each of two frames. The later frame’s first convolution also looks at the earlier frame, so that a video does not flicker; the earlier one has nothing before it. Its channels come first.';
}

function explainFrameConv({ to, conv }: FrameConv): Explanation {
  if (to === 2) {
    return {
      title: 'One frame becomes two',
      text: 'Two convolutions of one map: the first makes the channels of the earlier frame, the second those of the later one. A model of videos makes several frames of a latent. A picture is the last of them, and the blocks that follow need the frame before it as their memory.',
    };
  }
  return {
    title: 'Two frames become one',
    text: `A convolution for each of the two frames, and their sum: a model of videos keeps one latent for several frames.${conv.stride === 2 ? ' The windows move two places at a time, so the map halves in width and height as well.' : ''}`,
  };
}

const explainPooledBlock: Explanation = {
  title: 'Residual block with a pool',
  text: 'First comes a pool, which looks at the map as a whole: x + pool(x) takes the place of x, so each place can take into account what the rest of the picture is like. Then come three 3×3 convolutions with ReLUs, and x + pool(x) is added at the end.',
};

const explainGroupNorm = ({ groups, channels }: GroupNorm): Explanation => ({
  title: 'Group norm',
  text: `The ${channels} channels form ${groups} groups of ${channels / groups}. Each number loses the mean of its group and is divided by the group’s deviation, both taken over the whole map; then each channel has a weight and a bias of its own. Here alone a number depends on places far away: the whole picture.`,
});

const explainAdd: Explanation = {
  title: 'Skip connection',
  text: 'The block’s input is added to what its convolutions made of it. The convolutions only have to say what should be different.',
};

/** @param place  the operation's name in the block, without its frame */
function explainInner(place: string, layer: StepView['layer'], outer: Layer): Explanation {
  const isPooled = outer.kind === 'block' && outer.pool;
  const isOfFrames = outer.kind === 'memBlock';
  if (place === 'x+pool' || place.startsWith('pool.')) return explainPool(place, layer);
  if (place === 'x+past') return explainMemory;
  if (place === 'past') return explainPast;
  if (layer.kind === 'add') return isPooled ? explainPooledAdd : explainAdd;
  if (place === 'fuse') {
    return {
      title: 'Last ReLU of the block',
      text: 'After the sum, negative numbers become 0. So all that leaves a block is 0 or above, and the next one can count on it.',
    };
  }
  if (layer.kind === 'relu') {
    return {
      title: 'ReLU inside the block',
      text: 'Negative numbers become 0: the share of zeros says how many places have nothing to say about this channel’s feature.',
    };
  }
  if (place === 'skip') {
    return {
      title: 'Skip connection, widened',
      text: 'A 1×1 convolution that gives the block’s input as many channels as its output has.',
    };
  }
  const own = isOfFrames ? 'its own frame of the block’s input' : 'the block’s input';
  const input = isPooled ? 'x + pool(x)' : own;
  const text: Readonly<Record<string, string>> = {
    'conv.0': `The first of three convolutions: each number sees 3×3 places of ${input}.`,
    'conv.2': `The second: through the first it sees 5×5 places of ${input}.`,
    'conv.4':
      'The third sees 7×7 places. No ReLU before the sum: what it says may also be “less of this”.',
  };
  return { title: 'Convolution inside the block', text: text[place] ?? '' };
}

const explainPast: Explanation = {
  title: 'Convolution of the frame before',
  text: 'The memory: each number sees 3×3 places of the frame before. What it makes of them is added to what the first convolution makes of the frame itself. It has no bias of its own.',
};

const explainMemory: Explanation = {
  title: 'Sum with the memory',
  text: 'What the first convolution made of the frame itself, and what the other one made of the frame before it, are added. The ReLU that follows sees both as one.',
};

/** The operations of a layer that makes two frames of one, or one of two. */
function explainFrame(place: string, to: number): Explanation {
  if (place.endsWith('x+past')) {
    return {
      title: 'Sum of both frames',
      text: 'What the two convolutions made of the earlier and of the later frame is added: one frame is left.',
    };
  }
  const frame = place.endsWith('.0') ? 'earlier' : 'later';
  return to === 2
    ? {
        title: `Convolution for the ${frame} frame`,
        text: `One of two convolutions that read the same map. It makes the channels of the ${frame} frame; the other one makes those of the other frame.`,
      }
    : {
        title: `Convolution of the ${frame} frame`,
        text: `Each number sees 3×3 places of the ${frame} frame. It is added to what the other convolution makes of the other frame.`,
      };
}

const explainPooledAdd: Explanation = {
  title: 'Skip connection',
  text: 'x + pool(x) is added to what the convolutions made of it. They only have to say what should be different.',
};

function explainPool(place: string, layer: StepView['layer']): Explanation {
  if (layer.kind === 'groupNorm') return explainGroupNorm(layer);
  if (layer.kind === 'relu') {
    return {
      title: 'ReLU inside the pool',
      text: 'Negative numbers become 0. What stays says where, and how strongly, a feature stands out from the rest of the picture.',
    };
  }
  if (layer.kind === 'conv') {
    return place === 'pool.0'
      ? {
          title: 'Convolution that widens',
          text: `A 1×1 convolution mixes the ${layer.cin} channels of each place into ${layer.cout}, without a look at its neighbours. The group norm that follows compares them with the rest of the map.`,
        }
      : {
          title: 'Convolution that narrows',
          text: `A 1×1 convolution mixes the ${layer.cin} channels into ${layer.cout}, as many as the block’s input has, so that both can be added.`,
        };
  }
  return {
    title: 'The input and its pool',
    text: 'What the pool made is added to the block’s input. From here on the sum takes the place of the input, in the skip connection too.',
  };
}
