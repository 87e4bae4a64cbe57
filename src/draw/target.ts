import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import type { CanvasLike, DrawTarget } from '../options/types.ts';

/*
 * Which of the things a picture can be drawn on one is.
 */

export const isCanvas = (target: DrawTarget): target is CanvasLike =>
  typeof (target as CanvasLike)?.getContext === 'function';
const isContext = (target: DrawTarget): target is GPUCanvasContext =>
  typeof (target as GPUCanvasContext)?.getCurrentTexture === 'function';
export const isTexture = (target: DrawTarget): target is GPUTexture =>
  typeof (target as GPUTexture)?.createView === 'function';

/** @throws TaesdError ARG where it is none of the three */
export function checkTarget(target: DrawTarget): void {
  if (isCanvas(target) || isContext(target) || isTexture(target)) return;
  const rule = 'a canvas, its GPUCanvasContext or a GPUTexture';
  throw expected('ARG', 'canvas', rule, describe(target));
}
