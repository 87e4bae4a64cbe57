import { fromVaeLatents, toVaeLatents } from '../../src/latent.ts';
import { nextTask } from '../../src/platform/timers.ts';
import { Taesd } from '../../src/taesd.ts';
import {
  type ApiCase,
  canvasOn,
  codeOf,
  keptDevice,
  latentsOf,
  load,
  newDevice,
  readTexture,
  same,
  sameBytes,
  takeStock,
  UPLOADED,
  upload,
} from './case-tools.ts';

/*
 * Latents that lie in a buffer of the device.
 */

export const LATENTS_CASES: readonly ApiCase[] = [
  {
    name: "Taesd: the caller's device, latents in a buffer of it → the bytes of latents in memory; the device lives on",
    shared: false,
    async run() {
      const device = await keptDevice();
      const gpu = await load({ device, only: 'decoder' });
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
      gpu.dispose();
      await device.queue.onSubmittedWorkDone();
      const lost = await Promise.race([
        device.lost,
        new Promise((r) => setTimeout(r, 20, 'alive')),
      ]);
      same('the device', lost, 'alive');
      const wasm = await Taesd.load({ model: 'nano' });
      same('on WASM', await codeOf(wasm.decode({ shape: [1, 4, 6, 9], buffer })), 'ARG');
      return 'equal';
    },
  },
  {
    name: 'Taesd: latents of the VAE in a buffer → the picture of those in memory, by every call; another space → ARG',
    shared: false,
    async run() {
      const device = await keptDevice();
      const gpu = await load({ device, only: 'decoder' });
      const latents = latentsOf(6, 9, 2);
      const inVae = toVaeLatents(latents, 'taesd');
      const wanted = await gpu.decode(fromVaeLatents(inVae, 'taesd'), { output: 'images' });
      const buffer = upload(device, inVae);
      const { live, complaints } = takeStock(device);
      const all = { shape: [2, 4, 6, 9], buffer };
      const one = { shape: [1, 4, 6, 9], buffer };
      const space = 'vae' as const;
      const got = await gpu.decode(all, { space, output: 'images' });
      for (const [n, { data }] of got.entries()) sameBytes(`decode ${n}`, data, wanted[n].data);
      const memory = await gpu.decode(inVae, { space, output: 'images' });
      for (const [n, { data }] of memory.entries()) sameBytes('memory', data, wanted[n].data);
      let rows = 0;
      for await (const { y, data } of gpu.decodeRows(one, { space })) {
        sameBytes('rows', data, wanted[0].data.subarray(4 * 72 * y, 4 * 72 * y + data.length));
        rows += data.length / 4 / 72;
      }
      same('rows', rows, 48);
      const usage = 0x10 | 0x1;
      const texture = device.createTexture({ size: [72, 48], format: 'rgba8unorm', usage });
      await gpu.decodeToCanvas(one, texture, { space });
      sameBytes('texture', await readTexture(device, texture), wanted[0].data);
      same('space', await codeOf(gpu.decode(one, { space: 'pixel' as never })), 'ARG');
      same('size', await codeOf(gpu.decode(one, { space, width: 1 })), 'ARG');
      const aborted = gpu.decode(one, { space, signal: AbortSignal.abort() });
      same('aborted', await codeOf(aborted), 'ABORTED');
      texture.destroy();
      const left = [...live].filter(({ label }) => !/^(maps|parameters)/.test(label));
      same(
        'left',
        left.map(({ label }) => label),
        [],
      );
      same('complaints', complaints, []);
      gpu.dispose();
      return 'equal';
    },
  },
  {
    name: 'Taesd: latents in a buffer that cannot be read → ARG, what is no buffer or shape → ARG, SHAPE; the device works on',
    shared: false,
    async run() {
      const device = await keptDevice();
      const gpu = await Taesd.load({ model: 'nano', device, only: 'decoder' });
      const { complaints } = takeStock(device);
      const latents = latentsOf(6, 9);
      const { data } = await gpu.decode(latents);
      const buffer = upload(device, latents);
      const shape = [1, 4, 6, 9];
      const refuse = async (what: string, wrong: object, code: string, rule: string) => {
        const fault = await gpu.decode({ shape, buffer, ...wrong } as never).then(
          () => ({ code: 'none', message: '' }),
          (error) => error,
        );
        same(what, fault.code, code);
        if (!fault.message.includes(rule)) throw new Error(`${what}: ${fault.message}`);
      };
      const readable = "expected a buffer of the model's device, neither destroyed nor mapped";
      const destroyed = upload(device, latents);
      destroyed.destroy();
      await refuse('destroyed', { buffer: destroyed }, 'ARG', readable);
      const mapped = device.createBuffer({
        size: 4 * latents.data.length,
        usage: UPLOADED,
        mappedAtCreation: true,
      });
      await refuse('mapped', { buffer: mapped }, 'ARG', readable);
      const other = await newDevice();
      await refuse('foreign', { buffer: upload(other, latents) }, 'ARG', readable);
      const uncopied = upload(device, latents, 0x80 | 0x8);
      await refuse('usage', { buffer: uncopied }, 'ARG', 'expected a buffer whose usage has COPY');
      await refuse('no buffer', { buffer: null }, 'ARG', 'expected a GPUBuffer, got null');
      await refuse('no buffer', { buffer: 7 }, 'ARG', 'expected a GPUBuffer, got 7');
      const sizes = 'expected shape [N,C,H,W], each at least 1, got ';
      await refuse('no shape', { shape: null }, 'SHAPE', `${sizes}null`);
      await refuse('nothing', { shape: [1, 4, 0, 9] }, 'SHAPE', `${sizes}[1,4,0,9]`);
      await refuse('fractions', { shape: [1, 4, 1.5, 9] }, 'SHAPE', `${sizes}[1,4,1.5,9]`);
      await refuse('offset', { offset: '4' }, 'ARG', 'expected a multiple of 4, got "4"');
      sameBytes('after it', (await gpu.decode({ shape, buffer })).data, data);
      same('backend', gpu.info.backend, 'webgpu');
      same('complaints', complaints, []);
      gpu.dispose();
      other.destroy();
      return 'all refused';
    },
  },
  {
    name: 'Taesd: latents in a buffer, calls that end early or wrongly → no buffer of theirs is left',
    shared: false,
    async run() {
      const device = await keptDevice(2 ** 17);
      const gpu = await Taesd.load({ model: 'nano', device, only: 'decoder' });
      const latents = { shape: [1, 4, 40, 9], buffer: upload(device, latentsOf(40, 9)) };
      await gpu.decode(latents);
      const { live } = takeStock(device);
      const before = await gpu.decode(latents);
      const aborter = new AbortController();
      const { signal } = aborter;
      const aborted = gpu.decode(latents, { signal, onProgress: () => aborter.abort() });
      same('aborted', await codeOf(aborted), 'ABORTED');
      same('aborted before', await codeOf(gpu.decode(latents, { signal })), 'ABORTED');
      for await (const _ of gpu.decodeRows(latents)) break;
      same('size', await codeOf(gpu.decode(latents, { width: 1 })), 'ARG');
      same('channels', await codeOf(gpu.decode({ ...latents, shape: [1, 16, 10, 9] })), 'SHAPE');
      same('batch', await codeOf(gpu.decode({ ...latents, shape: [2, 4, 20, 9] })), 'SHAPE');
      const { Uint8ClampedArray: real } = globalThis;
      globalThis.Uint8ClampedArray = class {
        constructor() {
          throw new RangeError('Array buffer allocation failed');
        }
      } as never;
      const full = codeOf(gpu.decode(latents));
      globalThis.Uint8ClampedArray = real;
      same('no memory', await full, 'OOM');
      const drawn = gpu.decodeToCanvas({ ...latents, shape: [1, 4, 3, 4] }, canvasOn('r8uint'));
      same('canvas', await codeOf(drawn), 'ARG');
      sameBytes('after it', (await gpu.decode(latents)).data, before.data);
      const left = [...live].filter(({ label }) => !/^(maps|parameters)/.test(label));
      // The canvas's own texture.
      same('left', left.length, 1);
      gpu.dispose();
      await nextTask();
      same('disposed', live.size, 1);
      return 'nothing left';
    },
  },
];
