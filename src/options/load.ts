import { checkNames, checkSignal, describe } from '../checks.ts';
import { expected } from '../errors.ts';
import type { Half } from '../model/layers.ts';
import { type Variant, variantNamed } from '../model/variants.ts';
import type { LoadOptions, Precision } from './types.ts';

/** The maximum of the option `workers`. */
export const MAX_WORKERS = 64;
/** The maximum number of workers by default. A run uses as many of them as pay. */
export const DEFAULT_WORKERS_CAP = 8;

const HALVES: readonly unknown[] = ['encoder', 'decoder'];
const BACKENDS: readonly unknown[] = ['wasm', 'reference', 'webgpu', 'auto'];
const PRECISIONS: readonly unknown[] = ['f32', 'fast', 'relaxed'];

const isFunction = (value: unknown) => typeof value === 'function';
const isBoolean = (value: unknown) => typeof value === 'boolean';

/** The rule of a value in words, and its test. */
interface Rule {
  readonly rule: string;
  fits(value: unknown): boolean;
}

/** The options and their rules; undefined for those checked where they are used. */
const OPTIONS: Readonly<Record<keyof LoadOptions, Rule | undefined>> = {
  model: undefined,
  weights: undefined,
  download: { rule: 'true or false', fits: isBoolean },
  onDownload: { rule: 'a function', fits: isFunction },
  signal: undefined,
  backend: { rule: `one of ${BACKENDS.join(', ')}`, fits: (value) => BACKENDS.includes(value) },
  device: {
    rule: 'a GPUDevice',
    fits: (value) => isFunction((value as GPUDevice | null)?.createBuffer),
  },
  fallback: { rule: 'true or false', fits: isBoolean },
  precision: {
    rule: "'f32', 'fast' or 'relaxed'",
    fits: (value) => PRECISIONS.includes(value),
  },
  workers: {
    rule: `a whole number from 0 to ${MAX_WORKERS}`,
    fits: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_WORKERS,
  },
  only: { rule: "'encoder' or 'decoder'", fits: (value) => HALVES.includes(value) },
  wasm: undefined,
  maxMemory: {
    rule: 'a number of bytes',
    fits: (value) => Number.isFinite(value) && Number(value) > 0,
  },
};

/** The options of `Taesd.load`, checked, with their defaults. */
export interface CheckedLoadOptions
  extends Omit<LoadOptions, 'model' | 'only' | 'backend' | 'precision'> {
  /** The model the caller named, if any. */
  readonly named: Variant | undefined;
  readonly parts: readonly Half[];
  readonly backend: NonNullable<LoadOptions['backend']>;
  readonly precision: Precision;
}

/**
 * Checks the values of options by their rules.
 *
 * @returns the option `backend`, or its default
 * @throws TaesdError ARG
 */
export function checkValues(options: LoadOptions): NonNullable<LoadOptions['backend']> {
  for (const [name, rule] of Object.entries(OPTIONS)) {
    const value = options[name as keyof LoadOptions];
    if (value === undefined || rule === undefined || rule.fits(value)) continue;
    throw expected('ARG', name, rule.rule, describe(value));
  }
  const { device, backend = device === undefined ? 'wasm' : 'webgpu' } = options;
  return backend;
}

/**
 * Checks the options before any work.
 *
 * @param modelHint  ends the error about a model that is none of the table's
 * @throws TaesdError ARG
 */
export function checkLoadOptions(options: LoadOptions, modelHint?: string): CheckedLoadOptions {
  checkNames(options, Object.keys(OPTIONS), 'an object such as { weights: DIR }');
  checkSignal(options.signal);
  const { model, only, precision = 'f32', ...rest } = options;
  const named = model === undefined ? undefined : variantNamed(model, modelHint);
  const backend = checkValues(options);
  const parts: readonly Half[] = only === undefined ? ['encoder', 'decoder'] : [only];
  return { ...rest, named, parts, backend, precision };
}
