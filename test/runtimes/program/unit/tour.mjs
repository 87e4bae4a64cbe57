// Every kind of public call, on values that the caller's realm makes. Gives what each call gave, as
// hashes, so that the tours of all realms can be compared.
import { readFileSync } from 'node:fs';
import { isAbort, readSafetensors, Taesd, writeSafetensors } from 'taesd-wasm';
import { kernels } from 'taesd-wasm/kernels';
import { decodeLatentPng, encodeLatentPng, readLatents } from 'taesd-wasm/latent-file';
import { nano } from 'taesd-wasm/nano';
import { block, conv3x3, loadNetwork, runNetwork } from 'taesd-wasm/network';
import { decodePicture } from 'taesd-wasm/picture';
import { decodePng, encodePng, encodePngRows } from 'taesd-wasm/png';
import { createPreviewer, decodeFrame, encodeFrame, previewFrom } from 'taesd-wasm/preview';
import { hash } from './hash.mjs';

const SIDE = 96;

/**
 * @param {typeof globalThis} realm  whose classes make the values
 * @returns name → hash, or another plain value
 */
export async function tour(realm) {
  const found = {};
  const bytes = realm.Uint8Array.from({ length: 4 * SIDE * SIDE }, (_, i) =>
    i % 4 === 3 ? 255 : (i * 7 + (i >> 5)) & 255,
  );
  const picture = { width: SIDE, height: SIDE, data: bytes };
  const taesd = await Taesd.load({ model: 'nano', workers: 0 });
  const latents = await taesd.encode(picture);
  found.encode = hash(latents.data);
  const buffer = Buffer.from(bytes);
  const buffered = taesd.encode({ ...picture, data: buffer });
  buffer.fill(0);
  found['encode, a Buffer overwritten after the call'] = hash((await buffered).data);

  const own = {
    shape: realm.Array.from(latents.shape),
    data: realm.Float32Array.from(latents.data),
  };
  const { signal } = new realm.AbortController();
  const shown = await taesd.decode(own, { signal });
  found.decode = hash(shown.data);
  const words = new realm.Float64Array(realm.Array.from(own.data));
  found['decode, float64'] = hash((await taesd.decode({ dims: own.shape, data: words })).data);
  const tensor = await taesd.decode(own, { output: 'tensor' });
  found['decode, tensor'] = hash(tensor.data);
  found['encode, tensor'] = hash(
    (await taesd.encode({ shape: tensor.shape, data: realm.Float32Array.from(tensor.data, clamp) }))
      .data,
  );
  const rows = [];
  for await (const { data } of taesd.decodeRows(own)) rows.push(...data);
  found.decodeRows = hash(rows);
  const pieces = [];
  const header = { width: SIDE, height: SIDE, channels: 3 };
  for await (const piece of encodePngRows(header, taesd.decodeRows(own))) pieces.push(...piece);
  found.encodePngRows = hash(pieces);
  let steps = 0;
  for await (const step of taesd.steps(own)) steps += step.output.data.length;
  found.steps = steps;

  const controller = new realm.AbortController();
  const cancelled = taesd.decode(own, { signal: controller.signal });
  controller.abort();
  found.abort = await cancelled.then(
    () => 'none',
    (error) => isAbort(error),
  );

  const png = encodePng({ ...picture, data: realm.Uint8ClampedArray.from(bytes) });
  found.encodePng = hash(png);
  found.decodePng = hash(decodePng(realm.Uint8Array.from(png)).data);
  found.decodePicture = hash((await decodePicture(realm.Uint8Array.from(png).buffer)).data);
  const latentPng = encodeLatentPng({ latents: own, model: 'nano' });
  found.encodeLatentPng = hash(latentPng);
  found.decodeLatentPng = hash(decodeLatentPng(realm.Uint8Array.from(latentPng)).latents.data);
  found.readLatents = hash((await readLatents(realm.Uint8Array.from(latentPng))).latents.data);
  const file = writeSafetensors([['a', own]], { made: 'here' });
  found.readSafetensors = hash(readSafetensors(realm.Uint8Array.from(file)).tensors.get('a').bytes);

  const frames = [];
  const previewer = createPreviewer(taesd, { onFrame: ({ data }) => void frames.push(hash(data)) });
  previewer.push(own);
  await previewer.idle();
  found.previewer = frames;
  previewer.stop();

  const frame = encodeFrame(own, { model: 'nano', type: 'f16', step: 1 });
  found.encodeFrame = hash(frame);
  const sent = [realm.Uint8Array.from(frame), realm.Uint8Array.from(frame)];
  found.decodeFrame = hash(decodeFrame(sent[0]).latents.data);
  // A stream that is none of any realm's classes.
  const read = async () => ({ done: sent.length === 0, value: sent.shift() });
  const streamed = [];
  const onFrame = ({ data }, { step }) => streamed.push(step, hash(data));
  await previewFrom({ getReader: () => ({ read, cancel() {} }) }, taesd, { onFrame }).done;
  // The first one may be dropped.
  found.previewFrom = streamed.slice(-2);

  const layers = realm.Array.from([conv3x3(4, 5), block(5)]);
  const layerWeights = new realm.Map(
    [
      ['0.weight', [5, 4, 3, 3]],
      ['0.bias', [5]],
      ...[0, 2, 4].flatMap((n) => [
        [`1.conv.${n}.weight`, [5, 5, 3, 3]],
        [`1.conv.${n}.bias`, [5]],
      ]),
    ].map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, data: realm.Float32Array.from({ length }, (_, i) => Math.sin(i)) }];
    }),
  );
  found.runNetwork = hash((await runNetwork(layers, layerWeights, own, { signal })).data);
  const network = await loadNetwork(layers, layerWeights, {
    wasm: realm.Uint8Array.from(kernels()),
  });
  found['network.run'] = hash((await network.run(own)).data);
  network.dispose();

  const given = nano();
  const weights = Object.fromEntries(
    Object.entries(given.weights).map(([half, one]) => [half, realm.Uint8Array.from(one)]),
  );
  const wasm = realm.Uint8Array.from(kernels());
  const others = await Taesd.load({ ...given, weights, wasm, workers: 1 });
  found['decode, a worker, weights and kernels given'] = hash((await others.decode(own)).data);
  found.workers = others.info.workers;
  others.dispose();
  const module = new realm.WebAssembly.Module(wasm);
  const compiled = await Taesd.load({ ...given, wasm: module, workers: 0 });
  found['decode, a module given'] = hash((await compiled.decode(own)).data);
  compiled.dispose();
  taesd.dispose();
  return found;
}

/** Weights at an address that the realm's URL names, and a signal of the realm's beside it. */
export async function loadByUrl(realm, address, model) {
  const { signal } = new realm.AbortController();
  const taesd = await Taesd.load({ model, weights: new realm.URL(address), signal, workers: 0 });
  return taesd.info.weights;
}

/** The README's picture file, as Node's Buffer. */
export const decodeFile = (path) => hash(decodePng(readFileSync(path)).data);

const clamp = (value) => Math.min(Math.max(value, 0), 1);
