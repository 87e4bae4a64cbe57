import { handOn } from '../../src/backend/batches.ts';
import { Pacer } from '../../src/backend/pacer.ts';
import { findDevice, type Gpu } from '../../src/backend/webgpu/device.ts';
import { GpuProgram } from '../../src/backend/webgpu/program.ts';
import { Slots } from '../../src/backend/webgpu/slots.ts';
import { TUNING, type Tuning } from '../../src/backend/webgpu/tuning.ts';
import { pictureSink } from '../../src/image.ts';
import { bindNetwork } from '../../src/model/bind.ts';
import { VARIANTS } from '../../src/model/variants.ts';
import { tensorRows, tensorSink } from '../../src/rows.ts';
import { zeros } from '../../src/tensor.ts';
import { randomTensors } from '../small-model.ts';
import { type ApiCase, codeOf, latentsOf, same, sameBytes } from './case-tools.ts';

/*
 * Other tunings than the default: the same numbers, and calls that end in the middle.
 */

const [WIDTH, HEIGHT] = [24, 320];
const LATENTS = latentsOf(HEIGHT / 8, WIDTH / 8);
const SPAN = { first: 0, end: HEIGHT };

/** A decoder with random weights, on a device with another tuning. */
async function decoderOn(gpu: Gpu, changed: Partial<Tuning>, maxBytes?: number) {
  const tuned = { ...gpu, tuning: { ...TUNING, ...changed } };
  const slots = new Slots(tuned, maxBytes);
  const { decoder } = VARIANTS.nano.networks;
  const network = bindNetwork('decoder', decoder, randomTensors('nano', 'decoder'));
  const program = await GpuProgram.compile(tuned, slots, network, 'f32');
  return {
    program,
    slots,
    batches: (signal?: AbortSignal, asBytes = false) =>
      program.batches(tensorRows(LATENTS), { ...SPAN, asBytes }, new Pacer(signal)),
    dispose() {
      program.dispose();
      slots.release();
    },
  };
}

type Decoder = Awaited<ReturnType<typeof decoderOn>>;

async function numbersOf({ batches }: Decoder): Promise<Float32Array> {
  const output = zeros([1, 3, HEIGHT, WIDTH]);
  const sink = tensorSink(output);
  for await (const batch of batches()) handOn(batch, sink);
  return output.data;
}

async function bytesOf({ batches }: Decoder): Promise<Uint8ClampedArray> {
  const data = new Uint8ClampedArray(4 * WIDTH * HEIGHT);
  const sink = pictureSink({ width: WIDTH, height: HEIGHT, data });
  for await (const batch of batches(undefined, true)) handOn(batch, sink);
  return data;
}

async function softwareOrCard(): Promise<Gpu> {
  const gpu = await findDevice('webgpu', undefined);
  if (typeof gpu === 'string') throw new Error(gpu);
  return gpu;
}

/** Bytes of maps that are enough for a few rows only. */
const SMALL = 200_000;

export const TUNING_CASES: readonly ApiCase[] = [
  {
    name: 'GpuProgram: other tunings, whole and in bands → the bits of the default; bytes read back within a step',
    shared: false,
    async run() {
      const gpu = await softwareOrCard();
      const whole = await decoderOn(gpu, {});
      const [wanted, picture] = [await numbersOf(whole), await bytesOf(whole)];
      whole.dispose();
      const notes: string[] = [];
      for (const [changed, maxBytes] of [
        [{ pointsBytes: 2 ** 14, portions: 2 }, undefined],
        [{ portions: 3, pictures: 'bytes' }, SMALL],
      ] as const) {
        const tuned = await decoderOn(gpu, changed, maxBytes);
        const count = await tuned.program.bandCount(tensorRows(LATENTS), SPAN);
        if (maxBytes !== undefined && count < 3) throw new Error(`${count} bands`);
        sameBytes('numbers', await numbersOf(tuned), wanted);
        const bytes = await bytesOf(tuned);
        sameBytes('bytes', bytes, picture, 1);
        const off = bytes.filter((byte, n) => byte !== picture[n]).length;
        if (off > bytes.length / 1000) throw new Error(`${off} bytes are off`);
        notes.push(`${count} bands, ${off} of ${bytes.length} bytes off`);
        tuned.dispose();
      }
      gpu.device.destroy();
      return notes.join('; ');
    },
  },
  {
    name: 'GpuProgram: two and three portions, aborted, left and the device lost between bands → ABORTED, the next call works, an error',
    shared: false,
    async run() {
      const rejections: string[] = [];
      const onRejection = (event: Event) => {
        rejections.push(String((event as PromiseRejectionEvent).reason));
        event.preventDefault();
      };
      globalThis.addEventListener('unhandledrejection', onRejection);
      const gpu = await softwareOrCard();
      const tuned = await decoderOn(gpu, { portions: 2, pictures: 'bytes' }, SMALL);
      const wanted = await numbersOf(tuned);
      const aborter = new AbortController();
      const aborted = (async () => {
        for await (const _ of tuned.batches(aborter.signal)) aborter.abort();
      })();
      same('aborted', await codeOf(aborted), 'ABORTED');
      for await (const _ of tuned.batches(undefined, true)) break;
      sameBytes('the next', await numbersOf(tuned), wanted);
      tuned.slots.settle();
      if (tuned.slots.bytes === 0) throw new Error('small maps were given back');
      tuned.dispose();
      const keeps = await decoderOn(gpu, { portions: 3, keptBytes: 0 }, SMALL);
      await bytesOf(keeps);
      keeps.slots.settle();
      same('kept', keeps.slots.bytes, 0);
      let bands = 0;
      const lost = (async () => {
        for await (const _ of keeps.batches()) {
          bands += 1;
          if (bands === 1) gpu.device.destroy();
        }
      })();
      const code = await codeOf(lost);
      if (code === 'none') throw new Error('no error of a lost device');
      keeps.dispose();
      await new Promise((resolve) => setTimeout(resolve, 20));
      globalThis.removeEventListener('unhandledrejection', onRejection);
      same('rejections', rejections, []);
      return code;
    },
  },
];
