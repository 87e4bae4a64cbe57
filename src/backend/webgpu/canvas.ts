import { describe } from '../../arguments.ts';
import { expected, TaesdError } from '../../errors.ts';
import { pictureSink } from '../../image.ts';
import type { CanvasLike, DrawTarget } from '../../options.ts';
import { nextTask } from '../../platform.ts';
import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import type { Runner } from '../batches.ts';
import type { Pacer } from '../pacer.ts';
import { messageOf } from './device.ts';
import type { GpuRunner } from './index.ts';

/*
 * A decoded picture on a canvas or a texture: on the device that made it where there is one, else from memory.
 */

const RENDER_ATTACHMENT = 0x10;
const COPY_DST = 0x2;

/** The canvases that were made ready for a device, as configuring one clears it. */
const configured = new WeakMap<object, { device: GPUDevice; context: GPUCanvasContext }>();

const isCanvas = (target: DrawTarget): target is CanvasLike =>
  typeof (target as CanvasLike)?.getContext === 'function';
const isContext = (target: DrawTarget): target is GPUCanvasContext =>
  typeof (target as GPUCanvasContext)?.getCurrentTexture === 'function';
const isTexture = (target: DrawTarget): target is GPUTexture =>
  typeof (target as GPUTexture)?.createView === 'function';

/** What is decoded, and where to. */
export interface Drawing {
  readonly where: string;
  readonly target: DrawTarget;
  readonly width: number;
  readonly height: number;
  readonly source: RowSource;
}

/** @throws TaesdError ARG where it is none of the three */
export function checkTarget(where: string, target: DrawTarget): void {
  if (isCanvas(target) || isContext(target) || isTexture(target)) return;
  const rule = 'a canvas, its GPUCanvasContext or a GPUTexture';
  throw expected('ARG', where, 'canvas', rule, describe(target));
}

/**
 * Decodes a picture and draws it; a canvas takes the picture's size, a texture must have it.
 *
 * @throws TaesdError as `decode`; ARG (a texture of another size), UNSUPPORTED (a canvas that draws otherwise, a texture
 *   where there is no device)
 */
export async function drawDecoded(
  drawing: Drawing,
  runner: Runner | GpuRunner,
  pacer: Pacer,
): Promise<void> {
  const { where, target, width, height, source } = drawing;
  const span = { first: 0, end: height };
  const device = 'device' in runner ? runner.device : undefined;
  if (isTexture(target)) checkSize(drawing, target);
  if (device !== undefined && 'paint' in runner) {
    const context = contextOn(drawing, device);
    if (context !== undefined || isTexture(target)) {
      const texture = () => textureOf(drawing, context ?? target);
      if (isCanvas(target)) resize(target, width, height);
      if (await runner.paint(source, span, pacer, texture)) return;
    }
  }
  const data = await decodeBytes(runner, drawing, span, pacer);
  const context = isCanvas(target) ? target.getContext('2d') : undefined;
  if (isCanvas(target) && isContext2d(context)) {
    resize(target, width, height);
    context.putImageData(new ImageData(data, width, height), 0, 0);
    return;
  }
  const onDevice = isCanvas(target) ? configured.get(target) : { device, context: target };
  try {
    if (onDevice?.device === undefined) throw new Error('no device');
    // A lost device takes what it is given, and draws nothing.
    const lost = await Promise.race([onDevice.device.lost, nextTask()]);
    if (lost) throw new Error(`a lost device: ${lost.message}`);
    writeTexture(onDevice.device, textureOf(drawing, onDevice.context as DrawTarget), data);
  } catch (error) {
    if (error instanceof TaesdError) throw error;
    const rule = 'one that can be drawn on without its device';
    throw expected('UNSUPPORTED', where, 'canvas', rule, messageOf(error), 'a new canvas?');
  }
}

/** The canvas's WebGPU context on that device; undefined for a texture, and for a canvas that draws in 2d. */
function contextOn({ target }: Drawing, device: GPUDevice): GPUCanvasContext | undefined {
  if (isContext(target)) return target;
  if (!isCanvas(target)) return undefined;
  const known = configured.get(target);
  if (known?.device === device) return known.context;
  const context = target.getContext('webgpu') as GPUCanvasContext | null;
  if (context === null) return undefined;
  const format = navigator.gpu.getPreferredCanvasFormat();
  const usage = RENDER_ATTACHMENT | COPY_DST;
  context.configure({ device, format, usage, alphaMode: 'opaque' });
  configured.set(target, { device, context });
  return context;
}

function textureOf(drawing: Drawing, target: DrawTarget): GPUTexture {
  const texture = isContext(target) ? target.getCurrentTexture() : (target as GPUTexture);
  checkSize(drawing, texture);
  return texture;
}

function checkSize({ where, width, height }: Drawing, texture: GPUTexture): void {
  if (texture.width === width && texture.height === height) return;
  const got = `${texture.width}×${texture.height}`;
  throw expected('ARG', where, 'canvas', `a texture of ${width}×${height}`, got);
}

function resize(canvas: CanvasLike, width: number, height: number): void {
  // Set to what it is, a size clears the canvas.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

async function decodeBytes(
  runner: Runner,
  { source, width, height }: Drawing,
  span: Span,
  pacer: Pacer,
): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const data = new Uint8ClampedArray(4 * width * height);
  const sink = pictureSink({ width, height, data });
  for await (const { first, count, stride, data: rows } of runner.batches(source, span, pacer)) {
    const length = rows.length / count;
    for (let n = 0; n < count; n++) sink(first + n, rows.subarray(n * length), stride);
  }
  return data;
}

const isContext2d = (context: unknown): context is CanvasRenderingContext2D =>
  typeof (context as CanvasRenderingContext2D | undefined)?.putImageData === 'function';

/** @throws Error for a format whose pixels are not four bytes */
function writeTexture(
  device: GPUDevice,
  texture: GPUTexture,
  data: Uint8ClampedArray<ArrayBuffer>,
) {
  const { format, width, height } = texture;
  if (!/^(rgba|bgra)8unorm/.test(format)) throw new Error(`a texture of format ${format}`);
  if (format.startsWith('bgra')) {
    for (let at = 0; at < data.length; at += 4) {
      [data[at], data[at + 2]] = [data[at + 2], data[at]];
    }
  }
  device.queue.writeTexture({ texture }, data, { bytesPerRow: 4 * width }, { width, height });
}
