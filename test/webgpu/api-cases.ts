import { referenceBackend } from '../../src/backend/reference.ts';
import { findDevice, storedAs } from '../../src/backend/webgpu/device.ts';
import type { Tensor } from '../../src/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { checkClose, psnr } from '../conformance/close.ts';
import { readGolden } from '../conformance/golden-cases.ts';
import { NETWORKS, randomInput, randomNetwork } from '../conformance/random-networks.ts';
import { runProgram } from '../run-program.ts';
import {
  type ApiCase,
  codeOf,
  keptDevice,
  latentsOf,
  load,
  readTexture,
  same,
  sameBytes,
  upload,
} from './case-tools.ts';
import { gpuPlace } from './place.ts';

/*
 * What callers see of WebGPU, on whatever adapter there is.
 */

export const API_CASES: readonly ApiCase[] = [
  {
    name: 'Taesd: there and back, other sizes between → within 1e-4 of WASM, bytes within 1',
    shared: false,
    async run() {
      // A device of its own: the others are given theirs.
      const own = { backend: 'webgpu', device: undefined } as const;
      const [gpu, wasm] = [await load(own), await Taesd.load({ model: 'nano' })];
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
    name: 'Taesd: resolution, from memory, from a buffer, on a texture → within 1e-4 of WASM, one picture by all calls',
    shared: false,
    async run() {
      const device = await keptDevice();
      const [gpu, wasm] = [await load({ device }), await Taesd.load({ model: 'nano' })];
      const latents = latentsOf(5, 7);
      const onDevice = { shape: latents.shape, buffer: upload(device, latents) };
      let most = 0;
      for (const resolution of [1 / 2, 1 / 8]) {
        const options = { width: 53, height: 39, resolution };
        const raw = { ...options, output: 'tensor' } as const;
        const [got, wanted] = [await gpu.decode(latents, raw), await wasm.decode(latents, raw)];
        most = Math.max(most, checkClose('decode', got, wanted, 1e-4));
        const { width, height, data } = await gpu.decode(latents, options);
        sameBytes('from a buffer', (await gpu.decode(onDevice, options)).data, data);
        const usage = 0x10 | 0x1; // RENDER_ATTACHMENT, COPY_SRC
        const size = { width, height };
        const texture = device.createTexture({ size, format: 'rgba8unorm', usage });
        await gpu.decodeToCanvas(onDevice, texture, options);
        sameBytes('on a texture', await readTexture(device, texture), data);
      }
      same('backend', gpu.info.backend, 'webgpu');
      gpu.dispose();
      return `off by ${most.toExponential(1)}`;
    },
  },
  {
    name: 'Taesd: rows as they come, progress, an aborted call → as without, ABORTED, and the next one works',
    shared: false,
    async run() {
      const gpu = await load({ device: await keptDevice(2 ** 17), only: 'decoder' });
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
      const rest: number[] = [];
      for await (const { data } of gpu.decodeRows(latents, { firstRow: 123 })) rest.push(...data);
      sameBytes('decodeRows from row 123', rest, picture.data.slice(123 * 72 * 4));
      const aborter = new AbortController();
      const other = await load();
      const work = other.decode(latentsOf(64, 64), { signal: aborter.signal });
      setTimeout(() => aborter.abort(), 5);
      same('aborted', await codeOf(work), 'ABORTED');
      const { signal } = aborter;
      const late = new AbortController();
      const stop = () => late.abort();
      const batch = latentsOf(1, 1, 2);
      const raw = { output: 'tensor', signal: late.signal, onProgress: stop } as const;
      same('between two pictures', await codeOf(other.decode(batch, raw)), 'ABORTED');
      same('before', await codeOf(other.decode(batch, { ...raw, signal })), 'ABORTED');
      sameBytes('after it', (await other.decode(latents)).data, picture.data);
      for (const taesd of [gpu, other]) taesd.dispose();
      return `${seen.length / 2} times told`;
    },
  },
  {
    name: 'Taesd: a picture past the limits of the device → in bands, with the bytes of the picture made whole; a row past them → WASM, or LIMIT with the remedy',
    shared: false,
    async run() {
      const [whole, banded] = [await load(), await load({ device: await keptDevice(2 ** 19) })];
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
      const least = { device: await keptDevice(2 ** 18), only: 'decoder' } as const;
      const tiny = await Taesd.load({ model: 'nano', ...least });
      same('backend', tiny.info.backend, 'webgpu');
      sameBytes('too wide', (await tiny.decode(wide)).data, (await wasm.decode(wide)).data);
      const { backend, backendReason = '' } = tiny.info;
      same('backend', backend, 'webgpu');
      if (!backendReason.includes('expected at most 262144 bytes for one')) {
        throw new Error(backendReason);
      }
      const strict = await load(least);
      const fault = await strict.decode(wide).catch((error) => error);
      same('without fallback', fault?.code, 'LIMIT');
      const remedy = ' (maxMemory is the second limit; without fallback: false, WASM takes over)';
      if (!fault.message.endsWith(remedy)) throw new Error(fault.message);
      const small = latentsOf(2, 2);
      sameBytes('the next', (await strict.decode(small)).data, (await whole.decode(small)).data);
      for (const taesd of [whole, banded, tiny, strict]) taesd.dispose();
      return backendReason;
    },
  },
  {
    name: 'Taesd: auto → a real adapter is taken, a software one is not, and the reason told',
    shared: false,
    async run() {
      const wasm = await Taesd.load({ model: 'nano' });
      const latents = latentsOf(3, 2);
      const { data } = await wasm.decode(latents);
      const found = await navigator.gpu.requestAdapter();
      if (found === null) throw new Error('no adapter');
      const { limits, features } = found;
      const asked = navigator.gpu.requestAdapter;
      const pretend = (info: object) => {
        const requestDevice = found.requestDevice.bind(found);
        const adapter = { info, limits, features, requestDevice };
        navigator.gpu.requestAdapter = async () => adapter as never as GPUAdapter;
      };
      try {
        pretend({ vendor: 'nvidia', architecture: 'lovelace', device: '', description: '' });
        const taesd = await Taesd.load({
          model: 'nano',
          backend: 'auto',
          fallback: false,
          only: 'decoder',
        });
        const { backend, adapter, backendReason } = taesd.info;
        same(
          'a card',
          [backend, adapter, backendReason],
          ['webgpu', 'nvidia lovelace', 'asked for auto: nvidia lovelace'],
        );
        sameBytes('decode', (await taesd.decode(latents)).data, data, 1);
        taesd.dispose();
        for (const info of [
          { vendor: 'google', architecture: 'swiftshader', device: '', description: '' },
          {
            vendor: '',
            architecture: '',
            device: '',
            description: 'llvmpipe (LLVM 19.1.7, 256 bits)',
          },
          {
            vendor: 'microsoft',
            architecture: '',
            device: '',
            description: 'Microsoft Basic Render Driver',
          },
          { vendor: 'intel', architecture: 'xe', isFallbackAdapter: true },
        ]) {
          pretend(info);
          const other = await Taesd.load({ model: 'nano', backend: 'auto' });
          same('backend', other.info.backend, 'wasm');
          const { backendReason: reason = '' } = other.info;
          if (!/ is a software adapter$/.test(reason)) throw new Error(reason);
          sameBytes('decode', (await other.decode(latents)).data, data);
          const refused = Taesd.load({ model: 'nano', backend: 'auto', fallback: false });
          same('without fallback', await codeOf(refused), 'UNSUPPORTED');
        }
      } finally {
        navigator.gpu.requestAdapter = asked;
      }
      const taesd = await Taesd.load({ model: 'nano', backend: 'auto' });
      return `here ${taesd.info.backend}: ${taesd.info.backendReason}`;
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
