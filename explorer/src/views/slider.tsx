export interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly step: number;
  /** The value in words. */
  readonly text: string;
  readonly onValue: (value: number) => void;
}

/** A slider with its name and its value beside it. */
export function Slider({ label, value, least, most, step, text, onValue }: SliderProps) {
  return (
    <label class="slider">
      <span class="name">{label}</span>
      <span class="amount" aria-hidden="true">
        {text}
      </span>
      <input
        type="range"
        min={least}
        max={most}
        step={step}
        value={value}
        aria-valuetext={text}
        onInput={({ currentTarget }) => onValue(Number(currentTarget.value))}
      />
    </label>
  );
}
