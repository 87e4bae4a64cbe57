import { lossOf } from '../backend/webgpu/device.ts';
import { TEXTURE_USAGE } from '../backend/webgpu/usage.ts';
import { expected, messageOf, onOneLine, TaesdError } from '../errors.ts';
import type { CanvasLike } from '../options/types.ts';
import { context2dOf, contextOf, resize, undrawable } from './canvas-2d.ts';
import { checkPaintable } from './size-limit.ts';
import { type Drawing, isCanvas, isTexture } from './target.ts';

/*
 * The surfaces that a device paints pictures on: a texture, or the textures of a canvas.
 */

/** The picture's size, and what it is drawn on. */
type Frame = Omit<Drawing, 'source'>;

/** Textures of the picture's size, of a device. */
export interface Surface {
  readonly device: GPUDevice;
  /** True if colours are multiplied by alpha, as a canvas has them. */
  readonly premultiplies: boolean;
  /**
   * Returns the texture to paint on. A canvas returns its next one, which must be painted on in the
   * same task. Called under the error scopes of the painting, as a canvas may be too large to have
   * one.
   *
   * @throws TaesdError ARG
   */
  texture(): GPUTexture;
}

/**
 * The device that each canvas was configured for here, and for which alpha. Configuring a canvas
 * again would clear it.
 */
const configured = new WeakMap<object, { device: GPUDevice; alphaMode: GPUCanvasAlphaMode }>();

/**
 * Returns the surface that the target is or has, or the context of a canvas that draws in 2d.
 *
 * @param device  the device that the model runs on, if any
 * @throws TaesdError ARG (a texture of another size, a context that is not configured), UNSUPPORTED
 *   (a canvas that draws in neither way; a texture or context without a device), LIMIT (a canvas
 *   that its device cannot paint at this size)
 */
export function surfaceOf(
  frame: Frame,
  device: GPUDevice | undefined,
): Surface | CanvasRenderingContext2D {
  const { target } = frame;
  if (isTexture(target)) {
    checkTextureSize(frame, target);
    if (device !== undefined) return { device, premultiplies: false, texture: () => target };
    throw undrawable('a canvas, as the model runs on no device', 'a texture');
  }
  return isCanvas(target)
    ? surfaceOfCanvas(frame, target, device)
    : surfaceOfContext(frame, target as GPUCanvasContext, device);
}

function surfaceOfCanvas(
  frame: Frame,
  canvas: CanvasLike,
  device: GPUDevice | undefined,
): Surface | CanvasRenderingContext2D {
  const own = device ?? configured.get(canvas)?.device;
  const context = own && contextOf(canvas, 'webgpu');
  if (own && context) return canvasSurface(frame, canvas, own, context as GPUCanvasContext);
  const context2d = context2dOf(canvas);
  if (context2d !== undefined) return context2d;
  // The model runs on no device, and the caller has configured the canvas for one.
  const others = contextOf(canvas, 'webgpu') as GPUCanvasContext | null;
  if (others) return surfaceOfContext(frame, others, device, () => resize(canvas, frame));
  throw undrawable('one that draws in 2d or with WebGPU', 'another');
}

export const isContext2d = (
  surface: Surface | CanvasRenderingContext2D,
): surface is CanvasRenderingContext2D => 'putImageData' in surface;

/**
 * Returns the surface, or another one of its canvas if its device was lost in the meantime.
 *
 * @throws TaesdError UNSUPPORTED (the target belongs to the lost device; there is no other device),
 *   LIMIT (the other device cannot paint this size)
 */
export async function liveSurface(frame: Frame, surface: Surface): Promise<Surface> {
  const { target } = frame;
  const lost = await lossOf(surface.device);
  if (lost === undefined) return surface;
  if (!isCanvas(target)) throw lostTarget(lost);
  try {
    const adapter = await navigator.gpu.requestAdapter();
    if (adapter === null) throw new Error('no adapter');
    const context = contextOf(target, 'webgpu') as GPUCanvasContext;
    return canvasSurface(frame, target, await adapter.requestDevice(), context);
  } catch (error) {
    if (error instanceof TaesdError) throw error;
    throw lostDevice(`no other was found: ${messageOf(error)}`);
  }
}

/** Makes the error of a target whose device was lost. */
export const lostTarget = ({ message }: GPUDeviceLostInfo): TaesdError => lostDevice(message);

const lostDevice = (reason: string): TaesdError =>
  new TaesdError(
    'UNSUPPORTED',
    `the canvas's device was lost: ${onOneLine(reason)} (a new canvas?)`,
  );

/**
 * Returns the surface of a canvas. It is resized when it is painted on, so work that ends early
 * leaves it as it was.
 *
 * @throws TaesdError LIMIT
 */
function canvasSurface(
  frame: Frame,
  canvas: CanvasLike,
  device: GPUDevice,
  context: GPUCanvasContext,
): Surface {
  checkPaintable(device, frame);
  return {
    device,
    premultiplies: true,
    texture() {
      resize(canvas, frame);
      const last = configured.get(canvas);
      // The caller may have configured the canvas since. Older browsers cannot tell.
      const now = context.getConfiguration === undefined ? last : context.getConfiguration();
      const alphaMode = frame.channels === 4 ? 'premultiplied' : 'opaque';
      const shown = now?.alphaMode ?? last?.alphaMode;
      const isFit = shown === 'premultiplied' || shown === alphaMode;
      if (!isFit || last?.device !== device || now?.device !== device) {
        const format = navigator.gpu.getPreferredCanvasFormat();
        const usage = TEXTURE_USAGE.RENDER_ATTACHMENT;
        context.configure({ device, format, usage, alphaMode });
        configured.set(canvas, { device, alphaMode });
      }
      return currentTexture(frame, context);
    },
  };
}

/** @param resized  gives the context the picture's size. Left out if it must have that already. */
function surfaceOfContext(
  frame: Frame,
  context: GPUCanvasContext,
  own: GPUDevice | undefined,
  resized?: () => void,
): Surface {
  // Older browsers have no `getConfiguration`.
  const configuration = context.getConfiguration?.();
  if (configuration === null) throw unconfigured('one that was not');
  if (resized === undefined) checkTextureSize(frame, context.canvas);
  const device = configuration?.device ?? own;
  if (device === undefined) {
    throw undrawable('a canvas, as the model runs on no device', 'its context');
  }
  checkPaintable(device, frame);
  return {
    device,
    premultiplies: true,
    texture() {
      resized?.();
      return currentTexture(frame, context);
    },
  };
}

function currentTexture(frame: Frame, context: GPUCanvasContext): GPUTexture {
  let texture: GPUTexture;
  try {
    texture = context.getCurrentTexture();
  } catch (cause) {
    throw unconfigured(messageOf(cause), cause);
  }
  checkTextureSize(frame, texture);
  return texture;
}

const unconfigured = (got: string, cause?: unknown): TaesdError =>
  expected('ARG', 'canvas', 'a context that was configured', got, { cause });

function checkTextureSize(
  { width, height }: Frame,
  got: { readonly width: number; readonly height: number },
): void {
  if (got.width === width && got.height === height) return;
  const rule = `one of ${width}×${height}`;
  throw expected('ARG', 'canvas', rule, `${got.width}×${got.height}`);
}
