import type { BandOnDevice } from '../backend/webgpu/read-back.ts';
import { watched } from '../backend/webgpu/scopes.ts';
import { TEXTURE_USAGE } from '../backend/webgpu/usage.ts';
import type { Surface } from './surface.ts';

/*
 * From a decoded map, or from a picture's bytes, to a texture of any format, on the device.
 */

/** The alpha of a texture: none, a number beside the colours, or colours multiplied by it too. */
type Alpha = 'opaque' | 'straight' | 'premultiplied';

/** The source of pixels: a map's buffer, f32 [height][width][4], or a texture of bytes. */
type PixelSource = 'map' | 'bytes';

const READ: Readonly<Record<PixelSource, readonly [declaration: string, value: string]>> = {
  map: ['var<storage, read> pixels: array<vec4f>', 'pixels[place.y * corner.width + place.x]'],
  bytes: ['var pixels: texture_2d<f32>', 'textureLoad(pixels, place, 0)'],
};

/**
 * Returns a shader that draws a triangle over the texture. Each pixel is clamped and rounded to the
 * nearest byte as image.ts does: `step` compares exact numbers, since v · 255 + 0.5 in f32 gives
 * another byte 13 times in a million. Alpha is 1 if the picture has none. For an sRGB texture the
 * device encodes each value, so the shader writes the value whose encoding is the byte. The map's
 * width, which may be more than a cropped picture's, comes as the number of the instance.
 */
function shader(from: PixelSource, encodes: boolean, alpha: Alpha): string {
  const [declaration, value] = READ[from];
  return `
struct Corner { @builtin(position) at: vec4f, @location(0) @interpolate(flat) width: u32 }
@group(0) @binding(0) ${declaration};
@vertex fn cover(@builtin(vertex_index) n: u32, @builtin(instance_index) width: u32) -> Corner {
  return Corner(vec4f(f32(n & 1u) * 4.0 - 1.0, f32(n >> 1u) * 4.0 - 1.0, 0.0, 1.0), width);
}
@fragment fn colour(corner: Corner) -> @location(0) vec4f {
  let place = vec2u(corner.at.xy);
  let value = clamp(${value}, vec4f(), vec4f(1.0));
  let below = floor(value * 255.0);
  let bytes = (below + step(value, value * 256.0 - below - 0.5)) / 255.0;
  let alpha = ${alpha === 'opaque' ? '1.0' : 'bytes.w'};
  let byte = bytes.xyz${alpha === 'premultiplied' ? ' * alpha' : ''};
  let linear = select(pow((byte + 0.055) / 1.055, vec3f(2.4)), byte / 12.92, byte <= vec3f(0.04045));
  return vec4f(${encodes ? 'linear' : 'byte'}, alpha);
}`;
}

/** The pixels to paint, and what becomes of their alpha. */
interface Paint {
  readonly from: PixelSource;
  readonly alpha: Alpha;
}

/** The pipelines of each device, by source, alpha and format. */
const compiled = new WeakMap<GPUDevice, Map<string, GPURenderPipeline>>();

function paintPipeline(
  device: GPUDevice,
  { from, alpha }: Paint,
  format: GPUTextureFormat,
): GPURenderPipeline {
  const known = compiled.get(device) ?? new Map<string, GPURenderPipeline>();
  compiled.set(device, known);
  const key = `${from} ${alpha} ${format}`;
  let pipeline = known.get(key);
  if (pipeline === undefined) {
    const code = shader(from, format.endsWith('-srgb'), alpha);
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

/**
 * The faults that the device finds: out of memory, which makes the rest invalid too; anything else.
 */
export type PaintFaults = readonly ({ readonly message: string } | null)[];

/** Returns the texture to paint on. */
type GetTexture = () => GPUTexture;

/** A surface of the device. */
type Painted = Pick<Surface, 'texture' | 'premultiplies'>;

const alphaOf = ({ premultiplies }: Painted): Alpha =>
  premultiplies ? 'premultiplied' : 'straight';

/** Paints a whole picture, cropped to the texture. @returns the faults, once it is painted */
export function paintMap(
  device: GPUDevice,
  { buffer, shape }: BandOnDevice,
  surface: Painted,
): Promise<PaintFaults> {
  const alpha = shape[0] === 4 ? alphaOf(surface) : 'opaque';
  const paintOf = { from: 'map', alpha } as const;
  const faults = paint(device, surface.texture, paintOf, (pass, bind) => {
    bind({ buffer });
    pass.draw(3, 1, 0, shape[2]);
  });
  return onceDone(device, faults);
}

/** Paints a picture of the texture's size, RGBA. @returns the faults, once it is painted */
export function paintBytes(
  device: GPUDevice,
  data: Uint8ClampedArray<ArrayBuffer>,
  surface: Painted,
): Promise<PaintFaults> {
  const usage = TEXTURE_USAGE.TEXTURE_BINDING | TEXTURE_USAGE.COPY_DST;
  let picture: GPUTexture | undefined;
  const paintOf = { from: 'bytes', alpha: alphaOf(surface) } as const;
  const faults = paint(device, surface.texture, paintOf, (pass, bind, { width, height }) => {
    const size = { width, height };
    picture = device.createTexture({ size, format: 'rgba8unorm', usage });
    device.queue.writeTexture({ texture: picture }, data, { bytesPerRow: 4 * width }, size);
    bind(picture.createView());
    pass.draw(3);
  });
  picture?.destroy();
  return onceDone(device, faults);
}

/**
 * Waits for the device: so that a loop that previews does not run ahead of it, and a loss is known.
 */
async function onceDone(device: GPUDevice, faults: Promise<PaintFaults>) {
  await device.queue.onSubmittedWorkDone().catch(() => undefined);
  return faults;
}

/** Paints nothing, to find out whether the texture can be painted on. @returns the faults */
export async function tryToPaint(device: GPUDevice, texture: GPUTexture): Promise<PaintFaults> {
  try {
    return await paint(
      device,
      () => texture,
      { from: 'map', alpha: 'opaque' },
      () => undefined,
      'load',
    );
  } catch (error) {
    // A format whose feature the device lacks is not reported as a fault: the device throws.
    return [null, error as Error];
  }
}

/** Runs a pass over the texture's first layer. */
function paint(
  device: GPUDevice,
  getTexture: GetTexture,
  what: Paint,
  draw: (
    pass: GPURenderPassEncoder,
    bind: (resource: GPUBindingResource) => void,
    size: { readonly width: number; readonly height: number },
  ) => void,
  loadOp: GPULoadOp = 'clear',
): Promise<PaintFaults> {
  const { faults } = watched(device, ['out-of-memory', 'validation'], () => {
    const texture = getTexture();
    const view = texture.createView({ dimension: '2d', mipLevelCount: 1, arrayLayerCount: 1 });
    const pipeline = paintPipeline(device, what, texture.format);
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
