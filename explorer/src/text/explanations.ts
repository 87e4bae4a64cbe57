import type { Layer, Network } from 'taesd-wasm';
import type { StepView } from '../engine/protocol.ts';

/*
 * What each part is called and why it is there, in a sentence or two.
 */

export interface Explanation {
  readonly title: string;
  readonly text: string;
}

/** @param network  the half that the step is of */
export function explain(step: StepView, network: Network): Explanation {
  if (step.block === undefined) return explainLayer(step, network.length);
  const block = network[Number(step.block.split('.')[1])];
  return explainInner(step, block.kind === 'block' && block.pool);
}

function explainLayer(step: StepView, layerCount: number): Explanation {
  const { part, index, layer } = step;
  const isLast = index === layerCount - 1;
  switch (layer.kind) {
    case 'conv':
      return part === 'encoder'
        ? encoderConv(index, layer, isLast)
        : decoderConv(step, layer, isLast);
    case 'relu':
      return {
        title: 'ReLU',
        text: 'Negative numbers become 0, the others stay. Without such a bend, all convolutions in a row would collapse into a single one; with it, a channel can answer “here” and be silent elsewhere.',
      };
    case 'block':
      if (layer.pool) return explainPooledBlock;
      return {
        title: 'Residual block',
        text: 'Three 3×3 convolutions with ReLUs, and what came in is added at the end. So a block has only to learn what to change, and nothing gets lost in a deep stack of them; each one sees three places further in every direction.',
      };
    case 'memBlock':
      return {
        title: 'Block with a memory',
        text: 'A residual block of a model of videos: its first convolution also looks at the frame before. A picture is the last of four frames here, so two frames are kept until only one is needed; their channels lie one after the other.',
      };
    case 'frameConv':
      return layer.to === 2
        ? {
            title: 'One frame becomes two',
            text: 'Two convolutions of the same map, one for each frame. The channels of the earlier frame come first.',
          }
        : {
            title: 'Two frames become one',
            text: 'A convolution for each of the two frames, and their sum.',
          };
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
        text: `Each ${layer.factor}×${layer.factor} square of pixels is folded into ${layer.factor ** 2} channels for each colour. No number changes, but the convolutions that follow have ${layer.factor ** 2} times fewer places to work at: that is what makes this model small.`,
      };
    case 'pixelShuffle':
      return {
        title: 'Channels to pixels',
        text: isLast
          ? `Each place unfolds its channels into a ${layer.factor}×${layer.factor} square of red, green and blue: the picture. No layer ever worked at its full size.`
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
type GroupNorm = Extract<StepView['layer'], { kind: 'groupNorm' }>;

function encoderConv(index: number, { cin, cout, stride }: Conv, isLast: boolean): Explanation {
  if (isLast) {
    return {
      title: 'To the latent',
      text: `Squeezes ${cin} channels into the ${cout} of the latent. No ReLU comes after it: latents have both signs, and lie mostly in ±3. This is all that the decoder will know of the picture.`,
    };
  }
  if (stride === 2) {
    return {
      title: 'Convolution, every second place',
      text: 'The window moves two places at a time, so the map halves in width and height and a quarter of the numbers is left. Each of them now stands for a larger piece of the picture.',
    };
  }
  if (index === 0) {
    return {
      title: 'First convolution',
      text: `Looks at each pixel and its eight neighbours in red, green and blue, and writes down ${cout} numbers about them: edges, colours, contrasts. From here on the picture is ${cout} channels deep.`,
    };
  }
  return {
    title: 'Convolution',
    text: `Mixes ${cin} channels into ${cout} at each place, with its eight neighbours in view.`,
  };
}

function decoderConv(
  { index, shape }: StepView,
  { cin, cout }: Conv,
  isLast: boolean,
): Explanation {
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
  if (shape[1] === cin) {
    return {
      title: 'Smoothing convolution',
      text: 'Comes after each upsampling and turns its square steps into shapes. It has no bias: a constant would add nothing that the blocks beside it do not have.',
    };
  }
  return {
    title: 'Convolution',
    text: `Mixes ${cin} channels into ${cout}, with the eight neighbours in view: what the next layer needs to lay out.`,
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

function explainInner(step: StepView, isPooled: boolean): Explanation {
  const { name, layer } = step;
  const inside = name.split('.').slice(2).join('.');
  const place = inside.replace(/^frame\d\./, '');
  if (place === 'x+pool' || place.startsWith('pool.')) return explainPool(place, layer);
  if (place === 'x+past') return explainMemory;
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
  const input = isPooled ? 'x + pool(x)' : 'the block’s input';
  const text: Readonly<Record<string, string>> = {
    past: 'What the frame before says, at 3×3 places. It is added to the first convolution’s numbers.',
    '0': 'The convolution of the earlier frame, or for it.',
    '1': 'The convolution of the later frame, or for it.',
    'conv.0': `The first of three convolutions: each number sees 3×3 places of ${input}.`,
    'conv.2': `The second: through the first it sees 5×5 places of ${input}.`,
    'conv.4':
      'The third sees 7×7 places. No ReLU before the sum: what it says may also be “less of this”.',
  };
  return { title: 'Convolution inside the block', text: text[place] ?? '' };
}

const explainMemory: Explanation = {
  title: 'Sum over frames',
  text: 'What a convolution says of one frame is added to what another says of the other frame.',
};

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
