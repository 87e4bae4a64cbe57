import { useEffect } from 'preact/hooks';
import { VARIANTS } from 'taesd-wasm';
import { useExplorer } from '../explorer.ts';
import { moveFocus } from '../stage/roving.ts';
import { Word } from '../stage/word.tsx';
import { TABS, type Tab } from '../stores/free.ts';
import '../figures/figures.css';
import '../styles/scene-free.css';
import { whole } from '../text/numbers.ts';
import { Compare } from './free/compare.tsx';
import { Costs } from './free/costs.tsx';
import { Layers } from './free/layers.tsx';
import { Noise } from './free/noise.tsx';
import type { Scene } from './scene.ts';

const VIEWS: Readonly<
  Record<Tab, { readonly title: string; readonly View: () => preact.JSX.Element }>
> = {
  layers: { title: 'Layers', View: Layers },
  compare: { title: 'Compare', View: Compare },
  costs: { title: 'Costs', View: Costs },
  noise: { title: 'From noise', View: Noise },
};

function Text() {
  const { network } = useExplorer();
  const { steps, isWalked, trip } = network;
  const numbers = steps.value.reduce(
    (sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1),
    0,
  );
  return (
    <>
      <h2>All of it is yours.</h2>
      <p>
        {isWalked.value && trip.value !== undefined
          ? `${trip.value.model.model} makes ${whole(numbers)} numbers of this picture in ${steps.value.length} layers. `
          : ''}
        Look up each under <Word of="tab-layers">Layers</Word> with its sum, or watch a diffusion
        model paint <Word of="tab-noise">from noise</Word>.
      </p>
    </>
  );
}

function Stage() {
  const { free, focus, network } = useExplorer();
  const { tab } = free;
  const model = network.trip.value?.model.model;
  useEffect(() => {
    if (model === undefined || focus.layer.peek() !== undefined) return;
    const first = VARIANTS[model].networks.encoder.findIndex(({ kind }) => kind === 'conv');
    focus.layer.value = `encoder.${first}`;
  }, [model]);
  const { View, title } = VIEWS[tab.value];
  return (
    <div class="free">
      <div
        class="tabs"
        role="tablist"
        aria-label="Views"
        data-part="tabs"
        onKeyDown={(event) => moveFocus(event)}
      >
        {TABS.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            data-item
            data-part={`tab-${name}`}
            aria-selected={tab.value === name}
            aria-controls="free-view"
            tabIndex={tab.value === name ? 0 : -1}
            onClick={() => {
              tab.value = name;
            }}
          >
            {VIEWS[name].title}
          </button>
        ))}
      </div>
      <div class={`free-view ${tab.value}`} id="free-view" role="tabpanel" aria-label={title}>
        <View />
      </div>
    </div>
  );
}

export const free: Scene = { id: 'free', Text, Stage };
