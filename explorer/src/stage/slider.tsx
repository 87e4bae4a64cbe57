export interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** The value in words. */
  readonly text: string;
  readonly onValue: (value: number) => void;
  /** Called when the hand lets go. */
  readonly onSettled?: () => void;
}

/** A slider with its name and its value beside it. */
export function Slider({ label, text, onValue, onSettled, ...range }: SliderProps) {
  return (
    <label class="slider">
      <span class="name">{label}</span>
      <span class="amount" aria-hidden="true">
        {text}
      </span>
      <input
        type="range"
        {...range}
        aria-valuetext={text}
        onInput={({ currentTarget }) => onValue(Number(currentTarget.value))}
        onChange={onSettled}
      />
    </label>
  );
}
