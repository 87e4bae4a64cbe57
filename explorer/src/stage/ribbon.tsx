import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Canvas } from '../drawing/canvas.tsx';
import { coloured } from '../drawing/colour-map.ts';
import { layerOf } from '../engine/names.ts';
import type { StepView } from '../engine/protocol.ts';
import { useExplorer } from '../explorer.ts';
import { strongest } from '../measure/levels.ts';
import { shapeText } from '../text/numbers.ts';
import { memo } from './memo.ts';
import { moveFocus } from './roving.ts';

/**
 * The whole network, layer by layer, as an hourglass: each is one of its maps, as tall as its maps
 * are large.
 */
export function Ribbon() {
  const explorer = useExplorer();
  const { network, focus, scene, visit, isOfFirstLayer } = explorer;
  const { trip, coded, steps } = network;
  const box = useRef<HTMLElement>(null);
  const isFirst = isOfFirstLayer();
  const layer = isFirst ? 'encoder.0' : layerOf(focus.step.value?.name ?? '');
  // The cold open is of the whole network.
  const current = scene.value === '0' ? '' : ['4', '6'].includes(scene.value) ? 'latent' : layer;
  // One of them is a stop of the Tab key.
  const isThere = current === 'latent' || steps.value.some(({ name }) => name === current);
  const stop = isThere ? current : steps.value[0]?.name;
  const wide = trip.value?.picture.width ?? 1;
  useEffect(() => {
    const list = box.current;
    const item = list?.querySelector<HTMLElement>(`[data-step="${current}"]`);
    if (list && item)
      list.scrollTo({ left: item.offsetLeft - (list.clientWidth - item.clientWidth) / 2 });
  }, [current, steps.value.length]);
  const half = (part: string) =>
    steps.value
      .filter((step) => step.part === part)
      .map((step) => (
        <Item
          key={step.name}
          step={step}
          isCurrent={step.name === current}
          isStop={step.name === stop}
          ratio={step.shape[3] / wide}
          onVisit={() => visit(step.name)}
        />
      ));
  const latents = trip.value?.latents;
  return (
    <nav
      class="ribbon"
      aria-label="Layers of the network"
      data-part="ribbon"
      ref={box}
      onKeyDown={(event) => moveFocus(event)}
    >
      {trip.value !== undefined && (
        <span class="ribbon-end">
          <Canvas picture={trip.value.picture} role="img" aria-label="The picture" />
        </span>
      )}
      {half('encoder')}
      {latents !== undefined && (
        <button
          type="button"
          class="ribbon-latent"
          data-item
          data-step="latent"
          aria-current={current === 'latent' ? 'step' : undefined}
          tabIndex={current === 'latent' ? 0 : -1}
          title={`The latent: ${shapeText(latents.shape)}`}
          aria-label={`The latent: ${shapeText(latents.shape)}`}
          onClick={() => explorer.go('4')}
        />
      )}
      {half('decoder')}
      {coded.value !== undefined && (
        <span class="ribbon-end">
          <Canvas picture={coded.value.decoded} role="img" aria-label="The decoded picture" />
        </span>
      )}
    </nav>
  );
}

interface ItemProps {
  readonly step: StepView;
  readonly isCurrent: boolean;
  /** Whether the Tab key stops at it. */
  readonly isStop: boolean;
  /** The map’s width, as a part of the picture’s. */
  readonly ratio: number;
  readonly onVisit: () => void;
}

const Item = memo(
  ({ step, isCurrent, isStop, ratio, onVisit }: ItemProps) => {
    const label = `${step.name}: ${step.module}, ${shapeText(step.shape)}`;
    return (
      <button
        type="button"
        class={`ribbon-item ${step.part}`}
        data-item
        data-step={step.name}
        aria-current={isCurrent ? 'step' : undefined}
        aria-label={label}
        title={label}
        tabIndex={isStop ? 0 : -1}
        style={{ '--tall': `${100 + 20 * Math.log2(Math.min(ratio, 1))}%`, '--n': `${step.index}` }}
        onClick={onVisit}
      >
        <Thumbnail step={step} />
      </button>
    );
  },
  (one, other) =>
    one.step === other.step &&
    one.isCurrent === other.isCurrent &&
    one.isStop === other.isStop &&
    one.ratio === other.ratio,
);

/** The channel whose numbers differ most. */
function Thumbnail({ step }: { step: StepView }) {
  const picture = useMemo(() => {
    const channel = strongest(step);
    const { width, height, data } = step.thumbnails;
    const { min, max } = step.channels[channel];
    const area = width * height;
    const numbers = data.subarray(channel * area, (channel + 1) * area);
    return coloured(numbers, width, height, Math.max(-min, max));
  }, [step]);
  return <Canvas picture={picture} aria-hidden="true" />;
}
