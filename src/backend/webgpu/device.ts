import { messageOf } from '../../errors.ts';
import { nextTask } from '../../platform/runtime.ts';
import type { Stored } from './convolution.ts';

/** A device and what is known of it. */
export interface Gpu {
  readonly device: GPUDevice;
  /** The adapter in words, as far as it says what it is. */
  readonly adapter: string;
  /** False for the caller's device, which is never destroyed here. */
  readonly owned: boolean;
  /** Set once the device is lost: why. */
  lost: string | undefined;
}

/** The device failed or was lost; WASM can take over. */
export class GpuFault extends Error {}

/** Adapters that are the processor under another name; `isFallbackAdapter` is not everywhere, or not everywhere true. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b/i;

/** More than this is never asked for: a band needs no more, and some drivers promise what they do not have. */
const MOST_BYTES = 2 ** 30;

/** A device, or in words why there is none. */
export type Found = Gpu | string;

/**
 * Takes the caller's device, or asks for one.
 *
 * @param wanted  `auto`: no software adapter; WASM does as well, and sooner
 */
export async function findDevice(
  wanted: 'webgpu' | 'auto',
  given: GPUDevice | undefined,
): Promise<Found> {
  // Deno 2.9 panics when a device is asked for an adapter that was collected since.
  const asks = !('Deno' in globalThis);
  if (given !== undefined) {
    return watch(given, describeAdapter(asks ? given.adapterInfo : undefined), false);
  }
  const gpu = globalThis.navigator?.gpu;
  if (gpu === undefined) return 'no WebGPU in this runtime';
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) return 'no WebGPU adapter';
    const name = describeAdapter(adapter.info);
    if (wanted === 'auto' && isSoftware(adapter)) return `${name} is a software adapter`;
    const limit = (key: 'maxBufferSize' | 'maxStorageBufferBindingSize') =>
      Math.min(adapter.limits[key], MOST_BYTES);
    const device = await adapter.requestDevice({
      requiredFeatures: adapter.features.has('shader-f16') ? ['shader-f16'] : [],
      requiredLimits: {
        maxBufferSize: limit('maxBufferSize'),
        maxStorageBufferBindingSize: limit('maxStorageBufferBindingSize'),
      },
    });
    return watch(device, name, true);
  } catch (error) {
    return `no WebGPU device: ${messageOf(error)}`;
  }
}

/** True where the processor does the work. */
function isSoftware({ info }: { readonly info?: GPUAdapterInfo }): boolean {
  // Older browsers tell nothing of their adapters.
  return info?.isFallbackAdapter === true || SOFTWARE.test(describeAdapter(info));
}

/** `nvidia lovelace (NVIDIA GeForce RTX 4070)` */
export function describeAdapter(info: GPUAdapterInfo | undefined): string {
  const { vendor = '', architecture = '', device = '', description = '' } = info ?? {};
  const short = [vendor, architecture].filter((text) => text !== '' && !/^\d+$/.test(text));
  const long = description || (/^\d*$/.test(device) ? '' : device);
  return [short.join(' '), short.length > 0 && long ? `(${long})` : long]
    .filter((text) => text !== '')
    .join(' ')
    .concat(short.length === 0 && long === '' ? 'an unnamed adapter' : '');
}

function watch(device: GPUDevice, adapter: string, owned: boolean): Gpu {
  const gpu: Gpu = { device, adapter, owned, lost: undefined };
  void device.lost.then(({ reason, message }) => {
    // Deno's message says no more than that.
    gpu.lost = message.replace(/^device was lost$/, '') || reason || 'unknown reason';
  });
  return gpu;
}

/** Each device is asked once: whoever waits for a loss is kept until there is one, which would be something of every frame. */
const losses = new WeakMap<GPUDevice, { info?: GPUDeviceLostInfo }>();

/** Why a device was lost; undefined where that was not told until now. */
export async function lossOf(device: GPUDevice): Promise<GPUDeviceLostInfo | undefined> {
  const loss = losses.get(device) ?? {};
  if (!losses.has(device)) {
    losses.set(device, loss);
    void device.lost.then((info) => {
      loss.info = info;
    });
  }
  await nextTask();
  return loss.info;
}

/**
 * That a device is lost may be told later than that it does not work: by Firefox after some milliseconds, on a busy machine
 * after more than 100.
 */
const LOSS_MS = 1000;

/** Why a device on which something went wrong was lost; undefined where it is there. */
export function lossBehind(device: GPUDevice): Promise<GPUDeviceLostInfo | undefined> {
  const patience = new Promise<undefined>((resolve) => setTimeout(resolve, LOSS_MS));
  return Promise.race([device.lost, patience]);
}

/** How maps are stored. */
export const storedAs = ({ device }: Gpu, precision: 'f32' | 'fast'): Stored =>
  precision === 'fast' && device.features.has('shader-f16') ? 'f16' : 'f32';
