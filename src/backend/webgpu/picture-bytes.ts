/** Pixels of a workgroup; an invocation makes one. */
export const BYTES_WORKGROUP = 64;

/**
 * Rounds the pixels of a map to bytes, four in a u32. A number is clamped to [0, 1] and rounded to
 * the nearest byte, as image.ts does. The workgroups are numbered row by row.
 */
export const pictureBytesShader = (): string => `
@group(0) @binding(0) var<storage, read> pixels: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> bytes: array<u32>;
@compute @workgroup_size(${BYTES_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * ${BYTES_WORKGROUP} + id.x;
  if (at >= arrayLength(&bytes)) { return; }
  let byte = vec4u(clamp(pixels[at], vec4f(), vec4f(1.0)) * 255.0 + 0.5);
  bytes[at] = dot(byte, vec4u(1u, 0x100u, 0x10000u, 0x1000000u));
}`;
