import { referenceBackend } from '../../src/backend/reference.ts';
import { findDevice, storedAs } from '../../src/backend/webgpu/device.ts';
import type { LoadOptions, Tensor } from '../../src/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { readGolden } from '../conformance/cases.ts';
import { checkClose, psnr } from '../conformance/close.ts';
import type { ReadShared } from '../conformance/place.ts';
import { NETWORKS, randomInput, randomNetwork } from '../conformance/random-networks.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runProgram } from '../run-program.ts';
import { gpuPlace } from './place.ts';

/*
 * What callers see of WebGPU, on whatever adapter there is.
 */

export interface ApiCase {
  readonly name: string;
  readonly shared: boolean;
  run(read: ReadShared): Promise<string>;
}

const load = (options: LoadOptions = {}) =>
  Taesd.load({ model: 'nano', backend: 'webgpu', fallback: false, ...options });

const latentsOf = (height: number, width: number, batch = 1): Tensor =>
  randomTensor(seededRandom(height * width), [batch, 4, height, width], 3);

const newDevice = async (): Promise<GPUDevice> => {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error('no adapter');
  return adapter.requestDevice();
};

const limitsOf = ({ limits }: GPUDevice) => ({
  maxBufferSize: limits.maxBufferSize,
  maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
});

/** One whose maps may take so many bytes each, as if it were a smaller one. */
async function smallDevice(bytes: number): Promise<GPUDevice> {
  const device = await newDevice();
  const value = { ...limitsOf(device), maxStorageBufferBindingSize: bytes };
  Object.defineProperty(device, 'limits', { value });
  return device;
}

const UPLOADED = 0x80 | 0x8 | 0x4; // STORAGE, COPY_DST, COPY_SRC

function upload(device: GPUDevice, { data }: Tensor, usage = UPLOADED, offset = 0): GPUBuffer {
  const buffer = device.createBuffer({ size: offset + data.byteLength, usage });
  device.queue.writeBuffer(buffer, offset, data as Float32Array<ArrayBuffer>);
  return buffer;
}

function same(what: string, got: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a} for ${b}`);
}

function sameBytes(
  what: string,
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  within = 0,
): void {
  same(`${what}, length`, got.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    if (!(Math.abs(got[i] - wanted[i]) <= within)) {
      throw new Error(`${what}: element ${i} is ${got[i]} for ${wanted[i]}`);
    }
  }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error) => error.code ?? String(error),
  );

/** Bytes of a texture, by a copy. */
async function readTexture(device: GPUDevice, texture: GPUTexture): Promise<Uint8Array> {
  const { width, height } = texture;
  const bytesPerRow = Math.ceil((4 * width) / 256) * 256;
  const buffer = device.createBuffer({ size: bytesPerRow * height, usage: 0x1 | 0x8 });
  const commands = device.createCommandEncoder();
  commands.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, { width, height });
  device.queue.submit([commands.finish()]);
  await buffer.mapAsync(0x1);
  const padded = new Uint8Array(buffer.getMappedRange());
  const bytes = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++) {
    bytes.set(padded.subarray(y * bytesPerRow, y * bytesPerRow + 4 * width), 4 * width * y);
  }
  return bytes;
}

function swapRedAndBlue(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 4) {
    [bytes[at], bytes[at + 2]] = [bytes[at + 2], bytes[at]];
  }
}

/** A canvas whose texture can be read: software adapters show nothing of a real one. */
function canvasOn(format: GPUTextureFormat) {
  const canvas = {
    width: 1,
    height: 1,
    configured: 0,
    texture: undefined as GPUTexture | undefined,
    getContext: (kind: string) => (kind === 'webgpu' ? context : null),
  };
  let device: GPUDevice | undefined;
  const context = {
    configure(configuration: GPUCanvasConfiguration) {
      device = configuration.device;
      canvas.configured += 1;
    },
    getCurrentTexture() {
      const size = { width: canvas.width, height: canvas.height };
      const usage = 0x10 | 0x1 | 0x2; // RENDER_ATTACHMENT, COPY_SRC, COPY_DST
      canvas.texture = device?.createTexture({ size, format, usage });
      return canvas.texture;
    },
  };
  return canvas;
}

export const API_CASES: readonly ApiCase[] = [
  {
    name: 'Taesd: there and back, other sizes between → within 1e-4 of WASM, bytes within 1',
    shared: false,
    async run() {
      const [gpu, wasm] = [await load(), await Taesd.load({ model: 'nano' })];
      same('backend', gpu.info.backend, 'webgpu');
      let most = 0;
      for (const [height, width] of [
        [5, 7],
        [16, 11],
        [5, 7],
        [1, 1],
      ]) {
        const latents = latentsOf(height, width, 2);
        const raw = { output: 'tensor', height: 8 * height - 3, width: 8 * width - 5 } as const;
        const [got, wanted] = [await gpu.decode(latents, raw), await wasm.decode(latents, raw)];
        most = Math.max(most, checkClose('decode', got, wanted, 1e-4));
        const pictures = await gpu.decode(latents, { output: 'images' });
        const others = await wasm.decode(latents, { output: 'images' });
        for (const [n, { data }] of pictures.entries()) {
          sameBytes('decode', data, others[n].data, 1);
        }
        const [a, b] = [await gpu.encode(pictures[0]), await wasm.encode(pictures[0])];
        most = Math.max(most, checkClose('encode', a, b, 1e-4));
      }
      gpu.dispose();
      same('after dispose', await codeOf(gpu.decode(latentsOf(1, 1))), 'ARG');
      return `off by ${most.toExponential(1)}; ${gpu.info.backendReason}`;
    },
  },
  {
    name: 'Taesd: rows as they come, progress, an aborted call → as without, ABORTED, and the next one works',
    shared: false,
    async run() {
      const gpu = await load({ device: await smallDevice(2 ** 17) });
      const latents = latentsOf(40, 9);
      const seen: number[] = [];
      const picture = await gpu.decode(latents, {
        onProgress: ({ done, total }) => seen.push(done, total),
      });
      same('last progress', seen.slice(-2), [320, 320]);
      if (seen.length < 6) throw new Error(`progress only ${seen}`);
      const bytes: number[] = [];
      for await (const { data } of gpu.decodeRows(latents)) bytes.push(...data);
      sameBytes('decodeRows', bytes, picture.data);
      const aborter = new AbortController();
      const other = await load();
      const work = other.decode(latentsOf(64, 64), { signal: aborter.signal });
      setTimeout(() => aborter.abort(), 5);
      same('aborted', await codeOf(work), 'ABORTED');
      sameBytes('after it', (await other.decode(latents)).data, picture.data);
      for (const taesd of [gpu, other]) taesd.dispose();
      return `${seen.length / 2} times told`;
    },
  },
  {
    name: 'Taesd: a picture past the limits of the device → in bands, with the bytes of the picture made whole',
    shared: false,
    async run() {
      const [whole, banded] = [await load(), await load({ device: await smallDevice(2 ** 19) })];
      const latents = latentsOf(100, 9);
      const wanted = await whole.decode(latents, { output: 'tensor' });
      const got = await banded.decode(latents, { output: 'tensor' });
      sameBytes('decoded', got.data, wanted.data);
      const picture = await whole.decode(latents);
      const [a, b] = [await whole.encode(picture), await banded.encode(picture)];
      sameBytes('encoded', b.data, a.data);
      const [more, less] = [whole, banded].map(({ info }) => info.memoryBytes);
      if (!(less < more)) throw new Error(`${less} bytes in bands, ${more} without`);
      // A single row of it is too much: WASM makes it, and only it.
      const wide = latentsOf(1, 2048);
      const wasm = await Taesd.load({ model: 'nano' });
      const tiny = await Taesd.load({ model: 'nano', device: await smallDevice(2 ** 18) });
      same('backend', tiny.info.backend, 'webgpu');
      sameBytes('too wide', (await tiny.decode(wide)).data, (await wasm.decode(wide)).data);
      const { backend, backendReason = '' } = tiny.info;
      same('backend', backend, 'webgpu');
      if (!backendReason.includes('expected rows of at most 262144 bytes')) {
        throw new Error(backendReason);
      }
      for (const taesd of [whole, banded, tiny]) taesd.dispose();
      return backendReason;
    },
  },
  {
    name: "Taesd: the caller's device, latents in a buffer of it → the bytes of latents in memory; the device lives on",
    shared: false,
    async run() {
      const device = await newDevice();
      const gpu = await Taesd.load({ model: 'nano', device, fallback: false });
      same('backend', gpu.info.backend, 'webgpu');
      const latents = latentsOf(6, 9, 2);
      const wanted = await gpu.decode(latents, { output: 'images' });
      const buffer = upload(device, latents, UPLOADED, 260);
      const work = gpu.decode({ shape: [2, 4, 6, 9], buffer, offset: 260 }, { output: 'images' });
      // What is in it when the call is made counts.
      device.queue.writeBuffer(buffer, 0, new Float32Array(400));
      for (const [n, { data }] of (await work).entries()) sameBytes('buffer', data, wanted[n].data);
      const misfit = (shape: number[], more: object = {}) =>
        codeOf(gpu.decode({ shape, buffer, ...more }));
      same('too short', await misfit([3, 4, 6, 9]), 'ARG');
      same('offset', await misfit([1, 4, 6, 9], { offset: 2 }), 'ARG');
      same('channels', await misfit([1, 16, 2, 2]), 'SHAPE');
      same('rank', await misfit([4, 6, 9]), 'SHAPE');
      const uncopied = upload(device, latentsOf(1, 1), 0x80 | 0x8);
      same('usage', await codeOf(gpu.decode({ shape: [1, 4, 1, 1], buffer: uncopied })), 'ARG');
      gpu.dispose();
      await device.queue.onSubmittedWorkDone();
      const lost = await Promise.race([
        device.lost,
        new Promise((r) => setTimeout(r, 20, 'alive')),
      ]);
      same('the device', lost, 'alive');
      const wasm = await Taesd.load({ model: 'nano' });
      same('on WASM', await codeOf(wasm.decode({ shape: [1, 4, 6, 9], buffer })), 'ARG');
      device.destroy();
      return 'equal';
    },
  },
  {
    name: 'Taesd: decodeToCanvas on a texture → the bytes of decode; of another size → ARG',
    shared: false,
    async run() {
      const device = await newDevice();
      const gpu = await Taesd.load({ model: 'nano', device, fallback: false });
      const latents = latentsOf(6, 9);
      const { data } = await gpu.decode(latents, { width: 70, height: 45 });
      const size = { width: 70, height: 45 };
      const usage = 0x10 | 0x1 | 0x2; // RENDER_ATTACHMENT, COPY_SRC, COPY_DST
      for (const format of ['rgba8unorm', 'rgba8unorm-srgb'] as const) {
        const texture = device.createTexture({ size, format, usage });
        await gpu.decodeToCanvas(latents, texture, size);
        sameBytes(format, await readTexture(device, texture), data);
      }
      const texture = device.createTexture({ size, format: 'rgba8unorm', usage });
      same('size', await codeOf(gpu.decodeToCanvas(latents, texture)), 'ARG');
      same('no canvas', await codeOf(gpu.decodeToCanvas(latents, {} as never)), 'ARG');
      Object.defineProperty(device, 'limits', {
        value: { ...limitsOf(device), maxStorageBufferBindingSize: 2 ** 16 },
      });
      const banded = await Taesd.load({ model: 'nano', device });
      await banded.decodeToCanvas(latents, texture, size);
      sameBytes('in bands', await readTexture(device, texture), data);
      gpu.dispose();
      device.destroy();
      return 'equal';
    },
  },
  {
    name: 'Taesd: decodeToCanvas on a canvas, from WebGPU and from WASM → the bytes of decode; with a lost device UNSUPPORTED',
    shared: false,
    async run() {
      const device = await newDevice();
      const [gpu, wasm] = [
        await Taesd.load({ model: 'nano', device }),
        await Taesd.load({ model: 'nano' }),
      ];
      for (const format of ['bgra8unorm', 'rgba8unorm'] as const) {
        const canvas = canvasOn(format);
        for (const latents of [latentsOf(6, 9), latentsOf(3, 12), latentsOf(3, 12)]) {
          await gpu.decodeToCanvas(latents, canvas);
          const { data, width, height } = await gpu.decode(latents);
          same('size', [canvas.width, canvas.height], [width, height]);
          const bytes = await readTexture(device, canvas.texture as GPUTexture);
          if (format.startsWith('bgra')) swapRedAndBlue(bytes);
          sameBytes(format, bytes, data);
        }
        same('configured', canvas.configured, 1);
      }
      const latents = latentsOf(6, 9);
      if (typeof OffscreenCanvas !== 'undefined') {
        const canvas = new OffscreenCanvas(1, 1);
        if (canvas.getContext('2d') !== null) {
          await wasm.decodeToCanvas(latents, canvas);
          const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          sameBytes('wasm', data, (await wasm.decode(latents)).data);
          await gpu.decodeToCanvas(latents, canvas);
        }
      }
      same('backend', gpu.info.backend, 'webgpu');
      const canvas = canvasOn('rgba8unorm');
      await gpu.decodeToCanvas(latents, canvas);
      device.destroy();
      same('lost', await codeOf(gpu.decodeToCanvas(latents, canvas)), 'UNSUPPORTED');
      return 'equal';
    },
  },
  {
    name: 'Taesd: auto where there is only a software adapter → WASM, and the reason told',
    shared: false,
    async run() {
      const taesd = await Taesd.load({ model: 'nano', backend: 'auto' });
      same('backend', taesd.info.backend, 'wasm');
      const { backendReason = '' } = taesd.info;
      if (!/ is a software adapter$/.test(backendReason)) throw new Error(backendReason);
      const wasm = await Taesd.load({ model: 'nano' });
      const latents = latentsOf(3, 2);
      sameBytes('decode', (await taesd.decode(latents)).data, (await wasm.decode(latents)).data);
      const refused = Taesd.load({ model: 'nano', backend: 'auto', fallback: false });
      same('without fallback', await codeOf(refused), 'UNSUPPORTED');
      return backendReason;
    },
  },
  {
    name: 'Taesd: a device that calculates wrongly → WASM, and the reason told; without fallback UNSUPPORTED',
    shared: false,
    async run() {
      const device = await newDevice();
      const right = device.createShaderModule.bind(device);
      // What a driver that forgets to clamp would do.
      device.createShaderModule = (descriptor) =>
        right({ ...descriptor, code: descriptor.code.replace('max(value, vec4f())', 'value') });
      const taesd = await Taesd.load({ model: 'nano', device });
      same('backend', taesd.info.backend, 'wasm');
      const { backendReason = '' } = taesd.info;
      if (!/ is not trusted: its encoder in f32 is off by /.test(backendReason)) {
        throw new Error(backendReason);
      }
      const wasm = await Taesd.load({ model: 'nano' });
      const latents = latentsOf(3, 2);
      const wanted = (await wasm.decode(latents)).data;
      sameBytes('decode', (await taesd.decode(latents)).data, wanted);
      const buffer = upload(device, latents);
      sameBytes('buffer', (await taesd.decode({ shape: [1, 4, 3, 2], buffer })).data, wanted);
      same(
        'without fallback',
        await codeOf(Taesd.load({ model: 'nano', device, fallback: false })),
        'UNSUPPORTED',
      );
      const broken = await newDevice();
      const real = broken.createShaderModule.bind(broken);
      broken.createShaderModule = (descriptor) => real({ ...descriptor, code: 'fn main( {' });
      const other = await Taesd.load({ model: 'nano', device: broken });
      same('backend', other.info.backend, 'wasm');
      for (const one of [device, broken]) one.destroy();
      return `${backendReason}; ${other.info.backendReason}`;
    },
  },
  {
    name: 'Taesd: the device lost in the middle of a picture → the picture, finished by WASM; without fallback UNSUPPORTED',
    shared: false,
    async run() {
      const wasm = await Taesd.load({ model: 'nano' });
      const latents = latentsOf(40, 9);
      const wanted = await wasm.decode(latents, { output: 'tensor' });
      const notes: string[] = [];
      for (const fallback of [true, false]) {
        const device = await smallDevice(2 ** 17);
        const taesd = await Taesd.load({ model: 'nano', device, fallback });
        let bands = 0;
        const work = taesd.decode(latents, {
          output: 'tensor',
          onProgress() {
            bands += 1;
            if (bands === 2) device.destroy();
          },
        });
        if (fallback) {
          checkClose('decode', await work, wanted, 1e-4);
          same('backend', taesd.info.backend, 'wasm');
          const { backendReason = '' } = taesd.info;
          if (!backendReason.startsWith('the device was lost')) throw new Error(backendReason);
          notes.push(backendReason);
          checkClose('the next', await taesd.decode(latents, { output: 'tensor' }), wanted, 1e-4);
        } else {
          same('without fallback', await codeOf(work), 'UNSUPPORTED');
          same('the next', await codeOf(taesd.decode(latents)), 'UNSUPPORTED');
        }
        if (bands < 2) throw new Error('the device was not lost in the middle');
        taesd.dispose();
      }
      return notes.join();
    },
  },
  {
    name: 'networks with f16 maps → within 0.4 % of the reference’s largest value, where there is shader-f16',
    shared: false,
    async run() {
      const gpu = await findDevice('webgpu', undefined);
      if (typeof gpu === 'string') throw new Error(gpu);
      if (storedAs(gpu, 'fast') === 'f32') return 'no shader-f16 here';
      const place = gpuPlace(gpu, 'f16');
      let most = 0;
      for (const [name, network] of Object.entries(NETWORKS)) {
        const bound = randomNetwork(network, name.length);
        for (const [height, width] of [
          [1, 1],
          [5, 8],
          [18, 33],
        ]) {
          const input = randomInput(network, height, width);
          const wanted = runProgram(referenceBackend.compile(bound), network, input);
          const peak = wanted.data.reduce((all, value) => Math.max(all, Math.abs(value)), 1);
          const got = await place.run(bound, input);
          const off = checkClose(`${name}, ${width}×${height}`, got, wanted, 0.004 * peak);
          most = Math.max(most, off / peak);
        }
      }
      return `off by ${most.toExponential(1)}`;
    },
  },
  {
    name: 'Taesd [fast]: nano → at least 55 dB from f32',
    shared: false,
    async run() {
      const [f32, fast] = [await load(), await load({ precision: 'fast' })];
      const latents = latentsOf(9, 14);
      const raw = { output: 'tensor' } as const;
      const [wanted, got] = [await f32.decode(latents, raw), await fast.decode(latents, raw)];
      const decibels = psnr(got.data, wanted.data);
      if (!(decibels >= 55)) throw new Error(`${decibels} dB`);
      for (const taesd of [f32, fast]) taesd.dispose();
      return `${fast.info.precision}: ${decibels.toFixed(1)} dB`;
    },
  },
  {
    name: 'Taesd [fast]: taesd3, astronaut 128×96 → f16 maps at least 55 dB from PyTorch, or f32 where there is no shader-f16',
    shared: true,
    async run(read) {
      const golden = await readGolden(read, 'taesd3-astronaut-128x96');
      const [encoder, decoder] = [
        await read('weights/taesd3_encoder.safetensors'),
        await read('weights/taesd3_decoder.safetensors'),
      ];
      const taesd = await load({
        model: 'taesd3',
        weights: { encoder, decoder },
        precision: 'fast',
      });
      const { precision, backendReason } = taesd.info;
      const adapter = await navigator.gpu.requestAdapter();
      same('precision', precision, adapter?.features.has('shader-f16') ? 'fast' : 'f32');
      const decoded = await taesd.decode(golden('latents'), { output: 'tensor' });
      const decibels = psnr(decoded.data, golden('decoded').data);
      if (!(decibels >= 55)) throw new Error(`${decibels} dB`);
      const latents = await taesd.encode(golden('image'));
      // In 8-bit latents' terms: ±3 is 0 … 1.
      const unit = ({ data }: Tensor) => data.map((value) => value / 6 + 0.5);
      const latentDecibels = psnr(unit(latents), unit(golden('latents')));
      if (!(latentDecibels >= 55)) throw new Error(`latents ${latentDecibels} dB`);
      taesd.dispose();
      return `${precision}: decoded ${decibels.toFixed(1)} dB, latents ${latentDecibels.toFixed(1)} dB; ${backendReason}`;
    },
  },
];
