import { quantizeLatents } from '../../src/latent.ts';
import { Taesd } from '../../src/taesd.ts';
import { checkClose, psnr } from '../conformance/close.ts';
import { readTrip } from '../conformance/golden-cases.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { weightsFrom } from '../seeded-weights.ts';
import { type ApiCase, keptDevice, load, same, sameBytes, upload } from './case-tools.ts';

/*
 * The models with wide layers, with alpha, and of videos: loaded as callers load them, so that the
 * device is compared with WASM first.
 */

const TRIPS = [
  ['taesana', 'family/taesana-astronaut-130x101'],
  ['taeqi2_1', 'family/taeqi2_1-astronaut-alpha-130x102'],
  ['taew2_1', 'family/taew2_1-astronaut-16x16-1f'],
] as const;

/** `fast` against f32, in dB, where maps are f16. */
const FAST_DECIBELS = 62;

export const MODEL_CASES: readonly ApiCase[] = TRIPS.map(
  ([model, file]): ApiCase => ({
    name: `Taesd: ${file} → latents and decoded max |Δ| < 1e-4, bytes within 1, from a buffer too; fast → ${FAST_DECIBELS} dB from f32`,
    shared: true,
    async run(read) {
      const golden = await readTrip(read, file);
      const [encoder, decoder] = [
        await weightsFrom(read, model, 'encoder'),
        await weightsFrom(read, model, 'decoder'),
      ];
      const options = { model, weights: { encoder, decoder } };
      const device = await keptDevice();
      const gpu = await load({ ...options, device });
      same('backend', gpu.info.backend, 'webgpu');
      const latents = await gpu.encode(golden.image);
      const latentsOff = checkClose('latents', latents, golden.latents, 1e-4);
      const decoded = await gpu.decode(golden.latents, { output: 'tensor' });
      const decodedOff = checkClose('decoded', decoded, golden.decoded, 1e-4);
      const [, channels] = golden.latents.shape;
      const small = randomTensor(seededRandom(channels), [1, channels, 2, 3], 2);
      const picture = await gpu.decode(small);
      const wasm = await Taesd.load({ ...options, only: 'decoder' });
      sameBytes('bytes', picture.data, (await wasm.decode(small)).data, 1);
      const buffer = upload(device, small);
      const onDevice = { shape: small.shape, buffer };
      sameBytes('from a buffer', (await gpu.decode(onDevice)).data, picture.data);
      const fast = await load({ ...options, device, precision: 'fast' });
      const { precision } = fast.info;
      const adapter = await navigator.gpu.requestAdapter();
      same('precision', precision, adapter?.features.has('shader-f16') ? 'fast' : 'f32');
      let decibels = Infinity;
      // In f32 it would be the work above again.
      if (precision === 'fast') {
        const rough = await fast.decode(golden.latents, { output: 'tensor' });
        decibels = psnr(rough.data, decoded.data);
        if (!(decibels >= FAST_DECIBELS)) throw new Error(`${precision}: ${decibels} dB`);
        const bytes = quantizeLatents(latents.data);
        sameBytes('latents', quantizeLatents((await fast.encode(golden.image)).data), bytes, 1);
      }
      buffer.destroy();
      for (const one of [gpu, wasm, fast]) one.dispose();
      const offs = [latentsOff, decodedOff].map((off) => off.toExponential(1));
      return `latents off by ${offs[0]}, decoded by ${offs[1]}; ${precision}: ${decibels.toFixed(1)} dB`;
    },
  }),
);
