import type { ComponentChildren } from 'preact';

/** The texts that each figure has for screen readers. */
export interface FigureTexts {
  /** Its name, such as "Without each block". */
  readonly title: string;
  /** A sentence or two with its numbers. */
  readonly describe: string;
}

interface FrameProps extends FigureTexts {
  readonly width: number;
  readonly height: number;
  readonly name: string;
  readonly children: ComponentChildren;
}

/** The drawing of a figure. It fits into any box, and keeps its proportions. */
export function Frame({ title, describe, width, height, name, children }: FrameProps) {
  return (
    <svg
      class={`figure figure-${name}`}
      role="img"
      aria-label={`${title}. ${describe}`}
      viewBox={`0 0 ${round(width)} ${round(height)}`}
      preserveAspectRatio="xMidYMid meet"
    >
      {children}
    </svg>
  );
}

/** Returns a length with two decimals: enough for a drawing, short in the document. */
export const round = (length: number): number => Math.round(100 * length) / 100;

interface TargetProps {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The text that appears at the pointer. */
  readonly title: string;
  readonly isChosen?: boolean;
  readonly onPick?: (() => void) | undefined;
  readonly onPoint?: ((isOver: boolean) => void) | undefined;
  readonly children: ComponentChildren;
}

/**
 * One part of a figure that can be pointed at and picked. The pointer's target is a box around it,
 * since bars can be too small to be met. A figure takes no focus: the page's lists of channels and
 * layers do by keyboard what a pick does.
 */
export function Target(props: TargetProps) {
  const { x, y, width, height, title, isChosen = false, onPick, onPoint, children } = props;
  const names = ['target', onPick && 'pickable', isChosen && 'chosen'].filter(Boolean).join(' ');
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a drawing; lists beside it have the keys
    <g
      class={names}
      onClick={onPick}
      onPointerEnter={onPoint && (() => onPoint(true))}
      onPointerLeave={onPoint && (() => onPoint(false))}
    >
      <title>{title}</title>
      <rect class="box" x={round(x)} y={round(y)} width={round(width)} height={round(height)} />
      {children}
    </g>
  );
}
