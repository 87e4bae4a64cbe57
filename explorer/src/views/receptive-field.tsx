import type { Area, Picture } from 'taesd-wasm';
import { Canvas } from '../drawing/canvas.tsx';
import type { PixelView, StepView } from '../engine/protocol.ts';
import { pixelView } from '../state/stepping.ts';
import { trip } from '../state/trip.ts';
import { LatentPicture } from './latent-picture.tsx';

/** What of the picture, and of the latent, a number depends on. */
export function ReceptiveField({ step }: { step: StepView }) {
  const now = trip.value;
  const view = pixelView.value;
  if (now === undefined) return null;
  const { picture, latents } = now;
  const isShown = view !== undefined && view.name === step.name;
  return (
    <div class="receptive-field">
      <h4>Receptive field</h4>
      <Field
        label="On the picture"
        all="the whole picture"
        area={isShown ? within(view.onPicture, picture) : undefined}
        size={picture}
        testid="field-picture"
      >
        <Canvas
          class="picture checks"
          picture={picture as Picture}
          role="img"
          aria-label="The picture"
        />
      </Field>
      {step.part === 'decoder' && (
        <Field
          label="On the latent"
          all="the whole latent"
          area={isShown ? view.onLatents : undefined}
          size={{ width: latents.shape[3], height: latents.shape[2] }}
          testid="field-latent"
        >
          <LatentPicture latents={latents} />
        </Field>
      )}
      <p class="hint">
        {isShown ? outside(view) : 'Choose a pixel of the map: what it depends on is framed here.'}
      </p>
    </div>
  );
}

/** An area of the picture that the encoder reads, cut at the picture's edges: its last column and row may be repeated. */
function within({ x, y, width, height }: Area, size: { width: number; height: number }): Area {
  const [left, top] = [Math.min(x, size.width - 1), Math.min(y, size.height - 1)];
  return {
    x: left,
    y: top,
    width: Math.min(x + width, size.width) - left,
    height: Math.min(y + height, size.height) - top,
  };
}

/** The meaning of the frame. */
const outside = ({ wholeMap }: PixelView): string =>
  wholeMap === undefined
    ? 'Nothing outside the frame can change this number.'
    : `${wholeMap} takes mean and variance over its whole map, so every pixel of the picture can change this number.`;

function Field(props: {
  label: string;
  /** The sentence about an area that leaves nothing out. */
  all: string;
  area: Area | undefined;
  size: { width: number; height: number };
  testid: string;
  children: unknown;
}) {
  const { label, all, area, size, testid, children } = props;
  return (
    <figure>
      <div class="framed clipped">
        {children as preact.JSX.Element}
        {area !== undefined && (
          <span
            class="window"
            style={{
              left: `${(100 * area.x) / size.width}%`,
              top: `${(100 * area.y) / size.height}%`,
              width: `${(100 * area.width) / size.width}%`,
              height: `${(100 * area.height) / size.height}%`,
            }}
          />
        )}
      </div>
      <figcaption data-testid={testid}>
        <b>{label}</b> {area === undefined ? '' : areaText(area, size, all)}
      </figcaption>
    </figure>
  );
}

function areaText(
  { x, y, width, height }: Area,
  size: { width: number; height: number },
  all: string,
): string {
  const whole = width === size.width && height === size.height ? `: ${all}` : '';
  return `x ${x}–${x + width - 1}, y ${y}–${y + height - 1}, ${width}×${height}${whole}`;
}
