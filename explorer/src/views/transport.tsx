import {
  chosen,
  chosenAt,
  isPlaying,
  jump,
  move,
  sequence,
  togglePlay,
} from '../state/stepping.ts';

/** Forwards, backwards, play, jump. */
export function Transport() {
  const [at, count] = [chosenAt.value, sequence.value.length];
  const none = at < 0;
  return (
    <fieldset class="transport">
      <legend class="visually-hidden">Going through the steps</legend>
      <button
        type="button"
        aria-label="First step"
        disabled={none || at === 0}
        onClick={() => move(-count)}
      >
        <Icon path="M6 5v14M19 5v14l-10-7z" />
      </button>
      <button
        type="button"
        aria-label="Step back"
        disabled={none || at === 0}
        onClick={() => move(-1)}
      >
        <Icon path="M17 5v14l-10-7z" />
      </button>
      <button type="button" class="play" disabled={none} onClick={togglePlay}>
        <Icon path={isPlaying.value ? 'M7 5h4v14h-4zM14 5h4v14h-4z' : 'M7 4v16l13-8z'} />
        {isPlaying.value ? 'Pause' : 'Play'}
      </button>
      <button
        type="button"
        aria-label="Step forwards"
        disabled={none || at === count - 1}
        onClick={() => move(1)}
      >
        <Icon path="M7 5v14l10-7z" />
      </button>
      <button
        type="button"
        aria-label="Last step"
        disabled={none || at === count - 1}
        onClick={() => move(count)}
      >
        <Icon path="M18 5v14M5 5v14l10-7z" />
      </button>
      <label class="scrub">
        <span class="visually-hidden">Jump to a step</span>
        <input
          type="range"
          min={0}
          max={Math.max(count - 1, 0)}
          value={Math.max(at, 0)}
          disabled={none}
          aria-valuetext={chosen.value?.name}
          onInput={({ currentTarget }) => jump(sequence.value[Number(currentTarget.value)].name)}
        />
      </label>
      <output class="place">
        {none ? '' : `${chosen.value?.name}, step ${at + 1} of ${count}`}
      </output>
    </fieldset>
  );
}

const Icon = ({ path }: { path: string }) => (
  <svg viewBox="0 0 24 24" class="icon" aria-hidden="true">
    <path d={path} />
  </svg>
);
