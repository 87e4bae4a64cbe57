import { lossOf } from '../backend/webgpu/device.ts';
import { TEXTURE_USAGE } from '../backend/webgpu/usage.ts';
import { expected, messageOf, type TaesdError } from '../errors.ts';
import type { CanvasLike, DrawTarget } from '../options/types.ts';
import { isCanvas, isTexture } from './target.ts';

/*
 * What a picture is drawn on: textures of a device, or a canvas in 2d.
 */

/** A picture's size, and where it goes. */
export interface Frame {
  readonly target: DrawTarget;
  readonly width: number;
  readonly height: number;
}

/** Textures of the frame's size, of a device. */
export interface Surface {
  readonly device: GPUDevice;
  /**
   * Where to paint: of a canvas its next texture, to be painted on in the same task. Asked for under the scopes of the
   * painting, as a canvas may be too large to have one.
   *
   * @throws TaesdError ARG
   */
  texture(): GPUTexture;
}

/** The device that each canvas was made ready for, as configuring one clears it. */
const configured = new WeakMap<object, GPUDevice>();

/**
 * The surface that the target is or has.
 *
 * @param device  the one that the model runs on, if any
 * @throws TaesdError ARG (a texture of another size, a context that was not configured), UNSUPPORTED (a canvas that draws
 *   otherwise, a texture or context where there is no device)
 */
export function surfaceOf(
  frame: Frame,
  device: GPUDevice | undefined,
): Surface | CanvasRenderingContext2D {
  const { target } = frame;
  if (isTexture(target)) {
    checkSize(frame, target);
    if (device !== undefined) return { device, texture: () => target };
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
  const own = device ?? configured.get(canvas);
  const context = own && contextOf(canvas, 'webgpu');
  if (own && context) return canvasSurface(frame, canvas, own, context as GPUCanvasContext);
  const context2d = contextOf(canvas, '2d');
  if (isContext2d(context2d)) return context2d;
  // One that was configured by others, while the model does not run on a device.
  const others = contextOf(canvas, 'webgpu') as GPUCanvasContext | null;
  if (others) return surfaceOfContext(frame, others, device, () => resize(canvas, frame));
  throw undrawable(DRAWING, 'another');
}

const DRAWING = 'one that draws in 2d or with WebGPU';

/** @throws TaesdError UNSUPPORTED where it was handed to another thread */
function contextOf(canvas: CanvasLike, kind: string): unknown {
  try {
    return canvas.getContext(kind);
  } catch (error) {
    throw undrawable(DRAWING, messageOf(error));
  }
}

export const isContext2d = (context: unknown): context is CanvasRenderingContext2D =>
  typeof (context as CanvasRenderingContext2D | undefined)?.putImageData === 'function';

/**
 * The surface, or another one of the same canvas where its device was lost in the meantime.
 *
 * @throws TaesdError UNSUPPORTED where what is left of the target belongs to a lost device
 */
export async function liveSurface(frame: Frame, surface: Surface): Promise<Surface> {
  const { target } = frame;
  const lost = await lossOf(surface.device);
  if (lost === undefined) return surface;
  if (!isCanvas(target)) throw lostSurface(lost);
  try {
    const adapter = await navigator.gpu.requestAdapter();
    if (adapter === null) throw new Error('no adapter');
    const context = target.getContext('webgpu') as GPUCanvasContext;
    return canvasSurface(frame, target, await adapter.requestDevice(), context);
  } catch (error) {
    const got = `none but a lost one: ${messageOf(error)}`;
    throw undrawable('a device to paint it', got);
  }
}

export const lostSurface = ({ message }: GPUDeviceLostInfo): TaesdError =>
  undrawable('one whose device is there', `one of a lost device: ${message}`);

const undrawable = (rule: string, got: string): TaesdError =>
  expected('UNSUPPORTED', 'canvas', rule, got, { hint: 'a new canvas?' });

/** Of a canvas that becomes the frame's when it is painted on, not before: work that ends early leaves it as it was. */
const canvasSurface = (
  frame: Frame,
  canvas: CanvasLike,
  device: GPUDevice,
  context: GPUCanvasContext,
): Surface => ({
  device,
  texture() {
    resize(canvas, frame);
    // What others made of it since, older browsers do not tell.
    const now = context.getConfiguration === undefined ? { device } : context.getConfiguration();
    if (configured.get(canvas) !== device || now?.device !== device) {
      const format = navigator.gpu.getPreferredCanvasFormat();
      const usage = TEXTURE_USAGE.RENDER_ATTACHMENT;
      context.configure({ device, format, usage, alphaMode: 'opaque' });
      configured.set(canvas, device);
    }
    return currentTexture(frame, context);
  },
});

/** @param sized  gives the context the frame's size, which it has already unless said */
function surfaceOfContext(
  frame: Frame,
  context: GPUCanvasContext,
  own: GPUDevice | undefined,
  sized?: () => void,
): Surface {
  // Older browsers do not tell.
  const configuration = context.getConfiguration?.();
  if (configuration === null) throw unconfigured('one that was not');
  if (sized === undefined) checkSize(frame, context.canvas);
  const device = configuration?.device ?? own;
  if (device === undefined) {
    throw undrawable('a canvas, as the model runs on no device', 'its context');
  }
  return {
    device,
    texture() {
      sized?.();
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
  checkSize(frame, texture);
  return texture;
}

const unconfigured = (got: string, cause?: unknown): TaesdError =>
  expected('ARG', 'canvas', 'a context that was configured', got, { cause });

function checkSize(
  { width, height }: Frame,
  got: { readonly width: number; readonly height: number },
): void {
  if (got.width === width && got.height === height) return;
  const rule = `one of ${width}×${height}`;
  throw expected('ARG', 'canvas', rule, `${got.width}×${got.height}`);
}

export function resize(canvas: CanvasLike, { width, height }: Frame): void {
  // Set to what it is, a size clears the canvas.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
