import { useEffect } from 'preact/hooks';
import { useExplorer } from '../explorer.ts';
import { canRedo, canUndo } from '../measure/history.ts';
import { TOOLS, type Tool } from '../stores/bottleneck.ts';
import { fixed } from '../text/measured.ts';
import { moveFocus } from './roving.ts';
import { Slider } from './slider.tsx';

const NAMES: Readonly<Record<Tool, string>> = {
  stamp: 'Stamp',
  paint: 'Paint',
  shift: 'Shift',
  mix: 'Mix',
};

/** The tools that change the latent. */
export function LatentTools() {
  const { bottleneck } = useExplorer();
  const { tool, other } = bottleneck;
  useUndoKeys(bottleneck.undo, bottleneck.redo);
  return (
    <div class="latent-tools" data-part="tools">
      <div class="row tight">
        <div
          class="segments"
          role="toolbar"
          aria-label="Tools"
          onKeyDown={(event) => moveFocus(event)}
        >
          {TOOLS.map((each) => (
            <button
              key={each}
              type="button"
              class="tool"
              data-item
              aria-pressed={tool.value === each}
              tabIndex={tool.value === each ? 0 : -1}
              onClick={() => {
                tool.value = each;
                if (each === 'mix' && other.value === undefined) void bottleneck.mixWith();
              }}
            >
              {NAMES[each]}
            </button>
          ))}
        </div>
        <Steps />
      </div>
      <Options />
      <TouchSwitch />
    </div>
  );
}

/** Shown where there is a touch screen. */
function TouchSwitch() {
  const { isTouchOn } = useExplorer().bottleneck;
  return (
    <label class="check touch-only">
      <input
        type="checkbox"
        checked={isTouchOn.value}
        onChange={({ currentTarget }) => {
          isTouchOn.value = currentTarget.checked;
        }}
      />
      Paint by touch: a finger changes the latent, and does not scroll
    </label>
  );
}

function Options() {
  const { bottleneck } = useExplorer();
  switch (bottleneck.tool.value) {
    case 'stamp':
      return (
        <p class="hint tool-options">
          The dotted frame is copied, in all channels. Click to stamp it; drag over a map to frame
          something else.
        </p>
      );
    case 'paint':
      return <PaintOptions />;
    case 'shift':
      return <ShiftOptions />;
    case 'mix':
      return <MixOptions />;
  }
}

function PaintOptions() {
  const { brush } = useExplorer().bottleneck;
  const { value, radius } = brush.value;
  return (
    <div class="row tight tool-options">
      <Slider
        label="Value"
        value={value}
        min={-3}
        max={3}
        step={0.25}
        text={fixed(value, 2)}
        onValue={(next) => {
          brush.value = { value: next, radius };
        }}
      />
      <Slider
        label="Size"
        value={radius}
        min={1}
        max={6}
        step={1}
        text={`${2 * radius - 1} across`}
        onValue={(next) => {
          brush.value = { value, radius: next };
        }}
      />
    </div>
  );
}

function ShiftOptions() {
  const { bottleneck } = useExplorer();
  const { channel, history } = bottleneck;
  const now = history.value?.present.shifts[channel.value] ?? 0;
  return (
    <div class="row tight tool-options">
      <Slider
        label={`Added to channel ${channel.value}`}
        value={now}
        min={-3}
        max={3}
        step={0.1}
        text={`${now < 0 ? '−' : '+'}${Math.abs(now).toFixed(1)}`}
        onValue={bottleneck.shift}
        onSettled={bottleneck.settle}
      />
    </div>
  );
}

function MixOptions() {
  const { bottleneck } = useExplorer();
  const { other, history } = bottleneck;
  const share = history.value?.present.share ?? 0;
  return (
    <div class="row tight tool-options">
      {other.value !== undefined && (
        <Slider
          label={`Of ${other.value.name}`}
          value={share}
          min={0}
          max={1}
          step={0.05}
          text={`${Math.round(100 * share)} %`}
          onValue={bottleneck.mix}
          onSettled={bottleneck.settle}
        />
      )}
      <label class="button">
        Another picture
        <input
          type="file"
          accept="image/*"
          class="hidden-input"
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? [];
            if (file !== undefined) void bottleneck.mixWith(file);
            // The same file can be chosen again.
            currentTarget.value = '';
          }}
        />
      </label>
    </div>
  );
}

function Steps() {
  const { bottleneck } = useExplorer();
  const { history, isChanged } = bottleneck;
  const now = history.value;
  return (
    <div
      class="row tight"
      role="toolbar"
      aria-label="Steps"
      onKeyDown={(event) => moveFocus(event)}
    >
      <Step
        name="Undo"
        keys="Control+Z"
        isFirst
        isPossible={now !== undefined && canUndo(now)}
        onClick={bottleneck.undo}
      >
        ↶
      </Step>
      <Step
        name="Redo"
        keys="Control+Shift+Z"
        isPossible={now !== undefined && canRedo(now)}
        onClick={bottleneck.redo}
      >
        ↷
      </Step>
      <button
        type="button"
        class="tool"
        data-item
        tabIndex={-1}
        title="Back to the encoded latent"
        aria-disabled={!isChanged.value}
        onClick={bottleneck.reset}
      >
        Reset
      </button>
    </div>
  );
}

/** The switches: 8 bits or all, files to save, and whether a finger paints. */
export function LatentMore() {
  const { bottleneck } = useExplorer();
  const { isQuantised } = bottleneck;
  return (
    <div class="row tight latent-more">
      <label class="check">
        <input
          type="checkbox"
          checked={isQuantised.value}
          onChange={({ currentTarget }) => {
            isQuantised.value = currentTarget.checked;
          }}
        />
        8 bits
      </label>
      <button type="button" class="tool" onClick={() => void bottleneck.saveLatents()}>
        Save latent
      </button>
      <button type="button" class="tool" onClick={() => void bottleneck.savePicture()}>
        Save picture
      </button>
    </div>
  );
}

/** Ctrl+Z and Ctrl+Shift+Z, or Ctrl+Y, anywhere but in fields of text. */
function useUndoKeys(undo: () => void, redo: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      if (target.closest('textarea, input:not([type="range"]):not([type="checkbox"])')) return;
      const key = event.key.toLowerCase();
      if (key === 'z' && !event.shiftKey) undo();
      else if (key === 'y' || key === 'z') redo();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

interface StepProps {
  readonly name: string;
  readonly keys: string;
  /** True for the one that the Tab key stops at. */
  readonly isFirst?: boolean;
  readonly isPossible: boolean;
  readonly onClick: () => void;
  readonly children: string;
}

/** A button that goes a step back or forward. */
const Step = ({ name, keys, isFirst = false, isPossible, onClick, children }: StepProps) => (
  <button
    type="button"
    class="tool"
    data-item
    {...(isFirst ? {} : { tabIndex: -1 })}
    title={name}
    aria-label={name}
    aria-keyshortcuts={keys}
    aria-disabled={!isPossible}
    onClick={onClick}
  >
    {children}
  </button>
);
