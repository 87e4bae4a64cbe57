import { fromVaeLatents, toVaeLatents } from '../../src/latent.ts';
import { Taesd } from '../../src/taesd.ts';
import type { TensorLike } from '../../src/tensor-like/types.ts';
import {
  type ApiCase,
  canvasOn,
  codeOf,
  follow,
  keptDevice,
  latentsOf,
  limitMaps,
  load,
  newDevice,
  pixelsOf,
  readTexture,
  same,
  sameBytes,
  shownOn,
  showsCanvases,
  takeStock,
  upload,
} from './case-tools.ts';

/*
 * Pictures that go straight to a canvas or a texture.
 */

export const CANVAS_CASES: readonly ApiCase[] = [
  {
    name: 'Taesd: decodeToCanvas on a texture → the bytes of decode; of another size → ARG',
    shared: false,
    async run() {
      const device = await keptDevice();
      const gpu = await load({ device, only: 'decoder' });
      const latents = latentsOf(6, 9);
      const { data } = await gpu.decode(latents, { width: 70, height: 45 });
      const size = { width: 70, height: 45 };
      const usage = 0x10 | 0x1; // RENDER_ATTACHMENT, COPY_SRC
      for (const format of ['rgba8unorm', 'rgba8unorm-srgb'] as const) {
        const texture = device.createTexture({ size, format, usage });
        await gpu.decodeToCanvas(latents, texture, size);
        sameBytes(format, await readTexture(device, texture), data);
      }
      const texture = device.createTexture({ size, format: 'rgba8unorm', usage });
      same('size', await codeOf(gpu.decodeToCanvas(latents, texture)), 'ARG');
      same('no canvas', await codeOf(gpu.decodeToCanvas(latents, {} as never)), 'ARG');
      limitMaps(device, 2 ** 16);
      const banded = await Taesd.load({ model: 'nano', device, only: 'decoder' });
      await banded.decodeToCanvas(latents, texture, size);
      sameBytes('in bands', await readTexture(device, texture), data);
      for (const taesd of [gpu, banded]) taesd.dispose();
      return 'equal';
    },
  },
  {
    name: 'Taesd: decodeToCanvas of tensors of every kind on a texture → the bytes of decode',
    shared: false,
    async run() {
      const device = await keptDevice();
      const gpu = await load({ device, only: 'decoder' });
      const latents = latentsOf(2, 3);
      const { data, width, height } = await gpu.decode(latents);
      const size = { width, height };
      const texture = device.createTexture({ size, format: 'rgba8unorm', usage: 0x10 | 0x1 });
      const numbers = latents.data;
      const last = Float32Array.from(numbers, (_, i) => numbers[(i % 4) * 6 + Math.floor(i / 4)]);
      const kinds: [string, TensorLike][] = [
        ['[C,h,w]', { dims: [4, 2, 3], data: [...numbers] }],
        ['f64', { shape: [1, 4, 2, 3], data: Float64Array.from(numbers), dtype: 'float64' }],
        ['channels last', { shape: [1, 2, 3, 4], data: last, layout: 'NHWC' }],
        ['a promise', { shape: [1, 4, 2, 3], data: async () => numbers }],
      ];
      const found = { latents: toVaeLatents(latents, 'taesd'), space: 'vae', ...size } as const;
      const inDiffusion = await gpu.decode(fromVaeLatents(found.latents, 'taesd'));
      for (const [what, value] of kinds) {
        await gpu.decodeToCanvas(value, texture);
        sameBytes(what, await readTexture(device, texture), data);
      }
      await gpu.decodeToCanvas(found, texture);
      sameBytes('found', await readTexture(device, texture), inDiffusion.data);
      await gpu.decodeToCanvas(found.latents, texture, { space: 'vae' });
      sameBytes('space', await readTexture(device, texture), inDiffusion.data);
      gpu.dispose();
      return 'equal';
    },
  },
  {
    name: 'Taesd: decodeToCanvas on a canvas, from WebGPU and from WASM → the bytes of decode',
    shared: false,
    async run() {
      const device = await keptDevice();
      const [gpu, wasm] = [
        await Taesd.load({ model: 'nano', device, only: 'decoder' }),
        await Taesd.load({ model: 'nano' }),
      ];
      for (const format of ['bgra8unorm', 'rgba8unorm'] as const) {
        const canvas = canvasOn(format);
        for (const latents of [latentsOf(6, 9), latentsOf(3, 12), latentsOf(3, 12)]) {
          await gpu.decodeToCanvas(latents, canvas);
          const { data, width, height } = await gpu.decode(latents);
          same('size', [canvas.width, canvas.height], [width, height]);
          sameBytes(format, await shownOn(canvas), data);
        }
        same('configured', canvas.configured, 1);
      }
      const latents = latentsOf(6, 9);
      if (typeof OffscreenCanvas !== 'undefined') {
        const canvas = new OffscreenCanvas(1, 1);
        if (canvas.getContext('2d') !== null) {
          await wasm.decodeToCanvas(latents, canvas);
          const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
          const shown = () => context.getImageData(0, 0, canvas.width, canvas.height).data;
          sameBytes('wasm', shown(), (await wasm.decode(latents)).data);
          const others = latentsOf(3, 5);
          await gpu.decodeToCanvas(others, canvas);
          sameBytes('in 2d', shown(), (await gpu.decode(others)).data);
          const small = { width: 37, height: 19, resolution: 1 / 4 };
          await wasm.decodeToCanvas(others, canvas, small);
          same('small', [canvas.width, canvas.height], [10, 5]);
          sameBytes('small', shown(), (await wasm.decode(others, small)).data);
        }
      }
      same('backend', gpu.info.backend, 'webgpu');
      gpu.dispose();
      return 'equal';
    },
  },
  {
    name: 'Taesd: decodeToCanvas on a canvas of the runtime → the bytes of decode, whatever became of its context; too large → LIMIT, the canvas as it was',
    shared: false,
    async run() {
      const [device, other] = [await keptDevice(), await newDevice()];
      const gpu = await load({ device, only: 'decoder' });
      const { complaints } = takeStock(device);
      if (typeof OffscreenCanvas === 'undefined') return 'no canvas here';
      const canvas = new OffscreenCanvas(1, 1);
      const context = canvas.getContext('webgpu') as GPUCanvasContext | null;
      if (context === null) return 'none with WebGPU here';
      const shown = follow(device, context);
      const configure = context.configure.bind(context);
      let configured = 0;
      context.configure = (configuration) => {
        configured += 1;
        configure(configuration);
      };
      const latents = latentsOf(6, 9);
      const { data } = await gpu.decode(latents);
      const format = navigator.gpu.getPreferredCanvasFormat();
      for (const [what, change] of Object.entries({
        fresh() {},
        again() {},
        unconfigured: () => context.unconfigure(),
        'a device of others': () => context.configure({ device: other, format }),
      })) {
        change();
        await gpu.decodeToCanvas(latents, canvas);
        same(what, [canvas.width, canvas.height], [72, 48]);
        sameBytes(what, await shown(), data);
      }
      // At first, after it was unconfigured, by others and after them; not again and again, which
      // would clear it.
      same('configured', configured, 4);
      const most = device.limits.maxTextureDimension2D;
      const wide = latentsOf(1, most / 8 + 1);
      const large = new OffscreenCanvas(7, 5);
      const { code, message } = await gpu.decodeToCanvas(wide, large).then(
        () => ({ code: 'none', message: '' }),
        (error) => error,
      );
      same('too large', code, 'LIMIT');
      const sentence = `"canvas" expected at most ${most} pixels a side, got ${most + 8}×8 (`;
      same('sentence', message.slice(0, 16 + sentence.length), `decodeToCanvas: ${sentence}`);
      same('its size', [large.width, large.height], [7, 5]);
      const untouched = large.getContext('webgpu') as GPUCanvasContext;
      same('its context', untouched.getConfiguration(), null);
      same('complaints', complaints, []);
      // From here on Firefox itself complains of the canvas's size.
      untouched.configure({ device, format });
      Object.assign(large, { width: most + 8, height: 8 });
      same('its own context', await codeOf(gpu.decodeToCanvas(wide, untouched)), 'LIMIT');
      const wasm = await Taesd.load({ model: 'nano' });
      same('from WASM', await codeOf(wasm.decodeToCanvas(wide, untouched)), 'LIMIT');
      same('a canvas from WASM', await codeOf(wasm.decodeToCanvas(wide, large)), 'LIMIT');
      await gpu.decodeToCanvas(latents, large);
      same('a smaller one', [large.width, large.height], [72, 48]);
      gpu.dispose();
      other.destroy();
      return message;
    },
  },
  {
    name: 'Taesd: decodeToCanvas on what cannot be painted on → ARG, UNSUPPORTED, before the work is done; the device works on',
    shared: false,
    async run() {
      const [device, other] = [await keptDevice(), await newDevice()];
      const gpu = await Taesd.load({ model: 'nano', device, only: 'decoder' });
      const { complaints } = takeStock(device);
      const latents = latentsOf(3, 4);
      const size = { width: 32, height: 24 };
      const [drawable, readable] = [0x10, 0x1];
      const make = (more: Partial<GPUTextureDescriptor>, on = device) =>
        on.createTexture({ size, format: 'rgba8unorm', usage: drawable | readable, ...more });
      const destroyed = make({});
      destroyed.destroy();
      const wrong = {
        'no RENDER_ATTACHMENT': make({ usage: 0x2 | 0x1 }),
        'several samples': make({ usage: drawable, sampleCount: 4 }),
        'whole numbers': make({ format: 'rgba8uint' }),
        depth: make({ format: 'depth32float' }),
        'a device of others': make({}, other),
        destroyed,
      };
      const feature = 'depth32float-stencil8';
      const adapter = await navigator.gpu.requestAdapter();
      if (adapter?.features.has(feature)) {
        const able = await adapter.requestDevice({ requiredFeatures: [feature] });
        Object.assign(wrong, {
          'a feature of others': make({ format: feature, usage: drawable }, able),
        });
      }
      for (const [what, texture] of Object.entries(wrong)) {
        same(what, await codeOf(gpu.decodeToCanvas(latents, texture)), 'ARG');
      }
      const bare = canvasOn('rgba8unorm').context;
      same('not configured', await codeOf(gpu.decodeToCanvas(latents, bare)), 'ARG');
      // What older browsers have.
      const older = { canvas: size, getCurrentTexture: bare.getCurrentTexture };
      same('older', await codeOf(gpu.decodeToCanvas(latents, older)), 'ARG');
      const own = canvasOn('bgra8unorm');
      own.context.configure({ device });
      same('its size', await codeOf(gpu.decodeToCanvas(latents, own.context)), 'ARG');
      const webgl = { width: 1, height: 1, getContext: () => null };
      same('WebGL', await codeOf(gpu.decodeToCanvas(latents, webgl)), 'UNSUPPORTED');

      Object.assign(own, size);
      await gpu.decodeToCanvas(latents, own.context);
      const { data } = await gpu.decode(latents);
      sameBytes('context', await shownOn(own), data);
      // Through memory: of another device, or decoded by WASM.
      const wasm = await Taesd.load({ model: 'nano' });
      const distant = canvasOn('rgba8unorm');
      Object.assign(distant, size);
      distant.context.configure({ device: other });
      await gpu.decodeToCanvas(latents, distant.context);
      sameBytes('distant', await shownOn(distant), data);
      await wasm.decodeToCanvas(latents, distant.context);
      const pure = await wasm.decode(latents);
      sameBytes('from WASM', await shownOn(distant), pure.data);
      await wasm.decodeToCanvas(latents, distant);
      sameBytes('a canvas from WASM', await shownOn(distant), pure.data);
      same('no device', await codeOf(wasm.decodeToCanvas(latents, make({}))), 'UNSUPPORTED');
      same('backend', gpu.info.backend, 'webgpu');
      same('complaints', complaints, []);
      gpu.dispose();
      other.destroy();
      return `${Object.keys(wrong).length} textures refused`;
    },
  },
  {
    name: 'Taesd: decodeToCanvas again and again → nothing is left of a frame on the device',
    shared: false,
    async run() {
      const device = await keptDevice();
      const gpu = await load({ device, only: 'decoder' });
      const latents = { shape: [1, 4, 6, 9], buffer: upload(device, latentsOf(6, 9)) };
      const size = { width: 72, height: 48 };
      const texture = device.createTexture({ size, format: 'rgba8unorm', usage: 0x10 | 0x1 });
      await gpu.decodeToCanvas(latents, texture);
      const { live, complaints } = takeStock(device);
      for (let frame = 0; frame < 5; frame++) await gpu.decodeToCanvas(latents, texture);
      same('left', live.size, 0);
      same('complaints', complaints, []);
      // Painted from memory; whoever waits for the device to be lost is left, too.
      const canvas = canvasOn('rgba8unorm');
      canvas.context.configure({ device });
      const { lost } = device;
      let waiting = 0;
      Object.defineProperty(device, 'lost', {
        configurable: true,
        get() {
          waiting += 1;
          return lost;
        },
      });
      const wasm = await Taesd.load({ model: 'nano' });
      for (let frame = 0; frame < 5; frame++) await wasm.decodeToCanvas(latentsOf(6, 9), canvas);
      if (waiting > 1) throw new Error(`${waiting} wait for the device to be lost`);
      gpu.dispose();
      return '5 frames';
    },
  },
  {
    name: 'Taesd: decodeToCanvas, the device lost in the middle → the picture on the canvas by WASM and another device; a texture UNSUPPORTED',
    shared: false,
    async run() {
      const latents = latentsOf(6, 9);
      const wasm = await Taesd.load({ model: 'nano' });
      const { data } = await wasm.decode(latents);
      const device = await newDevice();
      const gpu = await Taesd.load({ model: 'nano', device, only: 'decoder' });
      const canvas = canvasOn('bgra8unorm');
      await gpu.decodeToCanvas(latents, canvas);
      const work = gpu.decodeToCanvas(latents, canvas);
      device.destroy();
      await work;
      sameBytes('lost', await shownOn(canvas), data);
      if (canvas.device === device) throw new Error('drawn on the lost device');
      const { backend, backendReason = '' } = gpu.info;
      same('backend', backend, 'wasm');
      if (!backendReason.startsWith('the device was lost')) throw new Error(backendReason);
      await gpu.decodeToCanvas(latents, canvas);
      sameBytes('the next', await shownOn(canvas), data);
      same('configured', canvas.configured, 2);

      const other = await newDevice();
      const texture = other.createTexture({
        size: { width: 72, height: 48 },
        format: 'rgba8unorm',
        usage: 0x10,
      });
      for (const fallback of [true, false]) {
        const lost = await newDevice();
        const taesd = await Taesd.load({ model: 'nano', device: lost, fallback, only: 'decoder' });
        const frame = lost.createTexture({ size: texture, format: 'rgba8unorm', usage: 0x10 });
        const drawing = taesd.decodeToCanvas(latents, frame);
        lost.destroy();
        same('a texture', await codeOf(drawing), 'UNSUPPORTED');
        if (!fallback) {
          const again = taesd.decodeToCanvas(latents, canvasOn('rgba8unorm'));
          same('without fallback', await codeOf(again), 'UNSUPPORTED');
        }
      }
      other.destroy();
      return backendReason;
    },
  },
  {
    name: 'Taesd: decodeToCanvas on a page, on and off its screen → what is shown is the bytes of decode',
    shared: false,
    async run() {
      if (typeof document === 'undefined') return 'no page here';
      if (!(await showsCanvases())) return 'this browser shows nothing of its software adapter';
      const gpu = await load({ only: 'decoder' });
      const wasm = await Taesd.load({ model: 'nano' });
      const shown = document.body.appendChild(document.createElement('canvas'));
      for (const canvas of [shown, new OffscreenCanvas(1, 1)]) {
        for (const latents of [latentsOf(6, 9), latentsOf(3, 12), latentsOf(3, 12)]) {
          const options = { width: 8 * latents.shape[3] - 3, height: 8 * latents.shape[2] - 5 };
          await gpu.decodeToCanvas(latents, canvas, options);
          const { data, width, height } = await gpu.decode(latents, options);
          same('size', [canvas.width, canvas.height], [width, height]);
          sameBytes('shown', pixelsOf(canvas), data);
        }
        const latents = latentsOf(2, 2);
        await wasm.decodeToCanvas(latents, canvas);
        sameBytes('from WASM', pixelsOf(canvas), (await wasm.decode(latents)).data);
      }
      const plain = document.createElement('canvas');
      await wasm.decodeToCanvas(latentsOf(2, 2), plain);
      await gpu.decodeToCanvas(latentsOf(3, 2), plain);
      sameBytes('in 2d', pixelsOf(plain), (await gpu.decode(latentsOf(3, 2))).data);
      gpu.dispose();
      return 'equal';
    },
  },
  {
    name: 'Taesd: decodeToCanvas, the device gone or wrong while it paints → the picture by WASM, why is told; nothing is left on the device',
    shared: false,
    async run() {
      const latents = latentsOf(6, 9);
      const { data } = await (await Taesd.load({ model: 'nano' })).decode(latents);
      const notes: string[] = [];
      // Lost: one that the instance asked for itself. Wrong: the caller's, which lives on.
      for (const lost of [true, false]) {
        const device = await (lost ? newDevice() : keptDevice());
        const asked = navigator.gpu.requestAdapter;
        const { limits, features } = device;
        const adapter = { limits, features, info: {}, requestDevice: async () => device };
        navigator.gpu.requestAdapter = async () => adapter as never as GPUAdapter;
        const own = { backend: 'webgpu' } as const;
        const options = { model: 'nano', only: 'decoder', ...(lost ? own : { device }) } as const;
        const taesd = await Taesd.load(options).finally(() => {
          navigator.gpu.requestAdapter = asked;
        });
        same('backend', taesd.info.backend, 'webgpu');
        const { live } = takeStock(device);
        const made = device.createBuffer.bind(device);
        let buffers = 0;
        device.createBuffer = (descriptor) => {
          buffers += 1;
          return made(descriptor);
        };
        const canvas = canvasOn('bgra8unorm');
        await taesd.decodeToCanvas(latents, canvas);
        const before = buffers;
        if (lost) {
          const current = canvas.context.getCurrentTexture;
          canvas.context.getCurrentTexture = () => {
            canvas.context.getCurrentTexture = current;
            device.destroy();
            return current();
          };
        } else {
          const pop = device.popErrorScope.bind(device);
          device.popErrorScope = async () => {
            device.popErrorScope = pop;
            await pop();
            return { message: 'it is wrong' } as GPUError;
          };
        }
        await taesd.decodeToCanvas(latents, canvas);
        // The device does not try again what it failed to do.
        same('buffers', buffers, before);
        // But for the canvas's own textures.
        const left = [...live].filter((one) => !('format' in one));
        same('left', left.length, 0);
        sameBytes('shown', await shownOn(canvas), data, 1);
        const { backend, backendReason = '' } = taesd.info;
        same('backend', backend, 'wasm');
        if (!backendReason.startsWith(lost ? 'the device was lost' : 'it is wrong')) {
          throw new Error(backendReason);
        }
        notes.push(backendReason);
      }
      return notes.join('; ');
    },
  },
  {
    name: 'Taesd: decodeToCanvas, aborted → the canvas is as it was, whoever made it ready',
    shared: false,
    async run() {
      const device = await keptDevice();
      const gpu = await Taesd.load({ model: 'nano', device, only: 'decoder' });
      const wasm = await Taesd.load({ model: 'nano' });
      const createBindGroup = device.createBindGroup.bind(device);
      for (const [taesd, by] of [
        [gpu, undefined],
        [wasm, await newDevice()],
      ] as const) {
        const canvas = canvasOn('bgra8unorm');
        if (by !== undefined) canvas.context.configure({ device: by });
        const before = canvas.configured;
        const aborter = new AbortController();
        const { signal } = aborter;
        device.createBindGroup = (descriptor) => {
          aborter.abort();
          return createBindGroup(descriptor);
        };
        // The device's bindings come before its work; WASM gives the event loop its turns.
        if (taesd === wasm) setTimeout(() => aborter.abort(), 5);
        const drawing = taesd.decodeToCanvas(latentsOf(64, 64), canvas, { signal });
        same('aborted', await codeOf(drawing), 'ABORTED');
        same('size', [canvas.width, canvas.height], [1, 1]);
        same('configured', canvas.configured, before);
        same('drawn', canvas.texture, undefined);
      }
      gpu.dispose();
      return 'untouched';
    },
  },
  {
    name: 'Taesd: decodeToCanvas of two devices on one canvas at a time → both pictures, one after the other',
    shared: false,
    async run() {
      const devices = [await keptDevice(), await newDevice()];
      const latents = latentsOf(6, 9);
      const canvas = canvasOn('bgra8unorm');
      const instances = await Promise.all(
        devices.map((device) => load({ device, only: 'decoder' })),
      );
      await Promise.all(instances.map((taesd) => taesd.decodeToCanvas(latents, canvas)));
      const { data } = await instances[0].decode(latents);
      sameBytes('shown', await shownOn(canvas), data, 1);
      for (const taesd of instances) taesd.dispose();
      devices[1].destroy();
      return `${canvas.configured} times made ready`;
    },
  },
  {
    name: 'Taesd: decodeToCanvas, no memory to paint with → OOM; the next one is painted',
    shared: false,
    async run() {
      const device = await newDevice();
      const wasm = await Taesd.load({ model: 'nano' });
      const latents = latentsOf(3, 4);
      const canvas = canvasOn('bgra8unorm');
      Object.assign(canvas, { width: 32, height: 24 });
      canvas.context.configure({ device });
      const kinds: GPUErrorFilter[] = [];
      const push = device.pushErrorScope.bind(device);
      const pop = device.popErrorScope.bind(device);
      device.pushErrorScope = (kind) => {
        kinds.push(kind);
        push(kind);
      };
      let full = true;
      device.popErrorScope = async () => {
        const kind = kinds.pop();
        const fault = await pop();
        // What cannot be made is not valid either.
        return full ? ({ message: `${kind}` } as GPUError) : fault;
      };
      const fault = await wasm.decodeToCanvas(latents, canvas).catch((error) => error);
      same('code', fault?.code, 'OOM');
      full = false;
      await wasm.decodeToCanvas(latents, canvas);
      sameBytes('the next', await shownOn(canvas), (await wasm.decode(latents)).data);
      device.destroy();
      return fault.message;
    },
  },
];
