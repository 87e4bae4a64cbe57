import { useSignal, useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { VARIANTS } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { coloured } from '../drawing/colour-map.ts';
import type { StepView } from '../engine/protocol.ts';
import { useExplorer } from '../explorer.ts';
import '../figures/figures.css';
import { Waterfall } from '../figures/waterfall.tsx';
import { largest } from '../measure/largest.ts';
import { LayerInput, LayerOutput, LayerSum } from '../stage/layer-stage.tsx';
import { LossChart } from '../stage/loss-chart.tsx';
import { MapView } from '../stage/map-view.tsx';
import { Question } from '../stage/question.tsx';
import { moveFocus } from '../stage/roving.ts';
import { Strip } from '../stage/strip.tsx';
import { Word } from '../stage/word.tsx';
import { sourceOf } from '../stores/focus.ts';
import { isBlock } from '../stores/stack.ts';
import { COLOURS } from '../text/colours.ts';
import { explain } from '../text/explanations.ts';
import { blockOffText, fixed, stepText, sumText } from '../text/measured.ts';
import { exact, shapeText } from '../text/numbers.ts';
import type { Scene } from './scene.ts';
import '../styles/scene-stack.css';

/** So many channels are laid out, row by row. If there are more, the waterfall has all. */
const MAX_ROWS = 3;
const CHANNELS = [...COLOURS, 'alpha'];

function Text() {
  const { focus, network, stack } = useExplorer();
  const step = focus.step.value;
  const model = network.trip.value?.model.model;
  if (step === undefined || model === undefined) {
    return <h2>Layer upon layer, each adds a little.</h2>;
  }
  const { title, text } = explain(step, VARIANTS[model].networks[step.part]);
  return (
    <>
      <div class="layer-head">
        <h2>{insight(step)}</h2>
        <LayerBar step={step} title={title} />
      </div>
      <div class="layer-text">
        <p>
          {text} <ToDo step={step} />
        </p>
        <p data-part="measured">
          {isBlock(step) && <OffText name={step.name} />} {stepText(step)}{' '}
          {stack.block.value === undefined &&
            'No skip connection leads past this layer, so it cannot be switched off.'}
        </p>
      </div>
    </>
  );
}

/** The work of a layer, in one sentence. */
function insight({ layer, part, index, shape }: StepView): string {
  switch (layer.kind) {
    case 'block':
    case 'memBlock':
      return 'A block adds a change to what came in.';
    case 'relu':
      return 'A ReLU keeps what is positive.';
    case 'conv':
      if (layer.stride === 2) return 'Half as wide, half as high: a quarter of the places is left.';
      if (part === 'encoder' && index === 0) return 'Colours become features.';
      return `${layer.cin} channels are mixed into ${layer.cout}.`;
    case 'frameConv':
      return layer.to === 2 ? 'One frame becomes two.' : 'Two frames become one.';
    case 'upsample2x':
      return 'Each number becomes four; nothing is invented.';
    case 'pixelUnshuffle':
      return 'Pixels become channels; no number changes.';
    case 'pixelShuffle':
      return `Channels become pixels: ${shape[3]} in a row.`;
    case 'clamp':
      return 'Large numbers are drawn in, small ones stay.';
    case 'groupNorm':
      return 'Numbers are measured against the whole map.';
    case 'add':
      return 'What came in, plus what should change.';
  }
}

/** The thing to do at a layer. */
function ToDo({ step }: { step: StepView }) {
  const { stack } = useExplorer();
  const { kind } = step.layer;
  const isSum = kind === 'block' || kind === 'memBlock' || kind === 'conv' || kind === 'frameConv';
  const isWide = isSum && sourceOf(step).shape[1] > MAX_ROWS;
  return (
    <>
      {isWide && (
        <>
          Each <Word of="waterfall">bar</Word> is a channel of the sum
          {stack.canDescend.value && ', and a door into it'}.{' '}
        </>
      )}
      {isBlock(step) && (
        <>
          Then <Word of="off">switch the block off</Word>.
        </>
      )}
      {step.layer.kind === 'relu' && (
        <>
          Draw the line across the <Word of="change">map</Word>.
        </>
      )}
    </>
  );
}

function OffText({ name }: { name: string }) {
  const { stack } = useExplorer();
  const found = stack.off.value.get(name);
  const whole = stack.whole.value;
  if (found === undefined || whole === undefined) {
    return <>What the picture would lose without this block is being measured.</>;
  }
  const [before, ...after] = blockOffText(whole, found.db).split('dB');
  return (
    <>
      {before}
      {after.length > 0 && <Word term="decibel">dB</Word>}
      {after.join('dB')}
    </>
  );
}

/** The layer’s name, and the way to the next ones. */
function LayerBar({ step, title }: { step: StepView; title: string }) {
  const { focus } = useExplorer();
  const list = focus.sequence.value;
  const at = list.indexOf(step);
  const canOpen = isBlock(step) || step.layer.kind === 'frameConv' || step.block !== undefined;
  const isOpen = focus.opened.value?.name === (step.block ?? step.name);
  return (
    <div
      class="layer-bar"
      role="toolbar"
      aria-label="Layers"
      data-part="layer-bar"
      onKeyDown={(event) => moveFocus(event)}
    >
      <button
        type="button"
        class="quiet"
        data-item
        aria-label="The layer before"
        title="The layer before"
        aria-disabled={at <= 0}
        onClick={() => focus.move(-1)}
      >
        ◀
      </button>
      <span class="layer-name">
        <b class={step.part}>{step.name}</b>{' '}
        <span class="if-room">
          {title}, {shapeText(step.shape)}
        </span>
      </span>
      <button
        type="button"
        class="quiet"
        data-item
        tabIndex={-1}
        aria-label="The next layer"
        title="The next layer"
        aria-disabled={at === list.length - 1}
        onClick={() => focus.move(1)}
      >
        ▶
      </button>
      {canOpen && (
        <button
          type="button"
          data-item
          tabIndex={-1}
          class="open-block"
          onClick={() => void focus.toggleBlock(step)}
        >
          {isOpen ? 'Close the block' : 'Open the block'}
        </button>
      )}
    </div>
  );
}

type Panel = 'number' | 'change' | 'off';

/** The names of the panels in the text. */
const PARTS: Readonly<Record<Panel, string>> = {
  number: 'waterfall',
  change: 'change',
  off: 'off',
};

function Stage() {
  const { focus, slide } = useExplorer();
  const step = focus.step.value;
  const count = focus.sum.value.value?.is.windows.length ?? 0;
  const rows = count > MAX_ROWS ? 1 : MAX_ROWS;
  const chosen = useSignal<Panel>('number');
  const probe = useRef<HTMLElement>(null);
  const isNarrow = useNarrow(probe);
  /** The sum follows the window that slides. */
  useSignalEffect(() => {
    const filled = slide.filled.value;
    const shape = focus.step.peek()?.shape;
    if (filled === undefined || shape === undefined) return;
    const [, , height, width] = shape;
    focus.at.value = { y: Math.floor(filled / width) % height, x: filled % width };
  });
  const kind = step?.layer.kind;
  const hasChange = kind === 'block' || kind === 'relu';
  const changeName = kind === 'relu' ? 'Before, after' : 'Before + change';
  const panels: readonly Panel[] = hasChange ? ['number', 'change', 'off'] : ['number', 'off'];
  const names = { number: 'One number', change: changeName, off: 'Blocks off' };
  const front = panels.includes(chosen.value) ? chosen.value : 'number';
  const isShown = (panel: Panel) => !isNarrow || front === panel;
  return (
    <>
      <i ref={probe} hidden />
      <LayerInput />
      {isNarrow && (
        <div
          class="panel-tabs"
          role="toolbar"
          aria-label="What is shown below"
          onKeyDown={(event) => moveFocus(event)}
        >
          {panels.map((panel) => (
            <button
              key={panel}
              type="button"
              data-item
              data-part={panel === front ? undefined : PARTS[panel]}
              tabIndex={panel === front ? 0 : -1}
              aria-pressed={panel === front}
              onClick={() => {
                chosen.value = panel;
              }}
            >
              {names[panel]}
            </button>
          ))}
        </div>
      )}
      {isShown('number') && (
        <div class="panel panel-number" data-rows={rows}>
          <Trail />
          <LayerSum rows={rows} />
          <Doors />
        </div>
      )}
      <LayerOutput>
        {step && (
          <Strip
            thumbnails={step.thumbnails}
            ranges={step.channels}
            chosen={focus.channel.value}
            columns={8}
            limit={8}
            onChoose={(channel) => {
              slide.stop();
              focus.channel.value = channel;
            }}
          />
        )}
      </LayerOutput>
      {hasChange && isShown('change') && (
        <div class="panel panel-change" data-part="change" data-kind={kind}>
          <ChangeMaps />
        </div>
      )}
      {isShown('off') && (
        <div class="panel panel-off">
          <SwitchOff />
          <LossChart />
        </div>
      )}
    </>
  );
}

/** As in the style sheet: below it the panels lie one behind the other. */
const NARROW_REM = 62;

/** Whether the stage around an element is narrow. */
function useNarrow(probe: RefObject<HTMLElement | null>): boolean {
  const [isNarrow, setNarrow] = useState(false);
  useLayoutEffect(() => {
    const stage = probe.current?.parentElement;
    if (stage === null || stage === undefined) return;
    const look = () => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      setNarrow(stage.clientWidth <= NARROW_REM * rem);
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(stage);
    return () => observer.disconnect();
  }, []);
  return isNarrow;
}

/** All channels of the sum, each a door to the layer that made it. */
function Doors() {
  const { focus, stack } = useExplorer();
  const made = focus.sum.value.value?.is;
  const chosen = focus.inputChannel.value;
  const bySize = useMemo(
    () => made?.windows.toSorted((a, b) => Math.abs(b.sum) - Math.abs(a.sum)) ?? [],
    [made],
  );
  if (made === undefined || bySize.length === 0) return null;
  const point = (channel: number | undefined) => {
    if (channel !== undefined) focus.inputChannel.value = channel;
  };
  const isOfPicture = made.name === 'encoder.0' && made.windows.length <= CHANNELS.length;
  const marked = bySize.find(({ channel }) => channel === chosen) ?? bySize[0];
  return (
    <div class="doors" data-part="waterfall">
      {bySize.length > MAX_ROWS && (
        <Waterfall
          title="The sum, channel by channel"
          describe={sumText(made)}
          sum={made}
          width={620}
          height={112}
          chosen={chosen}
          onPoint={point}
          {...(stack.canDescend.value ? { onPick: (n: number) => void stack.descend(n) } : {})}
        />
      )}
      {stack.canDescend.value && (
        <div
          class="door-list"
          role="toolbar"
          aria-label="Down into a channel, the largest first"
          onKeyDown={(event) => moveFocus(event)}
        >
          {bySize.map(({ channel, sum }) => (
            <button
              key={channel}
              type="button"
              data-item
              class={channel === marked.channel ? 'door' : 'door visually-hidden'}
              tabIndex={channel === marked.channel ? 0 : -1}
              onFocus={() => point(channel)}
              onClick={() => void stack.descend(channel)}
            >
              ↓ Down into {isOfPicture ? CHANNELS[channel] : `channel ${channel}`}: {fixed(sum, 3)}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** The numbers above this one, on the way down to the picture. */
function Trail() {
  const { stack } = useExplorer();
  const { trail, bottom, climb } = stack;
  const crumbs = trail.value;
  const end = bottom.value;
  const box = useRef<HTMLElement>(null);
  // The newest number is seen.
  useEffect(() => box.current?.scrollTo({ left: box.current.scrollWidth }), [crumbs, end]);
  if (crumbs.length === 0 && end === undefined) return null;
  return (
    <nav class="trail" ref={box} aria-label="The way down" onKeyDown={(event) => moveFocus(event)}>
      {crumbs.map(({ layer, channel, value }, n) => (
        <span key={`${layer} ${n}`}>
          <button
            type="button"
            class="quiet"
            data-item
            tabIndex={n === crumbs.length - 1 ? 0 : -1}
            title={`Back up to ${layer}, channel ${channel}`}
            onClick={() => void climb(n)}
          >
            {layer}·{channel} <b>{fixed(value, 3)}</b>
          </button>{' '}
          ←{' '}
        </span>
      ))}
      {end === undefined ? (
        <span>here</span>
      ) : (
        <span>
          here ← <b>the picture</b>, {CHANNELS[end.channel]} at x {end.at.x}, y {end.at.y}:{' '}
          <b>{fixed(end.value, 3)}</b>
        </span>
      )}
    </nav>
  );
}

/** The input, the change and the output: three maps, or one that is split. */
function ChangeMaps() {
  const { stack, focus } = useExplorer();
  const found = stack.change.value.value?.is;
  const split = useSignal(50);
  const pictures = useMemo(() => {
    if (found === undefined) return undefined;
    const { width, height, before, change, after } = found;
    // One scale for all: what is small beside the others looks so.
    const scale = Math.max(largest(before), largest(change ?? after), largest(after));
    const draw = (data: Float32Array) => coloured(data, width, height, scale);
    return { before: draw(before), change: change && draw(change), after: draw(after) };
  }, [found]);
  const at = focus.at.value;
  const left = split.value;
  const halves = useMemo(
    () => pictures && joined(pictures.before, pictures.after, left / 100),
    [pictures, left],
  );
  if (found === undefined || pictures === undefined) return <p class="hint">Computing …</p>;
  const place = at && at.y < found.height && at.x < found.width ? at : undefined;
  const pixel = place && { ...place, width: 1, height: 1 };
  const pick = (to: { y: number; x: number }) => {
    focus.at.value = to;
  };
  const valueIn = (data: Float32Array | undefined) =>
    place === undefined || data === undefined
      ? ''
      : fixed(data[place.y * found.width + place.x], 3);
  const map = (part: string, name: string, picture: ImageData, data: Float32Array) => (
    <MapView
      part={part}
      picture={picture}
      label={`${name}: ${valueIn(data)}`}
      at={place}
      area={pixel}
      onPick={pick}
    >
      <b>{name}</b> {valueIn(data)}
    </MapView>
  );
  if (found.kind === 'relu') {
    const value = place && found.before[place.y * found.width + place.x];
    return (
      <div class="change-split">
        <MapView
          part="split"
          picture={halves}
          label={`Left before the ReLU, right after it${value === undefined ? '' : `, ${exact(value)} before`}`}
          at={place}
          area={pixel}
          onPick={pick}
        >
          <b>Before</b> {valueIn(found.before)} <span class="operator">|</span> <b>After</b>{' '}
          {valueIn(found.after)}
        </MapView>
        <label class="split-line">
          Line between before and after
          <input
            type="range"
            min={0}
            max={100}
            value={left}
            onInput={({ currentTarget }) => {
              split.value = Number(currentTarget.value);
            }}
          />
        </label>
      </div>
    );
  }
  return (
    <div class="change-maps">
      {map('before', 'Before', pictures.before, found.before)}
      <span class="operator">+</span>
      {pictures.change && found.change && map('added', 'Change', pictures.change, found.change)}
      <span class="operator">=</span>
      {map('after', 'After', pictures.after, found.after)}
    </div>
  );
}

/** The left part of one picture and the right part of another. */
function joined(left: ImageData, right: ImageData, share: number): ImageData {
  const { width, height } = left;
  const out = new ImageData(new Uint8ClampedArray(right.data), width, height);
  const columns = Math.round(share * width);
  for (let y = 0; y < height; y++) {
    const from = 4 * y * width;
    out.data.set(left.data.subarray(from, from + 4 * columns), from);
  }
  return out;
}

/** The decoded picture with the block and without it. */
function SwitchOff() {
  const { stack, network } = useExplorer();
  const { block, off, isOff, whole } = stack;
  const decoded = network.coded.value?.decoded;
  const now = block.value;
  if (now === undefined || decoded === undefined) return null;
  const found = off.value.get(now.name);
  const left = isOff.value ? found : undefined;
  return (
    <div class="switch-off" data-part="off">
      <figure>
        <Canvas picture={decoded} role="img" aria-label="The decoded picture" />
        <figcaption>
          <b>With</b> {whole.value === undefined ? '' : `${fixed(whole.value, 1)} dB`}
        </figcaption>
      </figure>
      <figure>
        {left === undefined ? (
          <div class="no-picture">{isOff.value ? 'Decoding without it …' : '?'}</div>
        ) : (
          <Canvas
            picture={left.picture}
            role="img"
            aria-label={`The decoded picture without ${now.name}`}
          />
        )}
        <figcaption>
          <b>Without</b> {left && `${fixed(left.db, 1)} dB`}
        </figcaption>
      </figure>
      <button
        type="button"
        class={isOff.value ? '' : 'primary'}
        aria-pressed={isOff.value}
        onClick={() => {
          isOff.value = !isOff.value;
        }}
      >
        {isOff.value ? `Switch ${now.name} on` : `Switch ${now.name} off`}
      </button>
    </div>
  );
}

function Ask() {
  const { stack, network } = useExplorer();
  const { blocks, off, whole, isMeasured } = stack;
  const model = network.trip.value?.model.model ?? 'this model';
  const all = whole.value;
  if (!isMeasured.value || all === undefined) {
    return (
      <Question
        ask={`Without which block of ${model} does the picture lose most? It is being measured: ${off.value.size} of ${blocks.value.length} blocks. Look at the chart.`}
        answers={[]}
      />
    );
  }
  const sorted = [...off.value].sort(([, a], [, b]) => a.db - b.db).map(([name]) => name);
  const shown = [0, 1, sorted.length >> 1, sorted.length - 1]
    .filter((n, at, list) => n < sorted.length && list.indexOf(n) === at)
    .map((n) => sorted[n]);
  const names = blocks.value.map(({ name }) => name).filter((name) => shown.includes(name));
  const dbOf = (name: string) => off.value.get(name)?.db ?? all;
  return (
    <Question
      ask={`Without which block of ${model} does this picture lose most?`}
      answers={names.map((name) => ({
        text: name,
        isRight: name === sorted[0],
        why:
          name === sorted[0]
            ? `${blockOffText(all, dbOf(name))} No other block costs as much on this picture.`
            : `${blockOffText(all, dbOf(name))} Without ${sorted[0]} it is ${fixed(dbOf(sorted[0]), 1)}.`,
      }))}
    />
  );
}

export const aStack: Scene = {
  id: '3',
  Text,
  Stage,
  Question: Ask,
};
