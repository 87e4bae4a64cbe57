// Times choices of src/backend/webgpu/tuning.ts that are not the defaults. Networks run as
// `Taesd.load` runs them, without its self-test and its fallback.
import { Pacer } from '/dist/backend/pacer.js';
import { findDevice } from '/dist/backend/webgpu/device.js';
import { GpuProgram } from '/dist/backend/webgpu/program.js';
import { Slots } from '/dist/backend/webgpu/slots.js';
import { TUNING } from '/dist/backend/webgpu/tuning.js';
import { pictureSink } from '/dist/image.js';
import { readSafetensors, toTensor } from '/dist/index.js';
import { bindNetwork } from '/dist/model/bind.js';
import { VARIANTS } from '/dist/model/variants.js';
import { tensorRows } from '/dist/rows.js';

let gpu;

/** Returns the defaults. */
export const defaults = () => TUNING;

/**
 * Times decodes from latents in memory to the bytes of a picture, as a loop of previews does.
 *
 * @param weights  the decoder's file
 * @param changed  the choices that are not the defaults
 * @returns the median in ms, and a sum of the picture's bytes
 */
export async function timeDecodes(weights, latents, runs, changed) {
  gpu ??= await findDevice('webgpu', undefined);
  const tuned = { ...gpu, tuning: { ...TUNING, ...changed } };
  const slots = new Slots(tuned);
  const network = bindNetwork('decoder', VARIANTS.taesd.networks.decoder, tensorsOf(weights));
  const program = await GpuProgram.compile(tuned, slots, network, 'f32');
  const [, , rows, columns] = latents.shape;
  const [width, height] = [8 * columns, 8 * rows];
  const times = [];
  let sum = 0;
  try {
    // The first two are not timed: shaders are compiled, and portions find their size.
    for (let run = -2; run < runs; run++) {
      const data = new Uint8ClampedArray(4 * width * height);
      const sink = pictureSink({ width, height, data });
      const started = performance.now();
      const span = { first: 0, end: height, asBytes: true };
      const batches = program.batches(tensorRows(latents), span, new Pacer(undefined));
      for await (const batch of batches) {
        const length = batch.data.length / batch.count;
        for (let n = 0; n < batch.count; n++) {
          sink(batch.first + n, batch.data.subarray(n * length, (n + 1) * length), batch.stride);
        }
      }
      slots.settle();
      if (run >= 0) times.push(performance.now() - started);
      sum = data.reduce((all, byte) => all + byte, 0);
    }
  } finally {
    program.dispose();
    slots.release();
  }
  return { ms: times.sort((a, b) => a - b)[times.length >> 1], sum };
}

function tensorsOf(bytes) {
  const { tensors } = readSafetensors(bytes);
  return new Map([...tensors].map(([name, stored]) => [name, toTensor(stored, name, 'bench')]));
}
