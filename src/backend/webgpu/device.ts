import { messageOf } from '../../errors.ts';
import type { Precision } from '../../options/types.ts';
import { nextTask, ringAfter } from '../../platform/timers.ts';
import type { Stored } from './convolution.ts';
import { TUNING, type Tuning } from './tuning.ts';

/** A device and what is known of it. */
export interface Gpu {
  readonly device: GPUDevice;
  /** The adapter's name, as far as it has one. */
  readonly adapter: string;
  /** False for the caller's device, which is never destroyed here. */
  readonly owned: boolean;
  readonly tuning: Tuning;
  /** The reason for which the device was lost, once it is. */
  lost: string | undefined;
}

/** The device failed or was lost; WASM can take over. */
export class GpuFault extends Error {}

/**
 * Names of adapters that run on the processor. `isFallbackAdapter` is missing in some browsers and
 * wrong in others.
 */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b/i;

/**
 * The largest buffer that is requested: a band needs no more, and some drivers promise more than
 * they have.
 */
const MAX_BUFFER_BYTES = 2 ** 30;

/** A device, or the reason why there is none. */
export type Found = Gpu | string;

/**
 * Takes the caller's device, or requests one.
 *
 * @param wanted  `auto` refuses software adapters: WASM is faster
 */
export async function findDevice(
  wanted: 'webgpu' | 'auto',
  given: GPUDevice | undefined,
): Promise<Found> {
  if (given !== undefined) {
    // Deno 2.9 panics if a device is asked for an adapter that was collected since.
    const info = 'Deno' in globalThis ? undefined : given.adapterInfo;
    return watch(given, describeAdapter(info), false);
  }
  const gpu = globalThis.navigator?.gpu;
  if (gpu === undefined) return 'no WebGPU in this runtime';
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) return 'no WebGPU adapter';
    const name = describeAdapter(adapter.info);
    if (wanted === 'auto' && isSoftware(adapter)) return `${name} is a software adapter`;
    const limit = (key: 'maxBufferSize' | 'maxStorageBufferBindingSize') =>
      Math.min(adapter.limits[key], MAX_BUFFER_BYTES);
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

/** Returns true for an adapter that runs on the processor. Older browsers have no `info`. */
const isSoftware = ({ info }: { readonly info?: GPUAdapterInfo }): boolean =>
  info?.isFallbackAdapter === true || SOFTWARE.test(describeAdapter(info));

/** `nvidia lovelace (NVIDIA GeForce RTX 4070)` */
function describeAdapter(info: GPUAdapterInfo | undefined): string {
  const { vendor = '', architecture = '', device = '', description = '' } = info ?? {};
  const short = [vendor, architecture].filter((text) => text !== '' && !/^\d+$/.test(text));
  const long = description || (/^\d*$/.test(device) ? '' : device);
  return [short.join(' '), short.length > 0 && long ? `(${long})` : long]
    .filter((text) => text !== '')
    .join(' ')
    .concat(short.length === 0 && long === '' ? 'an unnamed adapter' : '');
}

function watch(device: GPUDevice, adapter: string, owned: boolean): Gpu {
  const gpu: Gpu = { device, adapter, owned, tuning: TUNING, lost: undefined };
  void device.lost.then(({ reason, message }) => {
    // Deno's message says no more than "device was lost".
    gpu.lost = message.replace(/^device was lost$/, '') || reason || 'unknown reason';
  });
  return gpu;
}

/** The loss of each device. One listener serves all calls: it stays until the device is lost. */
const losses = new WeakMap<GPUDevice, { info?: GPUDeviceLostInfo }>();

/** Returns why a device was lost; undefined if no loss was reported so far. */
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
 * The time within which a loss is reported after a fault. Firefox takes some milliseconds, and more
 * than 100 on a busy machine.
 */
const LOSS_MS = 1000;

/** Returns why a device with a fault was lost; undefined if it was not. */
export function lossBehind(device: GPUDevice): Promise<GPUDeviceLostInfo | undefined> {
  const patience = new Promise<undefined>((resolve) =>
    ringAfter(LOSS_MS, () => resolve(undefined)),
  );
  return Promise.race([device.lost, patience]);
}

/** Returns how maps are stored for a precision. */
export const storedAs = ({ device }: Gpu, precision: Precision): Stored =>
  precision === 'fast' && device.features.has('shader-f16') ? 'f16' : 'f32';
