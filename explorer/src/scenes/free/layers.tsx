import { useEffect, useRef } from 'preact/hooks';
import { type Area, type Half, VARIANTS } from 'taesd-wasm';
import type { StepView } from '../../engine/protocol.ts';
import { useExplorer } from '../../explorer.ts';
import { Histogram } from '../../figures/histogram.tsx';
import type { Size } from '../../stage/frame.ts';
import { Framed } from '../../stage/framed.tsx';
import { LayerInput, LayerOutput, LayerSum } from '../../stage/layer-stage.tsx';
import { moveFocus } from '../../stage/roving.ts';
import { Strip } from '../../stage/strip.tsx';
import { explain } from '../../text/explanations.ts';
import { stepText } from '../../text/measured.ts';
import { count, milliseconds, percent, shapeText, short } from '../../text/numbers.ts';
import { sourceLine } from '../../text/source-lines.ts';
import { Arithmetic } from './arithmetic.tsx';
import { LatentView } from './latent-view.tsx';

/** Each layer with its maps, and each number with its sum. */
export function Layers() {
  const { focus } = useExplorer();
  const step = focus.step.value;
  if (step === undefined) return <p class="waiting">The layers are being computed.</p>;
  const made = focus.sum.value.value?.is;
  const isSummed = made?.name === step.name && made.sourceKind === 'conv';
  return (
    <div class="free-layers">
      <LayerList />
      <Transport />
      <div class="free-maps">
        <LayerInput />
        <div class="free-sum">
          {isSummed ? (
            <LayerSum />
          ) : (
            <p class="hint" data-part="sum-box">
              {made === undefined ? 'The sum is being computed.' : 'Nothing is added up here.'}
            </p>
          )}
        </div>
        <LayerOutput />
      </div>
      <div class="free-more">
        <Notes step={step} />
        <div class="numbers">
          <PixelFields step={step} />
          <Arithmetic step={step} />
        </div>
        <Channels step={step} />
        <ReceptiveField step={step} />
      </div>
    </div>
  );
}

/** The network as a list, with the operations of the block that is open. */
function LayerList() {
  const { focus, network } = useExplorer();
  const box = useRef<HTMLElement>(null);
  const name = focus.step.value?.name;
  useEffect(() => {
    const list = box.current;
    const item = list?.querySelector<HTMLElement>(`[data-step="${name}"]`);
    if (list && item) list.scrollTo({ top: item.offsetTop - list.clientHeight / 2 });
  }, [name]);
  const latents = network.trip.value?.latents;
  return (
    <nav
      class="layer-list"
      aria-label="Layers as a list"
      data-part="list"
      ref={box}
      onKeyDown={(event) => moveFocus(event)}
    >
      <HalfList part="encoder" />
      <p class="latent-bar">latent {latents && shapeText(latents.shape)}</p>
      <HalfList part="decoder" />
    </nav>
  );
}

function HalfList({ part }: { part: Half }) {
  const { focus } = useExplorer();
  return (
    <ol class={part} aria-label={part}>
      {focus.sequence.value
        .filter((step) => step.part === part)
        .map((step) => (
          <Row key={step.name} step={step} />
        ))}
    </ol>
  );
}

const canOpen = ({ layer }: StepView): boolean => layer.kind === 'block' || 'from' in layer;

function Row({ step }: { step: StepView }) {
  const { focus } = useExplorer();
  const { name, module, shape, block, index } = step;
  const isChosen = focus.step.value?.name === name;
  const isOpen = focus.opened.value?.name === name;
  return (
    <li class={block === undefined ? 'layer' : 'layer inside'} data-step={name}>
      <button
        type="button"
        class="layer-button"
        data-item
        title={`${name}: ${module}, ${shapeText(shape)}`}
        aria-current={isChosen ? 'step' : undefined}
        tabIndex={isChosen ? 0 : -1}
        onClick={() => {
          focus.layer.value = name;
        }}
      >
        <span class="number">{block === undefined ? index : '·'}</span>
        <span class="module">{module.replace('nn.', '')}</span>
        <span class="shape">{shapeText(shape)}</span>
      </button>
      {canOpen(step) && (
        <button
          type="button"
          class="opener"
          tabIndex={-1}
          aria-expanded={isOpen}
          aria-label={`Open block ${name}`}
          onClick={() => void focus.toggleBlock(step)}
        >
          {isOpen ? '−' : '+'}
        </button>
      )}
    </li>
  );
}

/** Forwards, backwards, play, jump. */
function Transport() {
  const { focus, free } = useExplorer();
  const { sequence, step, move, layer } = focus;
  const { place, isPlaying } = free;
  const count = sequence.value.length;
  const go = (label: string, path: string, by: number) => (
    <button
      type="button"
      data-item
      tabIndex={-1}
      aria-label={label}
      title={label}
      onClick={() => move(by)}
    >
      <Icon path={path} />
    </button>
  );
  return (
    <div class="transport">
      <div
        class="row"
        role="toolbar"
        aria-label="Going through the layers"
        onKeyDown={(event) => moveFocus(event)}
      >
        {go('First step', 'M6 5v14M19 5v14l-10-7z', -count)}
        {go('Step back', 'M17 5v14l-10-7z', -1)}
        <button
          type="button"
          class="play"
          data-item
          onClick={() => {
            isPlaying.value = !isPlaying.value;
          }}
        >
          <Icon path={isPlaying.value ? 'M7 5h4v14h-4zM14 5h4v14h-4z' : 'M7 4v16l13-8z'} />
          {isPlaying.value ? 'Pause' : 'Play'}
        </button>
        {go('Step forwards', 'M7 5v14l10-7z', 1)}
        {go('Last step', 'M18 5v14M5 5v14l10-7z', count)}
      </div>
      <input
        type="range"
        class="scrub"
        aria-label="Jump to a step"
        min={0}
        max={Math.max(count - 1, 0)}
        value={Math.max(place.value, 0)}
        aria-valuetext={step.value?.name}
        onInput={({ currentTarget }) => {
          layer.value = sequence.value[Number(currentTarget.value)].name;
        }}
      />
      <output class="place">
        {step.value?.name}, step {place.value + 1} of {count}
      </output>
    </div>
  );
}

const Icon = ({ path }: { path: string }) => (
  <svg viewBox="0 0 24 24" class="icon" aria-hidden="true">
    <path d={path} />
  </svg>
);

/** The name of a step, the reason for it, and its cost. */
function Notes({ step }: { step: StepView }) {
  const { focus, network } = useExplorer();
  const model = network.trip.value?.model.model ?? 'nano';
  const { title, text } = explain(step, VARIANTS[model].networks[step.part]);
  const source = sourceLine(step, model);
  const isOpen = focus.opened.value?.name === (step.block ?? step.name);
  const { min, max, zeros } = step.summary;
  const what = step.layer.kind === 'frameConv' ? 'layer' : 'block';
  return (
    <div class="notes">
      <h3 data-testid="step-title">{title}</h3>
      <p class="explanation">{text}</p>
      <p>{stepText(step)}</p>
      {(canOpen(step) || step.block !== undefined) && (
        <p class="open-block">
          <button type="button" onClick={() => void focus.toggleBlock(step)}>
            {isOpen
              ? `Close the ${what}`
              : `Open the ${what}: its ${operationsIn(step.layer)} operations`}
          </button>
        </p>
      )}
      <dl class="facts">
        <Fact term="In">{shapeText(step.inputShape)}</Fact>
        <Fact term="Out">{shapeText(step.shape)}</Fact>
        <Fact term="Parameters">{count(step.parameters)}</Fact>
        <Fact term="Multiply-adds">{count(step.multiplyAdds)}</Fact>
        <Fact term="Time">{milliseconds(step.elapsedMs)}</Fact>
        <Fact term="Range" testid="range">
          {short(min)} … {short(max)}
        </Fact>
        <Fact term="Zeros" testid="zeros">
          {percent(zeros)}
        </Fact>
      </dl>
      {source !== undefined && (
        <p class="source hint">
          <code>{source.text}</code> {source.file}, line {source.line}
          {step.kernels.length > 0 && `; routines: ${step.kernels.join(', ')}`}
        </p>
      )}
    </div>
  );
}

function operationsIn(layer: StepView['layer']): number {
  // Three convolutions, two ReLUs, a sum and a ReLU.
  const inBlock = 7;
  switch (layer.kind) {
    case 'block':
      // A pool's four and a sum, and a skip that widens.
      return inBlock + (layer.pool ? 5 : 0) + (layer.cin === layer.cout ? 0 : 1);
    case 'memBlock':
      // The later frame has a convolution more and a sum. It need not do again what both frames
      // have in common.
      return inBlock * layer.to + (layer.from === 1 ? 1 : 2);
    case 'frameConv':
      return layer.to === 2 ? 2 : 3;
    default:
      return 0;
  }
}

function Fact({
  term,
  testid,
  children,
}: {
  term: string;
  testid?: string;
  children: preact.ComponentChildren;
}) {
  return (
    <div>
      <dt>{term}</dt>
      <dd data-testid={testid}>{children}</dd>
    </div>
  );
}

/** All channels, and how often which numbers occur. */
function Channels({ step }: { step: StepView }) {
  const { focus } = useExplorer();
  const { channel, map } = focus;
  const channels = step.shape[1];
  const view = map.value.value?.is;
  const isOf = view !== undefined && view.name === step.name && view.channel === channel.value;
  const { min, max } = step.summary;
  return (
    <div class="channels">
      <Strip
        thumbnails={step.thumbnails}
        ranges={step.channels}
        chosen={channel.value}
        columns={channels <= 16 ? Math.min(channels, 8) : 16}
        onChoose={(to) => {
          channel.value = to;
        }}
      />
      <Histogram
        title={`Histogram of channel ${channel.value} and of all channels of ${step.name}`}
        describe={`From ${short(min)} to ${short(max)}.`}
        all={step.summary}
        channel={isOf ? view.summary : undefined}
      />
    </div>
  );
}

/** The chosen number by its place. */
function PixelFields({ step }: { step: StepView }) {
  const { focus } = useExplorer();
  const { channel, at } = focus;
  const [, channels, height, width] = step.shape;
  const place = at.value ?? { y: 0, x: 0 };
  return (
    <div class="row channel-map">
      <NumberField
        label="Channel"
        value={channel.value}
        max={channels - 1}
        onValue={(to) => {
          channel.value = to;
        }}
      />
      <NumberField
        label="x"
        value={place.x}
        max={width - 1}
        onValue={(x) => {
          at.value = { ...place, x };
        }}
      />
      <NumberField
        label="y"
        value={place.y}
        max={height - 1}
        onValue={(y) => {
          at.value = { ...place, y };
        }}
      />
    </div>
  );
}

function NumberField(props: {
  label: string;
  value: number;
  max: number;
  onValue: (value: number) => void;
}) {
  const { label, value, max, onValue } = props;
  return (
    <label class="field narrow">
      {label}
      <input
        type="number"
        min={0}
        max={max}
        value={value}
        onChange={({ currentTarget }) => {
          const wanted = Math.round(Number(currentTarget.value));
          onValue(Math.min(Math.max(wanted || 0, 0), max));
        }}
      />
    </label>
  );
}

/** The parts of the picture, and of the latent, that a number depends on. */
function ReceptiveField({ step }: { step: StepView }) {
  const { focus, network } = useExplorer();
  const now = network.trip.value;
  const made = focus.sum.value.value?.is;
  if (now === undefined) return null;
  const { picture, latents } = now;
  const view = made?.name === step.name ? made : undefined;
  const onPicture = view && within(view.onPicture, picture);
  const small = { width: latents.shape[3], height: latents.shape[2] };
  return (
    <div class="field-views">
      <Framed
        part="field"
        picture={picture}
        label="The picture, with what the number depends on"
        size={picture}
        frames={[{ area: onPicture, kind: 'seen' }]}
      >
        <span data-testid="field-picture">
          <b>Receptive field</b> {onPicture && areaText(onPicture, picture, 'the whole picture')}
        </span>
      </Framed>
      {step.part === 'decoder' && (
        <LatentView
          latents={latents}
          channels={1}
          frames={[{ area: view?.onLatents, kind: 'seen' }]}
        >
          <span data-testid="field-latent">
            <b>On the latent</b>{' '}
            {view?.onLatents && areaText(view.onLatents, small, 'the whole latent')}
          </span>
        </LatentView>
      )}
      {view !== undefined && (
        <p class="hint">
          {view.wholeMap === undefined
            ? 'Nothing outside the frame can change this number.'
            : `${view.wholeMap} takes mean and variance over its whole map, so every pixel of the picture can change this number.`}
        </p>
      )}
    </div>
  );
}

/**
 * An area of the picture that the encoder reads, cut at its edges: the last column and row may be
 * repeated.
 */
function within({ x, y, width, height }: Area, size: Size): Area {
  const [left, top] = [Math.min(x, size.width - 1), Math.min(y, size.height - 1)];
  return {
    x: left,
    y: top,
    width: Math.min(x + width, size.width) - left,
    height: Math.min(y + height, size.height) - top,
  };
}

function areaText({ x, y, width, height }: Area, size: Size, all: string): string {
  const isAll = width === size.width && height === size.height;
  return `x ${x}–${x + width - 1}, y ${y}–${y + height - 1}, ${width}×${height}${isAll ? `: ${all}` : ''}`;
}
