import type { ModelName, Variant } from '../../index.ts';
import type { Size } from '../line/size.ts';
import { factLines } from '../terminal/table.ts';
import { describeHalf, type NetworkFindings, networkLines } from './network.ts';

/** A model as the JSON document describes it. */
export interface ModelFindings {
  readonly kind: 'model';
  readonly model: ModelName;
  readonly latentsOf: string;
  readonly latentChannels: number;
  /** x = (z − shift) · scale from a latent z of the full VAE. */
  readonly scale: number;
  readonly shift: number;
  readonly encoder: NetworkFindings;
  readonly decoder: NetworkFindings;
}

/** Describes a model: its latents, and the layers of both halves. */
export function describeModel(variant: Variant, size: Size): ModelFindings {
  const { name: model, speaks: latentsOf, latentChannels, scale, shift, networks } = variant;
  const [encoder, decoder] = (['encoder', 'decoder'] as const).map((half) =>
    describeHalf(networks[half], half, latentChannels, size),
  );
  return { kind: 'model', model, latentsOf, latentChannels, scale, shift, encoder, decoder };
}

/** Returns lines about a model. */
export function modelLines(findings: ModelFindings): string[] {
  const { model, latentsOf, latentChannels, scale, shift } = findings;
  const facts = factLines([
    ['model', `${model}, for ${latentsOf}`],
    ['latents', `${latentChannels} channels, 1/8 of the picture's width and height, rounded up`],
    [
      'scale',
      `${scale}, shift ${shift}: x = (z − ${shift}) · ${scale} from a latent z of the full VAE`,
    ],
  ]);
  const halves = (['encoder', 'decoder'] as const).flatMap((half) => [
    '',
    ...networkLines(half, findings[half]),
  ]);
  return [...facts, ...halves];
}
