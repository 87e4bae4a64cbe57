import { fields, joined, utf8 } from '../bytes.ts';
import type { Stored } from './seeded-numbers.ts';
import { zipByHand } from './zip-by-hand.ts';

/*
 * Files of latents as other programs write them, made from the descriptions of their formats alone.
 * Nothing of src/ is used, so that a reader and its test cannot share an error.
 */

/** A name and its tensor. */
export type Entries = readonly (readonly [string, Stored])[];

/**
 * Returns a safetensors file as the Rust library writes it: the data begins at a multiple of 8
 * bytes.
 */
export function safetensorsByHand(entries: Entries, metadata?: Record<string, string>) {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of entries) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  const text = utf8(JSON.stringify(header));
  const padding = ' '.repeat((8 - (text.length % 8)) % 8);
  const length = fields([8, text.length + padding.length]);
  return joined(length, text, padding, ...entries.map(([, { bytes }]) => bytes));
}

/** The marker by which ComfyUI knows latents that need no scale. */
const MARKER: Entries[number] = [
  'latent_format_version_0',
  { dtype: 'F32', shape: [0], bytes: new Uint8Array(0) },
];

/** Returns the file of ComfyUI's SaveLatent. */
export function comfyByHand(latents: Stored, { isMarked = true } = {}) {
  const metadata = { prompt: '{"3": {"class_type": "KSampler"}}', workflow: '{"nodes": []}' };
  const entries: Entries = [['latent_tensor', latents], ...(isMarked ? [MARKER] : [])];
  return safetensorsByHand(entries, metadata);
}

/** Returns the file of musubi-tuner's cache. */
export function musubiByHand(entries: Entries, architecture: string, size: [number, number]) {
  return safetensorsByHand(entries, {
    architecture,
    width: `${size[0]}`,
    height: `${size[1]}`,
    format_version: '1.0.1',
  });
}

const NUMPY_TYPES: Record<string, string> = {
  ...{ F16: '<f2', F32: '<f4', F64: '<f8', I64: '<i8', I32: '<i4', BF16: '|V2' },
};

/**
 * `plain` is numpy's header up to 1.22; `growing` is that of later ones and of numpy 2, with room
 * for a longer first axis.
 */
export type NpyHeader = 'plain' | 'growing';

export interface NpyOptions {
  readonly header?: NpyHeader;
  readonly isFortran?: boolean;
  readonly isBigEndian?: boolean;
}

/**
 * Returns a `.npy` file. Bytes of `isFortran` and `isBigEndian` arrays must have that order
 * already.
 */
export function npyByHand(stored: Stored, options: NpyOptions = {}): Uint8Array<ArrayBuffer> {
  const { header = 'growing', isFortran = false, isBigEndian = false } = options;
  const { dtype, shape, bytes } = stored;
  const type = NUMPY_TYPES[dtype].replace('<', isBigEndian ? '>' : '<');
  const sizes = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  let text = `{'descr': '${type}', 'fortran_order': ${isFortran ? 'True' : 'False'}, 'shape': ${sizes}, }`;
  const growing = isFortran ? shape[shape.length - 1] : shape[0];
  if (header === 'growing') text += ' '.repeat(21 - `${growing}`.length);
  const padding = ' '.repeat(63 - ((10 + text.length) % 64));
  return joined(
    '\x93NUMPY\x01\x00',
    fields([2, text.length + padding.length + 1]),
    text,
    padding,
    '\n',
    bytes,
  );
}

/** Returns a `.npz` file of np.savez, or of np.savez_compressed. */
export function npzByHand(
  entries: Entries,
  { isDeflated = false, header = 'growing' as NpyHeader } = {},
) {
  const parts = entries.map(([name, stored]) => ({
    name: `${name}.npy`,
    bytes: npyByHand(stored, { header }),
    isDeflated,
  }));
  return zipByHand(parts, 'numpy');
}
