import { handOn } from '../../src/backend/batches.ts';
import { Pacer } from '../../src/backend/pacer.ts';
import { referenceBackend } from '../../src/backend/reference.ts';
import { findDevice } from '../../src/backend/webgpu/device.ts';
import { GpuProgram } from '../../src/backend/webgpu/program.ts';
import { Slots } from '../../src/backend/webgpu/slots.ts';
import type { LoadOptions } from '../../src/index.ts';
import { type Block, block, clamp } from '../../src/model/layers.ts';
import { loadNetwork } from '../../src/network/index.ts';
import { tensorRows, tensorSink } from '../../src/rows.ts';
import { Taesd } from '../../src/taesd.ts';
import { type Tensor, zeros } from '../../src/tensor.ts';
import { checkClose, psnr } from '../conformance/close.ts';
import { readGolden } from '../conformance/golden-cases.ts';
import { randomNetwork } from '../conformance/random-networks.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runProgram } from '../run-program.ts';
import { networkTensors, randomWeights } from '../small-model.ts';
import {
  type ApiCase,
  codeOf,
  keptDevice,
  newDevice,
  readTexture,
  same,
  sameBytes,
  smallDevice,
  takeStock,
  upload,
} from './case-tools.ts';
import { gpuPlace } from './place.ts';

/*
 * Networks that need whole maps: taef2, by random weights but for the last case.
 */

const HALVES = ['encoder', 'decoder'] as const;
const weightsOf = () => ({
  encoder: randomWeights('taef2', 'encoder'),
  decoder: randomWeights('taef2', 'decoder'),
});
const load = (options: LoadOptions) =>
  Taesd.load({ model: 'taef2', weights: weightsOf(), ...options });
const onDevice = async (device: GPUDevice, options: LoadOptions = {}) =>
  load({ device, fallback: false, ...options });

const latentsOf = (height: number, width: number, batch = 1): Tensor =>
  randomTensor(seededRandom(height * width), [batch, 32, height, width], 3);

/** The largest difference, relative to the largest value, or to 1 if that is less. */
function closeTo(what: string, got: Tensor, wanted: Tensor): number {
  const peak = wanted.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return checkClose(what, got, wanted, 1e-4 * peak) / peak;
}

/** Bytes of a map: a few rows of 64 channels, as wide as the latents below. */
const SMALL = 2 ** 19;

const raw = { output: 'tensor' } as const;

export const POOL_CASES: readonly ApiCase[] = [
  {
    name: 'Taesd: taef2, whole and in bands → within 1e-4 of WASM; the bits of the whole picture’s; a canvas and a buffer too',
    shared: false,
    async run() {
      const [device, small] = [await keptDevice(), await keptDevice(SMALL)];
      const { live, complaints } = takeStock(device);
      const labels: string[] = [];
      const createBuffer = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        labels.push(descriptor.label ?? '');
        return createBuffer(descriptor);
      };
      const [gpu, banded, wasm] = [await onDevice(device), await onDevice(small), await load({})];
      same('backend', [gpu.info.backend, banded.info.backend], ['webgpu', 'webgpu']);
      const latents = latentsOf(14, 5, 2);
      const [got, wanted] = [await gpu.decode(latents, raw), await wasm.decode(latents, raw)];
      let most = closeTo('decode', got, wanted);
      let told = 0;
      const onProgress = () => {
        told += 1;
      };
      const inBands = await banded.decode(latents, { ...raw, onProgress });
      if (told <= 2) throw new Error('the pictures were not made in bands');
      sameBytes('in bands', inBands.data, got.data);
      const [first, second] = await gpu.decode(latents, { output: 'images' });
      const encoded = await gpu.encode(first);
      most = Math.max(most, closeTo('encode', encoded, await wasm.encode(first)));
      sameBytes('encoded in bands', (await banded.encode(first)).data, encoded.data);

      const buffer = upload(device, latents);
      const [shape, offset] = [[1, 32, 14, 5], 4 * 32 * 14 * 5];
      const onIt = { shape, buffer, offset };
      sameBytes('buffer', (await gpu.decode(onIt)).data, second.data);
      const size = { width: second.width, height: second.height };
      const texture = device.createTexture({ size, format: 'rgba8unorm', usage: 0x10 | 0x1 });
      labels.length = 0;
      await gpu.decodeToCanvas(onIt, texture);
      same('read back', labels.includes('rows'), false);
      sameBytes('texture', await readTexture(device, texture), second.data);

      const { memoryBytes } = gpu.info;
      if (!(banded.info.memoryBytes < memoryBytes)) throw new Error('bands take no less memory');
      gpu.dispose();
      same('after dispose', await codeOf(gpu.decode(latents)), 'ARG');
      for (const one of [buffer, texture]) one.destroy();
      same('left', live.size, 0);
      same('complaints', complaints, []);
      banded.dispose();
      return `off by ${most.toExponential(1)}, ${told} times told, ${memoryBytes} bytes`;
    },
  },
  {
    name: 'Taesd: taef2, the device lost before and after a whole map → the picture, finished by WASM; aborted → ABORTED',
    shared: false,
    async run() {
      const wasm = await load({ only: 'decoder' });
      const latents = latentsOf(16, 4);
      const wanted = await wasm.decode(latents, raw);
      const notes: string[] = [];
      for (const when of ['at once', 'at the second band']) {
        const device = await smallDevice(SMALL);
        const taesd = await load({ device, only: 'decoder' });
        same('backend', taesd.info.backend, 'webgpu');
        let bands = 0;
        const work = taesd.decode(latents, {
          ...raw,
          onProgress() {
            bands += 1;
            if (bands === 2) device.destroy();
          },
        });
        if (when === 'at once') device.destroy();
        closeTo(when, await work, wanted);
        const { backend, backendReason = '' } = taesd.info;
        same('backend', backend, 'wasm');
        if (!backendReason.startsWith('the device was lost')) throw new Error(backendReason);
        closeTo('the next', await taesd.decode(latents, raw), wanted);
        notes.push(`${when}: ${backendReason}`);
        taesd.dispose();
      }
      const device = await keptDevice();
      const taesd = await onDevice(device, { only: 'decoder' });
      const aborter = new AbortController();
      const aborted = taesd.decode(latentsOf(32, 32), { signal: aborter.signal });
      setTimeout(() => aborter.abort(), 5);
      same('aborted', await codeOf(aborted), 'ABORTED');
      closeTo('after it', await taesd.decode(latents, raw), wanted);
      taesd.dispose();
      return notes.join(', ');
    },
  },
  {
    name: 'a network with pools, a device whose statistics are wrong → WASM, and the reason told; taef2, a map too wide → WASM for it alone',
    shared: false,
    async run() {
      const reasons: string[] = [];
      // One block, as each device compiles its shaders anew.
      const layers = [block(64, 64, { pool: true })];
      const weights = networkTensors(layers, 6);
      // The deviation; chunks after the first; groups after the first.
      for (const [right, wrong] of [
        ['sqrt(variance', '(variance'],
        ['let chunk = i32(group.y)', 'let chunk = 0'],
        ['let first = i32(group.x) * channels', 'let first = 0'],
      ]) {
        const device = await newDevice();
        const make = device.createShaderModule.bind(device);
        device.createShaderModule = (descriptor) =>
          make({ ...descriptor, code: descriptor.code.replace(right, wrong) });
        const network = await loadNetwork(layers, weights, { device });
        const { backend, backendReason = '' } = network.info;
        same(wrong, backend, 'wasm');
        reasons.push(backendReason);
        if (!/its network in f32 is off by/.test(backendReason)) throw new Error(backendReason);
        network.dispose();
        device.destroy();
      }
      const small = await keptDevice(SMALL);
      const taesd = await load({ device: small, only: 'decoder' });
      const wasm = await load({ only: 'decoder' });
      const wide = latentsOf(1, 12);
      sameBytes('too wide', (await taesd.decode(wide)).data, (await wasm.decode(wide)).data);
      same('backend', taesd.info.backend, 'webgpu');
      taesd.dispose();
      return reasons.join('; ');
    },
  },
  {
    name: 'taef2’s block: a map whose mean is 100 deviations from 0, 1 to 3,000 pixels → within 1e-4 of the reference',
    shared: false,
    async run() {
      const gpu = await findDevice('webgpu', undefined);
      if (typeof gpu === 'string') throw new Error(gpu);
      const network = [block(16, 16, { pool: true })];
      const [{ layer, weights }] = randomNetwork(network, 3);
      // Each sum of 16 products is the mean of the pixel's channels and a little more.
      const taps = weights.get('pool.0.weight') as Tensor;
      for (let c = 0; c < 64; c++) {
        const row = taps.data.subarray(16 * c, 16 * c + 16);
        const mean = row.reduce((sum, value) => sum + value / 16, 0);
        for (let i = 0; i < 16; i++) row[i] = 1 / 16 + (row[i] - mean) / 10;
      }
      let most = 0;
      for (const [height, width] of [
        [1, 1],
        [3, 5],
        [17, 9],
        [50, 60],
      ]) {
        const input = randomTensor(seededRandom(width), [1, 16, height, width], 1);
        input.data.forEach((value, i) => {
          input.data[i] = 25 + value;
        });
        const bound = [{ layer: layer as Block, weights }];
        const wanted = runProgram(referenceBackend.compile(bound), network, input);
        const got = await gpuPlace(gpu).run(bound, input);
        most = Math.max(most, closeTo(`${width}×${height}`, got, wanted));
      }
      return `off by ${most.toExponential(1)}`;
    },
  },
  {
    name: 'taef2’s block behind a clamp, both in bands → the bits of the map made whole',
    shared: false,
    async run() {
      const gpu = await findDevice('webgpu', undefined);
      if (typeof gpu === 'string') throw new Error(gpu);
      const bound = randomNetwork([clamp(), block(16, 16, { pool: true })], 4);
      const input = randomTensor(seededRandom(5), [1, 16, 64, 32], 3);
      const outputs: Float32Array[] = [];
      // barriers.test.ts has the bands of the second.
      for (const maxBytes of [undefined, 540_000]) {
        const slots = new Slots(gpu, maxBytes);
        const program = await GpuProgram.compile(gpu, slots, bound, 'f32');
        const output = zeros(input.shape);
        const span = { first: 0, end: 64 };
        const batches = program.batches(tensorRows(input), span, new Pacer(undefined));
        for await (const batch of batches) handOn(batch, tensorSink(output));
        outputs.push(output.data);
        program.dispose();
        slots.release();
      }
      sameBytes('in bands', outputs[1], outputs[0]);
      return 'equal';
    },
  },
  {
    name: 'Taesd [fast]: taef2, astronaut 128×96 → at least 62 dB from f32, 55 dB from PyTorch',
    shared: true,
    async run(read) {
      const [encoder, decoder] = await Promise.all(
        HALVES.map((half) => read(`weights/taef2_${half}.pth`)),
      );
      const options = { weights: { encoder, decoder }, device: await keptDevice() };
      const fast = await load({ ...options, fallback: false, precision: 'fast' });
      const golden = await readGolden(read, 'taef2-astronaut-128x96');
      const decoded = await fast.decode(golden('latents'), raw);
      const fromTorch = psnr(decoded.data, golden('decoded').data);
      // In 8-bit latents' terms: ±3 is 0 … 1.
      const unit = ({ data }: Tensor) => data.map((value) => value / 6 + 0.5);
      const latents = unit(await fast.encode(golden('image')));
      let [decibels, latentDecibels] = [Infinity, psnr(latents, unit(golden('latents')))];
      // Without maps of 16 bits, f32 would be the work above again.
      if (fast.info.precision === 'fast') {
        const f32 = await load({ ...options, fallback: false });
        decibels = psnr(decoded.data, (await f32.decode(golden('latents'), raw)).data);
        latentDecibels = psnr(latents, unit(await f32.encode(golden('image'))));
        f32.dispose();
      }
      const note = `${fast.info.precision}: decoded ${decibels.toFixed(1)} dB, ${fromTorch.toFixed(1)} from PyTorch, latents ${latentDecibels.toFixed(1)} dB`;
      if (!(decibels >= 62 && fromTorch >= 55 && latentDecibels >= 62)) throw new Error(note);
      fast.dispose();
      return note;
    },
  },
];
