import {
  type DecodeOptions,
  type NanoName,
  nanoFor,
  type Picture,
  type PictureSource,
  readSafetensors,
  type Step,
  Taesd,
  type Tensor,
  VARIANTS,
} from 'taesd-wasm';
import { Taesd as FromAll, readLatents } from 'taesd-wasm/all';
import { defineTaesdPreview } from 'taesd-wasm/element';
import { kernels } from 'taesd-wasm/kernels';
import { decodeLatentPng, encodeLatentPng } from 'taesd-wasm/latent-file';
import { createPreviewer as fromMin } from 'taesd-wasm/min';
import { nano } from 'taesd-wasm/nano';
import { nanoFlux1 } from 'taesd-wasm/nano-flux1';
import { nanoSd3 } from 'taesd-wasm/nano-sd3';
import { nanoSdxl } from 'taesd-wasm/nano-sdxl';
import {
  block,
  conv3x3,
  type LoadedNetwork,
  loadNetwork,
  type Network,
  relu,
  runNetwork,
} from 'taesd-wasm/network';
import { decodePicture } from 'taesd-wasm/picture';
import { decodePng, encodePngRows } from 'taesd-wasm/png';
import {
  createPreviewer,
  decodeFrame,
  encodeFrame,
  type FrameSource,
  type LatentFrame,
  predictOriginal,
  previewFrom,
} from 'taesd-wasm/preview';
import { createRemote, REMOTE_LIMITS, type RemoteHandler } from 'taesd-wasm/remote';
import relaxed from 'taesd-wasm/taesd.relaxed.wasm';
import relaxedOfEdge from 'taesd-wasm/taesd.relaxed.wasm?module';
import relaxedAddress from 'taesd-wasm/taesd.relaxed.wasm?url';
import module from 'taesd-wasm/taesd.wasm';
import init from 'taesd-wasm/taesd.wasm?init';
import ofEdge from 'taesd-wasm/taesd.wasm?module';
import address from 'taesd-wasm/taesd.wasm?url';

/*
 * The package's types in a strict project for Node, without the DOM's types. Compiled
 * by `npm run lint`, never run.
 */

export async function everything(file: Uint8Array, options: DecodeOptions): Promise<Step[]> {
  const taesd = await Taesd.load({ ...nano(), wasm: kernels(), workers: 0 });
  using other = await Taesd.load({ model: VARIANTS.taesd.name, wasm: module });
  await Taesd.load(nanoSdxl());
  await Taesd.load({ ...nanoSd3(), only: 'decoder' });
  const small: NanoName | undefined = nanoFor(nanoFlux1().model);
  await Taesd.load({ wasm: ofEdge, model: small });
  await Taesd.load({ precision: 'relaxed', wasm: relaxed });
  await Taesd.load({ precision: 'relaxed', wasm: relaxedOfEdge });
  const instance: Promise<object> = init();
  const url: URL = new URL(address, relaxedAddress);
  const latents: Tensor = await taesd.encode(decodePng(file));
  const photo = await decodePicture(new ArrayBuffer(8), { maxPixels: 2 ** 20 });
  // As `new ImageData` wants it.
  const pixels: Uint8ClampedArray<ArrayBuffer> = photo.data;
  await taesd.encode({ ...photo, data: pixels }, { maxSize: 512 });
  // Node has Blobs and no other picture of browsers.
  const source: PictureSource = new Blob([file]);
  await taesd.encode(source, { alpha: 'drop' });
  const respond: RemoteHandler = createRemote({
    models: ['taef1', taesd],
    load: (model) => Taesd.load({ model }),
    limits: { pixels: 2 * REMOTE_LIMITS.pixels },
    encodeJpeg: ({ data }) => new Uint8Array(data),
  });
  const answer: Response = await respond(new Request('http://server/'), (work) => void work);
  await answer.text();
  const picture: Picture = await taesd.decode(latents);
  const pictures: Picture[] = await taesd.decode(latents, { output: 'images' });
  const any: Tensor | Picture | Picture[] = await taesd.decode(latents, options);
  const { width, height } = picture;
  const rows = encodePngRows({ width, height, channels: 3 }, taesd.decodeRows(latents));
  for await (const piece of rows) piece satisfies Uint8Array;
  using previewer = createPreviewer(other, { onFrame: ({ data }) => void data });
  previewer.push({ data: new Float64Array(4), dims: [1n, 4n, 1n, 1n] });
  const original: Tensor = predictOriginal(latents, latents, { prediction: 'v', sigma: 1 });
  previewer.push(original, { output: latents, prediction: 'flow', sigma: 0.5, sign: -1, step: 1 });
  const frame: Uint8Array = encodeFrame(original, { model: 'taesd', step: 1 });
  const back: LatentFrame = decodeFrame(frame);
  await taesd.decode(back);
  const connection: FrameSource = await fetch(url);
  using shown = previewFrom(connection, other, {
    onFrame: ({ data }, { steps }) => void [data, steps],
  });
  await shown.done;
  const { tensors } = readSafetensors(file);
  const copy = decodeLatentPng(encodeLatentPng({ latents }), 'taesd', { maxPixels: 1 });
  // A server that renders pages may have it in its code.
  defineTaesdPreview();
  const steps: Step[] = [];
  for await (const step of taesd.steps(copy.latents)) steps.push(step);
  return [tensors, pictures, any, url, instance].length > 0 ? steps : [];
}

/** A network of the caller's own, by its tensors or by a file, once and often. */
export async function network(file: Uint8Array, noisy: Tensor): Promise<Tensor> {
  const layers: Network = [conv3x3(4, 64), relu(), block(64, 64, { pool: true }), conv3x3(64, 4)];
  const tensors = new Map<string, Tensor>([['0.weight', noisy]]);
  await runNetwork(layers, tensors, noisy, {
    backend: 'auto',
    onProgress: ({ done }) => void done,
  });
  await runNetwork(VARIANTS.taesd.networks.decoder, new ArrayBuffer(8), {
    dims: [4, 1, 1],
    data: new Float64Array(4),
  });
  using loaded: LoadedNetwork = await loadNetwork(layers, file, { wasm: module, workers: 2 });
  const bytes: number = loaded.memoryBytes + loaded.info.workers;
  return loaded.run(noisy, { allowNonFinite: bytes > 0 });
}

/** The files that hold the whole package have its types. */
export async function oneFile(file: Uint8Array): Promise<Picture> {
  const taesd = await FromAll.load(nano());
  fromMin(taesd, { onFrame: ({ width }) => console.log(width) }).stop();
  return taesd.decode(await readLatents(file));
}
