import { readSafetensors, toTensor, writeSafetensors } from '../../dist/index.js';

/**
 * Turns a safetensors file of 8-bit weights into one of float32. A weight `3.conv.0.weight` is int8
 * [cout, …] and has a `3.conv.0.weight_scale`, float32 [cout]: each number is multiplied by the
 * scale of its output channel. Other tensors stay as they are.
 *
 * @param bytes  a file as train.py writes it
 */
export function expand(bytes) {
  const { tensors, metadata } = readSafetensors(bytes);
  const entries = [...tensors].filter(([name]) => !name.endsWith('_scale'));
  const expanded = entries.map(([name, stored]) => {
    if (stored.dtype !== 'I8') return [name, toTensor(stored, name)];
    const scales = toTensor(tensors.get(`${name}_scale`), `${name}_scale`).data;
    const each = stored.bytes.length / scales.length;
    const data = Float32Array.from(
      new Int8Array(stored.bytes.slice().buffer),
      (value, i) => value * scales[Math.floor(i / each)],
    );
    return [name, { shape: stored.shape, data }];
  });
  return writeSafetensors(expanded, metadata);
}
