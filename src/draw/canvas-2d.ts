import { handOn, type Runner } from '../backend/batches.ts';
import type { Pacer } from '../backend/pacer.ts';
import { allocatePixels } from '../calls/arguments.ts';
import { expected, messageOf, type TaesdError } from '../errors.ts';
import { pictureSink } from '../image.ts';
import type { CanvasLike } from '../options/types.ts';
import { checkDrawable, imageOf } from './size-limit.ts';
import type { Drawing, DrawingSize } from './target.ts';

/*
 * Pictures in memory, and canvases that draw in 2d. Nothing here needs WebGPU.
 */

/**
 * Decodes a picture to memory and draws it on a canvas, which takes its size.
 *
 * @throws TaesdError as `decode`; LIMIT (the browser draws no canvas of this size), before the work
 */
export async function drawIn2d(
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  runner: Runner,
  pacer: Pacer,
): Promise<void> {
  const target = drawing.target as CanvasLike;
  const data = allocatePixels(drawing.width, drawing.height);
  const image = imageOf(data, drawing);
  checkDrawable(target, context, drawing);
  await decodeInto(data, drawing, runner, pacer);
  resize(target, drawing);
  context.putImageData(image, 0, 0);
}

/** Decodes a picture to RGBA in memory. @throws TaesdError as `decode` */
export async function decodePixels(
  drawing: Drawing,
  runner: Runner,
  pacer: Pacer,
): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const data = allocatePixels(drawing.width, drawing.height);
  await decodeInto(data, drawing, runner, pacer);
  return data;
}

async function decodeInto(
  data: Uint8ClampedArray<ArrayBuffer>,
  { source, width, height, channels }: Drawing,
  runner: Runner,
  pacer: Pacer,
): Promise<void> {
  const sink = pictureSink({ width, height, data }, channels);
  const span = { first: 0, end: height, asBytes: true };
  for await (const batch of runner.batches(source, span, pacer)) handOn(batch, sink);
}

/**
 * Returns a canvas's 2d context; undefined if it has another one.
 *
 * @throws TaesdError UNSUPPORTED (the canvas was transferred to another thread)
 */
export function context2dOf(canvas: CanvasLike): CanvasRenderingContext2D | undefined {
  const context = contextOf(canvas, '2d') as CanvasRenderingContext2D | null;
  return typeof context?.putImageData === 'function' ? context : undefined;
}

/**
 * The context of each canvas that was drawn on. A canvas keeps its first one for ever. In a worker
 * Firefox returns the context of a page's canvas once, and throws from then on.
 */
const contexts = new WeakMap<CanvasLike, { readonly kind: string; readonly context: unknown }>();

/** @throws TaesdError UNSUPPORTED (the canvas was transferred to another thread) */
export function contextOf(canvas: CanvasLike, kind: '2d' | 'webgpu'): unknown {
  const known = contexts.get(canvas);
  if (known !== undefined) return known.kind === kind ? known.context : null;
  try {
    const context = canvas.getContext(kind);
    if (context) contexts.set(canvas, { kind, context });
    return context;
  } catch (error) {
    throw undrawable('one that draws in 2d or with WebGPU', messageOf(error));
  }
}

/** Makes the error of a target that the picture cannot be drawn on. */
export const undrawable = (rule: string, got: string): TaesdError =>
  expected('UNSUPPORTED', 'canvas', rule, got, { hint: 'a new canvas?' });

export function resize(canvas: CanvasLike, { width, height }: DrawingSize): void {
  // Setting a size clears the canvas, even if it stays as it is.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
