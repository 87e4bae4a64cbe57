import { type ModelName, VARIANTS, type Variant } from '../../index.ts';
import { encoderOf, hasHalf } from '../../model/variants.ts';
import type { Size } from '../line/size.ts';
import { factLines } from '../terminal/table.ts';
import { wrap } from '../terminal/wrap.ts';
import { describeHalf, type NetworkFindings, networkLines } from './network.ts';

/** A model as the JSON document describes it. */
export interface ModelFindings {
  readonly kind: 'model';
  readonly model: ModelName;
  readonly latentsOf: string;
  readonly latentChannels: number;
  /** A picture is this many times as wide and as high as its latents. */
  readonly downscale: number;
  /** x = (z − shift) · scale from a latent z of the full VAE; null without one for all channels. */
  readonly scale: number | null;
  readonly shift: number | null;
  /** x = (z − mean) / std for each channel; null if it is not known or one for all. */
  readonly mean: readonly number[] | null;
  readonly std: readonly number[] | null;
  /** The reason why none of these numbers is known; null if they are. */
  readonly scaleUnknown: string | null;
  /** Null for a decoder alone. */
  readonly encoder: NetworkFindings | null;
  readonly decoder: NetworkFindings;
}

/** Describes a model: its latents, and the layers of both halves. */
export function describeModel(variant: Variant, size: Size): ModelFindings {
  const { name: model, speaks: latentsOf, latentChannels, downscale, fromVae } = variant;
  const encoder = hasHalf(variant, 'encoder') ? describeHalf(variant, 'encoder', size) : null;
  const decoder = describeHalf(variant, 'decoder', size);
  const numbers = { scale: null, shift: null, mean: null, std: null };
  const known = 'unknown' in fromVae ? numbers : { ...numbers, ...fromVae };
  const scaleUnknown = 'unknown' in fromVae ? fromVae.unknown : null;
  const latents = { latentChannels, downscale, ...known, scaleUnknown };
  return { kind: 'model', model, latentsOf, ...latents, encoder, decoder };
}

/** Returns lines about a model. */
export function modelLines(findings: ModelFindings): string[] {
  const { model, latentsOf, latentChannels, downscale } = findings;
  const facts = factLines([
    ['model', `${model}, for ${latentsOf}`],
    [
      'latents',
      `${latentChannels} channels, 1/${downscale} of the picture's width and height, rounded up`,
    ],
    ...scaleFacts(findings),
    ...(findings.encoder === null
      ? [['encoder', `none; ${encoderOf(VARIANTS[model])} encodes for its latents`] as const]
      : []),
  ]);
  const halves = (['encoder', 'decoder'] as const).flatMap((half) => {
    const network = findings[half];
    return network === null ? [] : ['', ...networkLines(half, network, findings)];
  });
  return [...facts, ...halves];
}

const FORMULA_LENGTH = 86;

/** Returns the facts about the conversion from latents z of the full VAE, wrapped. */
function scaleFacts({ scale, shift, mean, std, scaleUnknown }: ModelFindings) {
  if (scale !== null) {
    const words = `x = (z − ${shift}) · ${scale} from a latent z of the full VAE`;
    return [['scale', `${scale}, shift ${shift}: ${words}`] as const];
  }
  if (scaleUnknown !== null) return wrapped('scale', `not known: ${scaleUnknown}`);
  const words = (numbers: readonly number[] | null) => (numbers ?? []).join(', ');
  return [
    ['scale', 'channel by channel: x = (z − mean) / std from a latent z of the full VAE'] as const,
    ...wrapped('mean', words(mean)),
    ...wrapped('std', words(std)),
  ];
}

const wrapped = (what: string, words: string) =>
  wrap(words, FORMULA_LENGTH).map((line, i) => [i === 0 ? what : '', line] as const);
