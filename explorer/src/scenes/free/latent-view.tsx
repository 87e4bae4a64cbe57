import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Area, Tensor } from 'taesd-wasm';
import { coloured } from '../../drawing/colour-map.ts';
import { largest } from '../../measure/largest.ts';
import { Framed } from '../../stage/framed.tsx';

/** Between channels, in their pixels. */
const GAP = 1;

/**
 * Channels of latents side by side in the colours of maps, in as many rows as columns; frames lie
 * on each.
 */
export function LatentView(props: {
  readonly latents: Tensor;
  /** So many of them, the first. Defaults to all, at most 16. */
  readonly channels?: number;
  readonly frames?: readonly { readonly area: Area | undefined; readonly kind: string }[];
  readonly children: ComponentChildren;
}) {
  const { latents, frames = [], children } = props;
  const [, all, height, width] = latents.shape;
  const count = Math.min(props.channels ?? 16, all);
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const picture = useMemo(() => {
    const [wide, tall] = [columns * (width + GAP) - GAP, rows * (height + GAP) - GAP];
    const pixels = new Uint32Array(wide * tall);
    const area = width * height;
    for (let c = 0; c < count; c++) {
      const numbers = latents.data.subarray(c * area, (c + 1) * area);
      const small = coloured(numbers, width, height, largest(numbers));
      const from = new Uint32Array(small.data.buffer);
      const left = (c % columns) * (width + GAP);
      const top = Math.floor(c / columns) * (height + GAP);
      for (let y = 0; y < height; y++) {
        pixels.set(from.subarray(y * width, (y + 1) * width), (top + y) * wide + left);
      }
    }
    return new ImageData(new Uint8ClampedArray(pixels.buffer), wide, tall);
  }, [latents, count]);
  return (
    <Framed
      part="latent"
      picture={picture}
      label={
        count === all ? `The latent, ${all} channels` : `The latent, ${count} of ${all} channels`
      }
      size={picture}
      frames={frames}
    >
      {children}
    </Framed>
  );
}
