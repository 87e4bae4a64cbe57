import type { BandOnDevice } from '../backend/webgpu/program.ts';
import { watched } from '../backend/webgpu/scopes.ts';
import { TEXTURE_USAGE } from '../backend/webgpu/usage.ts';

/*
 * From a decoded map, or from a picture's bytes, to a texture of whatever format, on the device.
 */

/** Where pixels are read from: a map's buffer, f32 [height][width][4], or a texture of bytes. */
type From = 'map' | 'bytes';

const READ: Readonly<Record<From, readonly [declaration: string, value: string]>> = {
  map: ['var<storage, read> pixels: array<vec4f>', 'pixels[place.y * corner.width + place.x].xyz'],
  bytes: ['var pixels: texture_2d<f32>', 'textureLoad(pixels, place, 0).xyz'],
};

/**
 * A triangle that covers the texture; each pixel is clamped and rounded to the nearest byte as image.ts does, alpha 1. Of
 * an sRGB texture the device would encode what it is given, so it is given what that encoding makes the byte of. The map's
 * width, which a cropped picture's may be less than, comes as the number of the instance.
 */
function shader(from: From, encodes: boolean): string {
  const [declaration, value] = READ[from];
  return `
struct Corner { @builtin(position) at: vec4f, @location(0) @interpolate(flat) width: u32 }
@group(0) @binding(0) ${declaration};
@vertex fn cover(@builtin(vertex_index) n: u32, @builtin(instance_index) width: u32) -> Corner {
  return Corner(vec4f(f32(n & 1u) * 4.0 - 1.0, f32(n >> 1u) * 4.0 - 1.0, 0.0, 1.0), width);
}
@fragment fn colour(corner: Corner) -> @location(0) vec4f {
  let place = vec2u(corner.at.xy);
  let byte = floor(clamp(${value}, vec3f(), vec3f(1.0)) * 255.0 + 0.5) / 255.0;
  let linear = select(pow((byte + 0.055) / 1.055, vec3f(2.4)), byte / 12.92, byte <= vec3f(0.04045));
  return vec4f(${encodes ? 'linear' : 'byte'}, 1.0);
}`;
}

/** Compiled once a device, source and format. */
const compiled = new WeakMap<GPUDevice, Map<string, GPURenderPipeline>>();

function pipelineFor(device: GPUDevice, from: From, format: GPUTextureFormat): GPURenderPipeline {
  const known = compiled.get(device) ?? new Map<string, GPURenderPipeline>();
  compiled.set(device, known);
  const key = `${from} ${format}`;
  let pipeline = known.get(key);
  if (pipeline === undefined) {
    const code = shader(from, format.endsWith('-srgb'));
    const module = device.createShaderModule({ code, label: `paint ${key}` });
    pipeline = device.createRenderPipeline({
      layout: 'auto',
      vertex: { module, entryPoint: 'cover' },
      fragment: { module, entryPoint: 'colour', targets: [{ format }] },
    });
    known.set(key, pipeline);
  }
  return pipeline;
}

/** What the device finds wrong: out of memory, which makes the rest invalid too; something else. */
export type Faults = readonly ({ readonly message: string } | null)[];

/** Gives the texture to paint on. */
type Target = () => GPUTexture;

/** Paints a whole picture, cropped to the texture. @returns what the device finds wrong with that, once it is done */
export function paintMap(
  device: GPUDevice,
  { buffer, shape }: BandOnDevice,
  target: Target,
): Promise<Faults> {
  const faults = paint(device, target, 'map', (pass, bind) => {
    bind({ buffer });
    pass.draw(3, 1, 0, shape[2]);
  });
  return onceDone(device, faults);
}

/** Paints a picture of the texture's size, RGBA. @returns what the device finds wrong with that, once it is done */
export function paintBytes(
  device: GPUDevice,
  data: Uint8ClampedArray<ArrayBuffer>,
  target: Target,
): Promise<Faults> {
  const usage = TEXTURE_USAGE.TEXTURE_BINDING | TEXTURE_USAGE.COPY_DST;
  let picture: GPUTexture | undefined;
  const faults = paint(device, target, 'bytes', (pass, bind, { width, height }) => {
    const size = { width, height };
    picture = device.createTexture({ size, format: 'rgba8unorm', usage });
    device.queue.writeTexture({ texture: picture }, data, { bytesPerRow: 4 * width }, size);
    bind(picture.createView());
    pass.draw(3);
  });
  picture?.destroy();
  return onceDone(device, faults);
}

/** A loop that previews waits for the device, and so do those who want to know whether it was lost. */
async function onceDone(device: GPUDevice, faults: Promise<Faults>) {
  await device.queue.onSubmittedWorkDone().catch(() => undefined);
  return faults;
}

/** Paints nothing, to see whether that can be done. @returns what the device finds wrong with that */
export async function tryToPaint(device: GPUDevice, texture: GPUTexture): Promise<Faults> {
  try {
    return await paint(
      device,
      () => texture,
      'map',
      () => undefined,
      'load',
    );
  } catch (error) {
    // A format that takes a feature which the device was not asked for is not found wrong but thrown.
    return [null, error as Error];
  }
}

/** A pass over the texture's first layer. */
function paint(
  device: GPUDevice,
  target: Target,
  from: From,
  draw: (
    pass: GPURenderPassEncoder,
    bind: (resource: GPUBindingResource) => void,
    size: { readonly width: number; readonly height: number },
  ) => void,
  loadOp: GPULoadOp = 'clear',
): Promise<Faults> {
  const { faults } = watched(device, ['out-of-memory', 'validation'], () => {
    const texture = target();
    const view = texture.createView({ dimension: '2d', mipLevelCount: 1, arrayLayerCount: 1 });
    const pipeline = pipelineFor(device, from, texture.format);
    const commands = device.createCommandEncoder();
    const pass = commands.beginRenderPass({
      colorAttachments: [{ view, loadOp, storeOp: 'store' }],
    });
    pass.setPipeline(pipeline);
    const layout = pipeline.getBindGroupLayout(0);
    const bind = (resource: GPUBindingResource) =>
      pass.setBindGroup(0, device.createBindGroup({ layout, entries: [{ binding: 0, resource }] }));
    draw(pass, bind, texture);
    pass.end();
    device.queue.submit([commands.finish()]);
  });
  return faults;
}
