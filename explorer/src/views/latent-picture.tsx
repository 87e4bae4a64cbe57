import { useMemo } from 'preact/hooks';
import { latentsToPicture, type Tensor } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';

interface LatentPictureProps {
  readonly latents: Tensor;
  /** All channels, four a tile, one tile below the other; unless said, the first four. */
  readonly isWhole?: boolean;
}

/** The latents as `latentsToPicture` makes a picture of them: four channels are red, green, blue and alpha. */
export function LatentPicture({ latents, isWhole = false }: LatentPictureProps) {
  const picture = useMemo(
    () => latentsToPicture(isWhole ? latents : firstFour(latents)),
    [latents, isWhole],
  );
  return (
    <Canvas
      class="picture pixelated on-white"
      picture={picture}
      role="img"
      aria-label="The latent as a picture: its channels are red, green, blue and opacity"
    />
  );
}

function firstFour({ shape, data }: Tensor): Tensor {
  const [, , height, width] = shape;
  return { shape: [1, 4, height, width], data: data.slice(0, 4 * height * width) };
}
