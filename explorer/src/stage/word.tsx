import type { ComponentChildren, TargetedEvent } from 'preact';
import { useExplorer } from '../explorer.ts';
import { GLOSSARY, type Term } from '../text/glossary.ts';

/** The widest explanation, in rem and as a share of the window: as the stylesheet has it. */
const [MAX_REM, MAX_SHARE] = [20, 0.7];
/** Between an explanation and the window's edge, in pixels. */
const MARGIN = 8;

const remOf = ({ ownerDocument }: HTMLElement): number =>
  Number.parseFloat(getComputedStyle(ownerDocument.documentElement).fontSize);

/**
 * A word of a text that lights up what it names while it is pointed at or focused, and explains
 * itself.
 */
export function Word(props: {
  /** The `data-part` of what it names. */
  readonly of?: string;
  /** The entry of the glossary that explains it. */
  readonly term?: Term;
  readonly children: ComponentChildren;
}) {
  const { of = '', term, children } = props;
  const { lit } = useExplorer();
  const light = ({ currentTarget: word }: TargetedEvent<HTMLElement>) => {
    lit.value = of;
    // The explanation of a word at the right edge stays inside the window.
    const widest = Math.min(MAX_REM * remOf(word), MAX_SHARE * innerWidth);
    const over = word.getBoundingClientRect().left + widest + MARGIN - innerWidth;
    word.style.setProperty('--shift', `${-Math.max(over, 0)}px`);
  };
  const dim = () => {
    lit.value = '';
  };
  return (
    <button
      type="button"
      class="word"
      onPointerEnter={light}
      onPointerLeave={dim}
      onFocus={light}
      onBlur={dim}
    >
      {children}
      {term !== undefined && <span class="explains">{GLOSSARY[term]}</span>}
    </button>
  );
}
