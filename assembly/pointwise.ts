/*
 * Kernels that work on each number by itself. They run over a whole row, zero pixels included:
 * relu(0), 0 + 0 and tanh(0) are 0, so the padding stays 0.
 *
 * Units of all: pointers are byte addresses, `count` is elements.
 * Errors: none here; backend/wasm checks shapes once.
 */

import { F32_BYTES } from '../src/backend/wasm/layout';

/**
 * Copies: out[i] = data[i].
 * @param out    f32 [count], 4-byte aligned; must not overlap `data`
 * @param data   f32 [count], 4-byte aligned
 * Accuracy: exact.
 */
export function copy(out: usize, data: usize, count: i32): void {
  memory.copy(out, data, <usize>count * F32_BYTES);
}

/**
 * ReLU in place: data[i] = max(data[i], 0).
 * @param data   f32 [count], 16-byte aligned
 * @param count  a multiple of 4
 * Accuracy: exact; NaN stays NaN. Source: taesd.py `nn.ReLU`.
 */
export function relu(data: usize, count: i32): void {
  const zero = f32x4.splat(0);
  const end = data + <usize>count * F32_BYTES;
  for (; data < end; data += 16) v128.store(data, f32x4.pmax(v128.load(data), zero));
}

/**
 * Residual add in place: data[i] += other[i].
 * @param data   f32 [count], 16-byte aligned
 * @param other  f32 [count], 16-byte aligned; may be `data`
 * @param count  a multiple of 4
 * Accuracy: exact (one rounding). Source: taesd.py `Block`.
 */
export function add(data: usize, other: usize, count: i32): void {
  const end = data + <usize>count * F32_BYTES;
  for (; data < end; data += 16, other += 16) {
    v128.store(data, f32x4.add(v128.load(data), v128.load(other)));
  }
}

/**
 * Soft clamp in place: data[i] = tanh(data[i] / magnitude) · magnitude.
 * One number at a time: latents are 1/48 of a picture's numbers, 2 ms of a 512×512 decode.
 * @param data       f32 [count], 4-byte aligned
 * @param count      any number
 * @param magnitude  above 0
 * Accuracy: tanh within 2 ulp (AssemblyScript's `Mathf.tanh`, from musl's tanhf.c).
 * Source: taesd.py `Clamp`.
 */
export function clamp(data: usize, count: i32, magnitude: f32): void {
  const end = data + <usize>count * F32_BYTES;
  for (; data < end; data += 4)
    store<f32>(data, Mathf.tanh(load<f32>(data) / magnitude) * magnitude);
}
