import { Bars } from './bars.tsx';
import type { FigureTexts } from './frame.tsx';
import { barsOfRings } from './layout.ts';

export interface RingsProps extends FigureTexts {
  /** The largest change in each ring, from 0 to 255. */
  readonly rings: readonly number[];
  /** The side of a square in pixels. */
  readonly size: number;
  readonly width?: number | undefined;
  /** The rings with a bar of their own. Defaults to 8. */
  readonly limit?: number | undefined;
}

/** How much a change of one number of the latent changes the picture, by distance. */
export function Rings({ title, describe, rings, size, width, limit }: RingsProps) {
  return (
    <Bars
      title={title}
      describe={describe}
      bars={barsOfRings(rings, size, limit)}
      format={(value) => `${value}`}
      width={width}
    />
  );
}
