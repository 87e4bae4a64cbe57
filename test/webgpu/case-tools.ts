import { findDevice } from '../../src/backend/webgpu/device.ts';
import type { LoadOptions, Tensor } from '../../src/index.ts';
import { Taesd } from '../../src/taesd.ts';
import type { ReadShared } from '../conformance/place.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * What the cases are made with: devices, canvases, comparisons. They run on pages and in Deno, so
 * nothing here may need vitest or Node.
 */

export interface ApiCase {
  readonly name: string;
  readonly shared: boolean;
  run(read: ReadShared): Promise<string>;
}

/** Loads nano, on a device that is kept unless the options name another. */
export const load = async (options: LoadOptions = {}) =>
  Taesd.load({ model: 'nano', device: await keptDevice(), fallback: false, ...options });

export const latentsOf = (height: number, width: number, batch = 1): Tensor =>
  randomTensor(seededRandom(height * width), [batch, 4, height, width], 3);

export const newDevice = async (): Promise<GPUDevice> => {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error('no adapter');
  return adapter.requestDevice();
};

/**
 * The devices that cases share, by the bytes that a map may take. A device compiles the shaders of
 * a model once, which takes a software adapter longer than the pictures of a case.
 */
const kept = new Map<number | undefined, Promise<GPUDevice>>();

/**
 * Returns a device that other cases use too. A case that loses it, or makes it wrong, needs one of
 * its own.
 *
 * @param bytes  as for `smallDevice`
 */
export async function keptDevice(bytes?: number): Promise<GPUDevice> {
  const known = kept.get(bytes);
  if (known !== undefined) return known;
  const made = bytes === undefined ? ableDevice() : smallDevice(bytes);
  kept.set(bytes, made);
  void made.then(({ lost }) => lost.then(() => kept.delete(bytes)));
  return made;
}

/**
 * Takes back what a case has put in the place of the methods of kept devices. After a case that
 * failed, others are made.
 */
export async function restoreDevices(hasFailed: boolean): Promise<void> {
  if (hasFailed) kept.clear();
  for (const [bytes, made] of kept) {
    const device = await made;
    for (const key of Object.getOwnPropertyNames(device)) Reflect.deleteProperty(device, key);
    if (bytes !== undefined) limitMaps(device, bytes);
  }
}

/** Returns a device with maps of 16 bits, where there are any. */
async function ableDevice(): Promise<GPUDevice> {
  const gpu = await findDevice('webgpu', undefined);
  if (typeof gpu === 'string') throw new Error(gpu);
  return gpu.device;
}

export const limitsOf = ({ limits }: GPUDevice) => ({
  maxBufferSize: limits.maxBufferSize,
  maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
});

/** One whose maps may take so many bytes each, as if it were a smaller one. */
export async function smallDevice(bytes: number): Promise<GPUDevice> {
  const device = await newDevice();
  limitMaps(device, bytes);
  return device;
}

/** Makes a device say that a map may take so many bytes. */
export function limitMaps(device: GPUDevice, bytes: number): void {
  const value = { ...limitsOf(device), maxStorageBufferBindingSize: bytes };
  Object.defineProperty(device, 'limits', { value, configurable: true });
}

export const UPLOADED = 0x80 | 0x8 | 0x4; // STORAGE, COPY_DST, COPY_SRC

/** What a device has, and what it finds wrong that nobody asked about. */
export interface Inventory {
  /** Buffers and textures that were made since and not destroyed. */
  readonly live: ReadonlySet<GPUBuffer | GPUTexture>;
  readonly complaints: string[];
  /** The most bytes of feature maps that there were at once. */
  mostMapBytes: number;
}

export function takeStock(device: GPUDevice, complaints: string[] = []): Inventory {
  const live = new Set<GPUBuffer | GPUTexture>();
  const inventory = { live, complaints, mostMapBytes: 0 };
  const follow = <Made extends GPUBuffer | GPUTexture>(made: Made): Made => {
    const destroy = made.destroy.bind(made);
    made.destroy = () => {
      live.delete(made);
      destroy();
    };
    live.add(made);
    let bytes = 0;
    for (const one of live) if (one.label.startsWith('maps ')) bytes += (one as GPUBuffer).size;
    inventory.mostMapBytes = Math.max(inventory.mostMapBytes, bytes);
    return made;
  };
  const createBuffer = device.createBuffer.bind(device);
  const createTexture = device.createTexture.bind(device);
  device.createBuffer = (descriptor) => follow(createBuffer(descriptor));
  device.createTexture = (descriptor) => follow(createTexture(descriptor));
  device.addEventListener('uncapturederror', (event) => complaints.push(event.error.message));
  return inventory;
}

export function upload(
  device: GPUDevice,
  { data }: Tensor,
  usage = UPLOADED,
  offset = 0,
): GPUBuffer {
  const buffer = device.createBuffer({ size: offset + data.byteLength, usage });
  device.queue.writeBuffer(buffer, offset, data as Float32Array<ArrayBuffer>);
  return buffer;
}

export function same(what: string, got: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a} for ${b}`);
}

export function sameBytes(
  what: string,
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  within = 0,
): void {
  same(`${what}, length`, got.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    if (!(Math.abs(got[i] - wanted[i]) <= within)) {
      throw new Error(`${what}: element ${i} is ${got[i]} for ${wanted[i]}`);
    }
  }
}

export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error) => error.code ?? String(error),
  );

/** Bytes of a texture, by a copy. */
export async function readTexture(device: GPUDevice, texture: GPUTexture): Promise<Uint8Array> {
  const { width, height } = texture;
  const bytesPerRow = Math.ceil((4 * width) / 256) * 256;
  const buffer = device.createBuffer({ size: bytesPerRow * height, usage: 0x1 | 0x8 });
  const commands = device.createCommandEncoder();
  commands.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, { width, height });
  device.queue.submit([commands.finish()]);
  await buffer.mapAsync(0x1);
  const padded = new Uint8Array(buffer.getMappedRange());
  const bytes = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++) {
    bytes.set(padded.subarray(y * bytesPerRow, y * bytesPerRow + 4 * width), 4 * width * y);
  }
  buffer.destroy();
  return bytes;
}

function swapRedAndBlue(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 4) {
    [bytes[at], bytes[at + 2]] = [bytes[at + 2], bytes[at]];
  }
}

const CANVAS_USAGE = 0x10 | 0x1; // RENDER_ATTACHMENT, COPY_SRC

/** A canvas whose texture can be read at any time, and which is there in every runtime. */
export function canvasOn(format: GPUTextureFormat) {
  const canvas = {
    width: 1,
    height: 1,
    configured: 0,
    device: undefined as GPUDevice | undefined,
    texture: undefined as GPUTexture | undefined,
    getContext: (kind: string) => (kind === 'webgpu' ? canvas.context : null),
    context: {
      get canvas() {
        return canvas;
      },
      configure({ device }: Pick<GPUCanvasConfiguration, 'device'>) {
        canvas.device = device;
        canvas.configured += 1;
      },
      getConfiguration: () => (canvas.device === undefined ? null : { device: canvas.device }),
      getCurrentTexture() {
        if (canvas.device === undefined) throw new Error('not configured');
        const size = { width: canvas.width, height: canvas.height };
        canvas.texture = canvas.device.createTexture({ size, format, usage: CANVAS_USAGE });
        return canvas.texture;
      },
    },
  };
  return canvas;
}

/** What such a canvas shows, RGBA. */
export async function shownOn(canvas: ReturnType<typeof canvasOn>): Promise<Uint8Array> {
  const { device, texture } = canvas;
  if (device === undefined || texture === undefined) throw new Error('nothing was drawn');
  return readPixels(device, texture);
}

async function readPixels(device: GPUDevice, texture: GPUTexture): Promise<Uint8Array> {
  const bytes = await readTexture(device, texture);
  if (texture.format.startsWith('bgra')) swapRedAndBlue(bytes);
  return bytes;
}

/**
 * Follows what is painted on a canvas of the runtime's own: its texture is read in the task in
 * which it is painted on, as it is gone after that.
 *
 * @returns what gives the last picture, RGBA
 */
export function follow(device: GPUDevice, context: GPUCanvasContext): () => Promise<Uint8Array> {
  let painted: GPUTexture | undefined;
  let read = Promise.reject<Uint8Array>(new Error('nothing was drawn'));
  read.catch(() => undefined);
  const configure = context.configure.bind(context);
  const getCurrentTexture = context.getCurrentTexture.bind(context);
  const submit = device.queue.submit.bind(device.queue);
  context.configure = (configuration) => configure({ ...configuration, usage: CANVAS_USAGE });
  context.getCurrentTexture = () => {
    painted = getCurrentTexture();
    return painted;
  };
  device.queue.submit = (commands) => {
    submit(commands);
    const texture = painted;
    painted = undefined;
    if (texture !== undefined) read = readPixels(device, texture);
  };
  return () => read;
}

/** Returns the pixels that a canvas shows in this task. */
export function pixelsOf(canvas: HTMLCanvasElement | OffscreenCanvas): Uint8ClampedArray {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext('2d');
  if (copy === null) throw new Error('no canvas in 2d');
  copy.drawImage(canvas, 0, 0);
  return copy.getImageData(0, 0, width, height).data;
}

/** Whether a canvas that WebGPU drew on shows that. */
export async function showsCanvases(): Promise<boolean> {
  const device = await newDevice();
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext('webgpu') as GPUCanvasContext | null;
  context?.configure({ device, format: navigator.gpu.getPreferredCanvasFormat() });
  const view = context?.getCurrentTexture().createView();
  if (view === undefined) return false;
  const commands = device.createCommandEncoder();
  const clearValue = [1, 1, 1, 1];
  commands
    .beginRenderPass({
      colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store', clearValue }],
    })
    .end();
  device.queue.submit([commands.finish()]);
  const [red] = pixelsOf(canvas);
  device.destroy();
  return red === 255;
}
