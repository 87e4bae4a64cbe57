/**
 * Turns a safetensors file of 8-bit weights into one of float32. A weight `3.conv.0.weight` is int8
 * [cout, …] and has a `3.conv.0.weight_scale`, float32 [cout]: each number is multiplied by the
 * scale of its output channel. Tensors of float32 stay as they are.
 *
 * @param bytes  a file as train.py writes it; numbers of 32 bits begin at multiples of 4
 */
export function expand(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 8 + view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const read = ({ dtype, data_offsets: [from, to] }) =>
    dtype === 'I8'
      ? new Int8Array(bytes.slice(start + from, start + to).buffer)
      : new Float32Array(bytes.slice(start + from, start + to).buffer);
  const entries = {};
  const parts = [];
  let length = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__' || name.endsWith('_scale')) continue;
    let data = read(entry);
    if (entry.dtype === 'I8') {
      const scales = read(header[`${name}_scale`]);
      const each = data.length / scales.length;
      data = Float32Array.from(data, (value, i) => value * scales[Math.floor(i / each)]);
    }
    const offsets = [length, length + data.byteLength];
    entries[name] = { dtype: 'F32', shape: entry.shape, data_offsets: offsets };
    parts.push(data);
    length = offsets[1];
  }
  const { __metadata__ } = header;
  const text = new TextEncoder().encode(JSON.stringify({ __metadata__, ...entries }));
  // Spaces pad the header to a multiple of 8.
  const size = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + size + length).fill(32, 8, 8 + size);
  new DataView(out.buffer).setUint32(0, size, true);
  out.set(text, 8);
  let at = 8 + size;
  for (const part of parts) {
    out.set(new Uint8Array(part.buffer), at);
    at += part.byteLength;
  }
  return out;
}
