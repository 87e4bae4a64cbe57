import { nextTask } from '../../src/platform/timers.ts';
import { Taesd } from '../../src/taesd.ts';
import { checkClose } from '../conformance/close.ts';
import {
  type ApiCase,
  canvasOn,
  codeOf,
  keptDevice,
  latentsOf,
  load,
  newDevice,
  same,
  sameBytes,
  smallDevice,
  takeStock,
  upload,
} from './case-tools.ts';

/*
 * Devices that are wrong, full or gone.
 */

export const FAULT_CASES: readonly ApiCase[] = [
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
      // What is wrong is the instance's business, not that of the device's other listeners; later
      // it may be right.
      const reasons: string[] = [];
      const [broken, full] = [await newDevice(), await newDevice()];
      const real = broken.createShaderModule.bind(broken);
      broken.createShaderModule = (descriptor) => real({ ...descriptor, code: 'fn main( {' });
      const { complaints } = takeStock(full);
      takeStock(broken, complaints);
      const createBuffer = full.createBuffer.bind(full);
      // No software adapter runs out of memory that this machine has: it is asked for more than it
      // allows.
      full.createBuffer = (descriptor) => createBuffer({ ...descriptor, size: 2 ** 50 });
      for (const [one, repair] of [
        [broken, () => Object.assign(broken, { createShaderModule: real })],
        [full, () => Object.assign(full, { createBuffer })],
      ] as const) {
        const other = await Taesd.load({ model: 'nano', device: one, only: 'decoder' });
        same('backend', other.info.backend, 'wasm');
        reasons.push(`${other.info.backendReason}`);
        repair();
        const later = await Taesd.load({ model: 'nano', device: one, only: 'decoder' });
        same('later', later.info.backend, 'webgpu');
      }
      if (!/ is not trusted: shader line 1: /.test(reasons[0])) throw new Error(reasons[0]);
      same('complaints', complaints, []);
      for (const one of [device, broken, full]) one.destroy();
      return [backendReason, ...reasons].join('; ');
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
        const taesd = await Taesd.load({ model: 'nano', device, fallback, only: 'decoder' });
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
    name: 'Taesd: the device destroyed between rows that were read back → the picture, finished by WASM',
    shared: false,
    async run() {
      // So many rows that they are handed on in portions.
      const latents = latentsOf(66, 64);
      const raw = { output: 'tensor' } as const;
      const wanted = await (await Taesd.load({ model: 'nano' })).decode(latents, raw);
      const device = await newDevice();
      const taesd = await Taesd.load({ model: 'nano', device, only: 'decoder' });
      const told: number[] = [];
      const onProgress = ({ done }: { done: number }) => {
        told.push(done);
        if (told.length > 1) return;
        void nextTask().then(() => device.destroy());
        // Until the event loop is owed its turn, before the next portion.
        for (const started = performance.now(); performance.now() < started + 20; );
      };
      checkClose('decode', await taesd.decode(latents, { ...raw, onProgress }), wanted, 1e-4);
      same('the first portion', told[0], 512);
      // Deno leaves what was mapped.
      return `${taesd.info.backend}: ${taesd.info.backendReason}`;
    },
  },
  {
    name: 'Taesd: the device lost between pictures, in a batch, with the latents → told at once; both pictures; UNSUPPORTED',
    shared: false,
    async run() {
      const wasm = await Taesd.load({ model: 'nano' });
      const idle = await newDevice();
      const waiting = await Taesd.load({ model: 'nano', device: idle, only: 'decoder' });
      idle.destroy();
      await idle.lost;
      same('backend', waiting.info.backend, 'wasm');
      const { backendReason: reason = '' } = waiting.info;
      if (!reason.startsWith('the device was lost')) throw new Error(reason);
      const small = latentsOf(3, 2);
      sameBytes('idle', (await waiting.decode(small)).data, (await wasm.decode(small)).data);

      const latents = latentsOf(40, 9, 2);
      const wanted = await wasm.decode(latents, { output: 'tensor' });
      const device = await smallDevice(2 ** 17);
      const taesd = await Taesd.load({ model: 'nano', device, only: 'decoder' });
      const lose = () => device.destroy();
      const got = await taesd.decode(latents, { output: 'tensor', onProgress: lose });
      checkClose('batch', got, wanted, 1e-4);
      const { backendReason = '' } = taesd.info;
      if (!backendReason.startsWith('the device was lost')) throw new Error(backendReason);

      for (const fallback of [true, false]) {
        const lost = await newDevice();
        const other = await Taesd.load({ model: 'nano', device: lost, fallback, only: 'decoder' });
        const buffer = upload(lost, small);
        const work = other.decode({ shape: small.shape, buffer });
        lost.destroy();
        same('latents on it', await codeOf(work), 'UNSUPPORTED');
        const next = await codeOf(other.decode(small));
        same('the next', next, fallback ? 'none' : 'UNSUPPORTED');
        const late = await codeOf(other.decode({ shape: small.shape, buffer }));
        same('latents on a lost device', late, 'ARG');
      }
      return backendReason;
    },
  },
  {
    name: 'Taesd: a device that has less memory than it says → bands, with the bytes of the picture made whole',
    shared: false,
    async run() {
      const latents = latentsOf(40, 9);
      const whole = await load({ only: 'decoder' });
      const { data } = await whole.decode(latents);
      const device = await keptDevice();
      const gpu = await load({ device, only: 'decoder' });
      // What a card with other work on it would do: no software adapter runs out of memory that
      // this machine has.
      let maps = 0;
      const createBuffer = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        if (descriptor.label?.startsWith('maps ')) maps += descriptor.size;
        return createBuffer(descriptor);
      };
      const kinds: GPUErrorFilter[] = [];
      const pushErrorScope = device.pushErrorScope.bind(device);
      const popErrorScope = device.popErrorScope.bind(device);
      device.pushErrorScope = (kind) => {
        kinds.push(kind);
        if (kind === 'out-of-memory') maps = 0;
        pushErrorScope(kind);
      };
      let refused = 0;
      device.popErrorScope = async () => {
        const full = kinds.pop() === 'out-of-memory' && maps > 2 ** 19;
        const fault = await popErrorScope();
        if (!full) return fault;
        refused += 1;
        return { message: 'out of memory' } as GPUError;
      };
      const seen: number[] = [];
      const picture = await gpu.decode(latents, { onProgress: ({ done }) => seen.push(done) });
      sameBytes('decode', picture.data, data);
      same('backend', gpu.info.backend, 'webgpu');
      if (refused < 1 || seen.length < 2) throw new Error(`${refused} times refused, ${seen} rows`);
      for (const taesd of [gpu, whole]) taesd.dispose();
      return `${refused} times refused, ${seen.length} bands`;
    },
  },
  {
    name: 'Taesd: maxMemory, pictures of several shapes → never more than that for their maps; fallback: false, none fits → LIMIT',
    shared: false,
    async run() {
      const device = await keptDevice();
      const inventory = takeStock(device);
      const maxMemory = 700_000;
      const gpu = await Taesd.load({ model: 'nano', device, maxMemory, fallback: false });
      for (const [height, width] of [
        [40, 3],
        [2, 60],
        [40, 3],
        [9, 20],
      ]) {
        const picture = await gpu.decode(latentsOf(height, width));
        await gpu.encode(picture);
      }
      if (inventory.mostMapBytes > maxMemory) throw new Error(`${inventory.mostMapBytes} bytes`);
      same('too wide', await codeOf(gpu.decode(latentsOf(1, 2048))), 'LIMIT');
      same(
        'to a canvas',
        await codeOf(gpu.decodeToCanvas(latentsOf(1, 2048), canvasOn('bgra8unorm'))),
        'LIMIT',
      );
      same('the next', (await gpu.decode(latentsOf(2, 2))).width, 16);
      same('backend', gpu.info.backend, 'webgpu');
      same('complaints', inventory.complaints, []);
      gpu.dispose();
      return `${inventory.mostMapBytes} of ${maxMemory} bytes`;
    },
  },
];
