import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

type CanvasProps = Omit<JSX.IntrinsicElements['canvas'], 'width' | 'height'> & {
  /** The pixels that are drawn; the style sheet makes them larger. */
  readonly picture: { width: number; height: number; data: Uint8ClampedArray };
};

/** A canvas that shows a picture. */
export function Canvas({ picture, ...rest }: CanvasProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const canvas = ref.current;
    if (canvas === null) return;
    const { width, height, data } = picture;
    // Setting the size, even to the same, clears it.
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const image =
      Object.prototype.toString.call(picture) === '[object ImageData]'
        ? (picture as ImageData)
        : new ImageData(data as Uint8ClampedArray<ArrayBuffer>, width, height);
    // Its pixels stay where they are put: there is nothing to be drawn by a graphics processor.
    canvas.getContext('2d', { willReadFrequently: true })?.putImageData(image, 0, 0);
  }, [picture]);
  return <canvas ref={ref} {...rest} />;
}
