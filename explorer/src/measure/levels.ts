import type { StepView } from '../engine/protocol.ts';

/** The layers of a decoder whose maps have one size. */
export interface Level {
  /** How many numbers a place of the latent has become, in width and in height. */
  readonly factor: number;
  readonly steps: readonly StepView[];
  readonly multiplyAdds: number;
  /** As measured in one run, one layer after the other. */
  readonly elapsedMs: number;
}

/** A layer of the way up that is shown. */
export interface Stop {
  readonly step: StepView;
  readonly factor: number;
  /** The layer before it; undefined for the first that is shown. */
  readonly before: StepView | undefined;
  /** The convolution right after an upsampling. */
  readonly after: StepView | undefined;
  /** True for the layer whose output is the picture. */
  readonly isLast: boolean;
}

/** Returns the channel whose numbers differ most. */
export function strongest({ channels }: StepView): number {
  const spread = channels.map(({ min, max }) => max - min);
  return spread.indexOf(Math.max(...spread));
}

/** Groups a decoder's layers by the size of their maps. */
export function levelsOf(steps: readonly StepView[]): Level[] {
  const latentWidth = steps[0]?.inputShape[3] ?? 1;
  const groups = new Map<number, StepView[]>();
  for (const step of steps) {
    const factor = step.shape[3] / latentWidth;
    const group = groups.get(factor);
    if (group === undefined) groups.set(factor, [step]);
    else group.push(step);
  }
  const sum = (group: readonly StepView[], of: 'multiplyAdds' | 'elapsedMs') =>
    group.reduce((total, step) => total + step[of], 0);
  return [...groups].map(([factor, group]) => ({
    ...{ factor, steps: group },
    multiplyAdds: sum(group, 'multiplyAdds'),
    elapsedMs: sum(group, 'elapsedMs'),
  }));
}

/**
 * Returns the layers to be shown: the first convolution, those that make the maps larger, the last.
 */
export function stopsOf(steps: readonly StepView[]): Stop[] {
  if (steps.length === 0) return [];
  const latentWidth = steps[0].inputShape[3];
  const isLast = (step: StepView) => step === steps[steps.length - 1];
  const first = steps.find(({ layer }) => layer.kind === 'conv') ?? steps[0];
  const shown = steps.filter(
    (step) => step === first || isLast(step) || step.shape[3] > step.inputShape[3],
  );
  return shown.map((step) => {
    const at = steps.indexOf(step);
    const next = steps[at + 1];
    const hasConv = next?.layer.kind === 'conv' || next?.layer.kind === 'frameConv';
    return {
      step,
      factor: step.shape[3] / latentWidth,
      before: step === first ? undefined : steps[at - 1],
      after: step.layer.kind === 'upsample2x' && hasConv ? next : undefined,
      isLast: isLast(step),
    };
  });
}
