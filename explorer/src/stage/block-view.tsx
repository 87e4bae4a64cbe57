import type { Area, Picture } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import { croppedPicture } from '../measure/crop.ts';
import { COLOURS } from '../text/colours.ts';

/** Larger squares have no room for their numbers. */
const MAX_SIDE = 8;
/** The lines of a pixel's numbers, below its upper edge, and their size; a pixel is 1. */
const LINES = [0.28, 0.58, 0.88];

/** A square of the picture, enlarged, with the bytes of its pixels: red above green above blue. */
export function BlockView({ picture, area }: { picture: Picture; area: Area }) {
  const block = croppedPicture(picture, area);
  const { width, height, data } = block;
  const pixels = Array.from({ length: width * height }, (_, at) => [
    ...data.subarray(4 * at, 4 * at + 3),
  ]);
  const hasNumbers = Math.max(width, height) <= MAX_SIDE;
  const mean = COLOURS.map((name, c) => {
    const sum = pixels.reduce((total, pixel) => total + pixel[c], 0);
    return `${name} ${Math.round(sum / pixels.length)}`;
  });
  const label = `The square of the decoded picture, ${width}×${height} pixels, on average ${mean.join(', ')} of 255`;
  return (
    <div class="block-box" style={{ '--aspect': `${width / height}` }}>
      <Canvas picture={block} role="img" aria-label={label} />
      {hasNumbers && (
        <svg class="block-numbers" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          {pixels.map((pixel, at) => (
            <text
              key={at}
              class={0.3 * pixel[0] + 0.59 * pixel[1] + 0.11 * pixel[2] > 128 ? 'on-bright' : ''}
            >
              {pixel.map((byte, c) => (
                <tspan key={c} x={(at % width) + 0.5} y={Math.floor(at / width) + LINES[c]}>
                  {byte}
                </tspan>
              ))}
            </text>
          ))}
        </svg>
      )}
    </div>
  );
}
