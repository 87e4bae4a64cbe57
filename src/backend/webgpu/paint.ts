import type { BandOnDevice } from './program.ts';
import { USAGE } from './usage.ts';

/*
 * From a decoded map to a texture, on the device.
 */

/** Compiled once a device and format. */
const compiled = new WeakMap<GPUDevice, Map<string, GPURenderPipeline>>();

/**
 * A triangle that covers the texture; each pixel is clamped and rounded to the nearest byte as image.ts does, alpha 1. Of
 * an sRGB texture the device would encode what it is given, so it is given what that encoding makes the byte of.
 */
const shader = (encodes: boolean) => `
@group(0) @binding(0) var<storage, read> pixels: array<vec4f>;
@group(0) @binding(1) var<uniform> size: vec4u; // width
@vertex fn corner(@builtin(vertex_index) n: u32) -> @builtin(position) vec4f {
  return vec4f(f32(n & 1u) * 4.0 - 1.0, f32(n >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment fn colour(@builtin(position) at: vec4f) -> @location(0) vec4f {
  let value = pixels[u32(at.y) * size.x + u32(at.x)].xyz;
  let byte = floor(clamp(value, vec3f(), vec3f(1.0)) * 255.0 + 0.5) / 255.0;
  let linear = select(pow((byte + 0.055) / 1.055, vec3f(2.4)), byte / 12.92, byte <= vec3f(0.04045));
  return vec4f(${encodes ? 'linear' : 'byte'}, 1.0);
}`;

function pipelineFor(device: GPUDevice, format: GPUTextureFormat): GPURenderPipeline {
  const known = compiled.get(device) ?? new Map<string, GPURenderPipeline>();
  compiled.set(device, known);
  let pipeline = known.get(format);
  if (pipeline === undefined) {
    const module = device.createShaderModule({ code: shader(format.endsWith('-srgb')) });
    pipeline = device.createRenderPipeline({
      layout: 'auto',
      vertex: { module, entryPoint: 'corner' },
      fragment: { module, entryPoint: 'colour', targets: [{ format }] },
    });
    known.set(format, pipeline);
  }
  return pipeline;
}

/** Adds the painting of a whole picture, cropped to the texture, to a band's commands. */
export function paintPicture(
  device: GPUDevice,
  { buffer, shape }: BandOnDevice,
  commands: GPUCommandEncoder,
  texture: GPUTexture,
): void {
  const pipeline = pipelineFor(device, texture.format);
  const size = device.createBuffer({ size: 16, usage: USAGE.UNIFORM | USAGE.COPY_DST });
  device.queue.writeBuffer(size, 0, Uint32Array.of(shape[2], 0, 0, 0));
  const bindings = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [buffer, size].map((bound, binding) => ({ binding, resource: { buffer: bound } })),
  });
  const pass = commands.beginRenderPass({
    colorAttachments: [{ view: texture.createView(), loadOp: 'clear', storeOp: 'store' }],
  });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  pass.draw(3);
  pass.end();
}
