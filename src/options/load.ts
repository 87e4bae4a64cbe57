import type { Precision } from '../backend/backend.ts';
import { checkNames, checkSignal, describe } from '../checks.ts';
import { expected } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { type Variant, variantNamed } from '../model/variants.ts';
import type { LoadOptions } from './types.ts';

const BOTH: readonly Half[] = ['encoder', 'decoder'];
const BACKENDS: readonly unknown[] = ['wasm', 'reference', 'webgpu', 'auto'];
const OPTIONS = Object.keys({
  model: true,
  weights: true,
  download: true,
  onDownload: true,
  signal: true,
  backend: true,
  device: true,
  fallback: true,
  precision: true,
  workers: true,
  only: true,
  wasm: true,
  maxMemory: true,
} satisfies Record<keyof LoadOptions, true>);

/** The options of `Taesd.load`, checked, and what they stand for where nothing is said. */
export interface CheckedLoadOptions
  extends Omit<LoadOptions, 'model' | 'only' | 'backend' | 'precision'> {
  /** The model that was asked for, if one was. */
  readonly named: Variant | undefined;
  readonly parts: readonly Half[];
  readonly backend: NonNullable<LoadOptions['backend']>;
  readonly precision: Precision;
}

/**
 * Checks all that can be checked before anything is looked for.
 *
 * @throws TaesdError ARG
 */
export function checkLoadOptions(options: LoadOptions): CheckedLoadOptions {
  checkNames(options, OPTIONS, 'an object such as { weights: DIR }');
  const { device, fallback, precision = 'f32', only, wasm, maxMemory, workers } = options;
  const { backend = device === undefined ? 'wasm' : 'webgpu' } = options;
  const { weights, download, onDownload, signal } = options;
  checkSignal(signal);
  const named = options.model === undefined ? undefined : variantNamed(options.model);
  if (!BACKENDS.includes(backend)) {
    throw expected('ARG', 'backend', `one of ${BACKENDS.join(', ')}`, describe(backend));
  }
  if (precision !== 'f32' && precision !== 'fast') {
    throw expected('ARG', 'precision', "'f32' or 'fast'", describe(precision));
  }
  if (only !== undefined && !BOTH.includes(only)) {
    throw expected('ARG', 'only', "'encoder' or 'decoder'", describe(only));
  }
  if (maxMemory !== undefined && !(Number.isFinite(maxMemory) && maxMemory > 0)) {
    throw expected('ARG', 'maxMemory', 'a number of bytes', describe(maxMemory));
  }
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 0 && workers <= 64)) {
    throw expected('ARG', 'workers', 'a whole number from 0 to 64', describe(workers));
  }
  if (download !== undefined && typeof download !== 'boolean') {
    throw expected('ARG', 'download', 'true or false', describe(download));
  }
  if (onDownload !== undefined && typeof onDownload !== 'function') {
    throw expected('ARG', 'onDownload', 'a function', describe(onDownload));
  }
  if (fallback !== undefined && typeof fallback !== 'boolean') {
    throw expected('ARG', 'fallback', 'true or false', describe(fallback));
  }
  if (device !== undefined && typeof (device as GPUDevice)?.createBuffer !== 'function') {
    throw expected('ARG', 'device', 'a GPUDevice', describe(device));
  }
  const parts = only === undefined ? BOTH : [only];
  return {
    named,
    parts,
    weights,
    download,
    onDownload,
    signal,
    backend,
    device,
    fallback,
    precision,
    wasm,
    maxMemory,
    workers,
  };
}
