import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import type { CanvasLike, DrawTarget } from '../options/types.ts';
import type { RowSource } from '../rows.ts';

/*
 * Tells apart the things a picture can be drawn on.
 */

/** The size of a picture to draw, in pixels. */
export type DrawingSize = Pick<Drawing, 'width' | 'height'>;

/** The latent to decode, the picture's size, and what it is drawn on. */
export interface Drawing {
  readonly source: RowSource;
  readonly target: DrawTarget;
  readonly width: number;
  readonly height: number;
  /** The channels of the picture: 4 with alpha. */
  readonly channels: 3 | 4;
}

export const isCanvas = (target: DrawTarget): target is CanvasLike =>
  typeof (target as CanvasLike)?.getContext === 'function';
const isContext = (target: DrawTarget): target is GPUCanvasContext =>
  typeof (target as GPUCanvasContext)?.getCurrentTexture === 'function';
export const isTexture = (target: DrawTarget): target is GPUTexture =>
  typeof (target as GPUTexture)?.createView === 'function';

/** @throws TaesdError ARG (none of the three) */
export function checkTarget(target: DrawTarget): void {
  if (isCanvas(target) || isContext(target) || isTexture(target)) return;
  const rule = 'a canvas, its GPUCanvasContext or a GPUTexture';
  throw expected('ARG', 'canvas', rule, describe(target));
}
