import type { Place } from '../drawing/sheet.ts';

interface StripItemProps {
  /** Its name and what is known of it, for screen readers and as a tooltip. */
  readonly label: string;
  readonly place: Place;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

/** The button over a thumbnail of a sheet. Arrow keys move among those of one group (roving.ts). */
export const StripItem = ({ label, place, isChosen, onChoose }: StripItemProps) => (
  <button
    type="button"
    class="strip-item"
    data-item
    style={place}
    aria-label={label}
    title={label}
    aria-pressed={isChosen}
    tabIndex={isChosen ? 0 : -1}
    onClick={onChoose}
  />
);
