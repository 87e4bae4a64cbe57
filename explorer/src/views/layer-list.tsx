import { useEffect, useRef } from 'preact/hooks';
import type { Half } from 'taesd-wasm';
import type { StepView } from '../engine/protocol.ts';
import { chosen, jump, opened, sequence, toggleBlock } from '../state/stepping.ts';
import { trip } from '../state/trip.ts';
import { shapeText } from '../text/numbers.ts';

/** The network: the encoder's layers, the latent, the decoder's. */
export function LayerList() {
  const box = useRef<HTMLElement>(null);
  const name = chosen.value?.name;
  // Within the list alone: the page stays where it is.
  useEffect(() => {
    const list = box.current;
    const item = list?.querySelector<HTMLElement>(`[data-step="${name}"]`);
    if (!list || !item) return;
    const top = item.offsetTop - list.clientHeight / 2;
    const left = item.offsetLeft - list.clientWidth / 2 + item.clientWidth / 2;
    list.scrollTo({ top, left });
  }, [name]);
  const latents = trip.value?.latents;
  return (
    <nav class="layer-list" aria-label="Layers of the network" ref={box}>
      <HalfSection part="encoder" />
      <p class="latent-bar">
        {latents === undefined ? 'latent' : `latent ${shapeText(latents.shape)}`}
      </p>
      <HalfSection part="decoder" />
    </nav>
  );
}

function HalfSection({ part }: { part: Half }) {
  const list = sequence.value.filter((step) => step.part === part);
  return (
    <div class={`half ${part}`}>
      <h3>{part === 'encoder' ? 'Encoder' : 'Decoder'}</h3>
      <ol>
        {list.map((step) => (
          <Row key={step.name} step={step} />
        ))}
      </ol>
    </div>
  );
}

function Row({ step }: { step: StepView }) {
  const { name, module, shape, layer, block, index } = step;
  const isChosen = chosen.value?.name === name;
  const isOpen = opened.value?.name === name;
  const width = trip.value === undefined ? 1 : shape[3] / trip.value.picture.width;
  return (
    <li class={block === undefined ? 'layer' : 'layer inside'} data-step={name}>
      <button
        type="button"
        class="layer-button"
        aria-current={isChosen ? 'step' : undefined}
        onClick={() => jump(name)}
      >
        <span class="number">{block === undefined ? index : '·'}</span>
        <span class="module" title={module}>
          {module}
        </span>
        {/* Logarithmic in width, so that an eighth can be seen; its height stands for the channels. */}
        <span
          class="bar"
          style={{
            '--width': `${100 + 25 * Math.log2(Math.min(width, 1))}%`,
            '--depth': `${2 + Math.log2(shape[1]) * 0.9}px`,
          }}
        />
        <span class="shape">{shapeText(shape)}</span>
      </button>
      {(layer.kind === 'block' || 'from' in layer) && (
        <button
          type="button"
          class="opener"
          aria-expanded={isOpen}
          aria-label={`Open block ${name}`}
          onClick={() => void toggleBlock(step)}
        >
          {isOpen ? '−' : '+'}
        </button>
      )}
    </li>
  );
}
