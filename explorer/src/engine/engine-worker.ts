import { Taesd } from 'taesd-wasm';
import { answer, handOver, tell } from './answer.ts';
import { Coder } from './coder.ts';
import { Filters } from './filters.ts';
import type { EngineMethods, StepView } from './protocol.ts';
import { Walks } from './walks.ts';
import { loadOptions } from './weights-from.ts';

/*
 * One model in a worker: the package does the work, this hands it on.
 */

interface Engine {
  readonly walks: Walks;
  readonly coder: Coder;
  readonly filters: Filters;
}

let loaded: Engine | undefined;

function engine(): Engine {
  if (loaded === undefined) throw new Error('no model is loaded yet');
  return loaded;
}

/** Thumbnails and histograms are this worker's no longer: they are handed over. */
const buffersOf = ({ thumbnails, summary }: StepView): Transferable[] => [
  thumbnails.data.buffer as ArrayBuffer,
  summary.histogram.buffer as ArrayBuffer,
];

const methods: EngineMethods = {
  async load(model, from) {
    // This is a thread of its own already.
    const options = async () => ({ model, workers: 0, ...(await loadOptions(from)) });
    const taesd = await Taesd.load(await options());
    const missing = (['encoder', 'decoder'] as const).filter((p) => !taesd.info.parts.includes(p));
    // Some models of the package are decoders alone, for previews.
    if (missing.length > 0 && from.kind !== 'package') {
      throw new Error(`These weights lack the ${missing[0]}: choose the files of both halves.`);
    }
    loaded = {
      walks: new Walks(taesd),
      coder: new Coder(taesd, options),
      filters: new Filters(taesd),
    };
    const weights = from.kind === 'served' ? 'the folder beside this page' : taesd.info.weights;
    return { model: taesd.info.model, weights };
  },
  use: (backend) => engine().coder.use(backend),
  async encode(picture) {
    const { result, elapsedMs } = await engine().coder.time((taesd) => taesd.encode(picture));
    return { latents: result, elapsedMs };
  },
  async decode(latents, width, height) {
    const decode = (taesd: Taesd) => taesd.decode(latents, { width, height });
    const { result, elapsedMs } = await engine().coder.time(decode);
    return handOver({ picture: result, elapsedMs }, result.data);
  },
  walk: (walk, picture, latents) =>
    engine().walks.run({
      picture,
      latents,
      onStep: (step) => tell({ type: 'step', walk, step }, buffersOf(step)),
      onLatents: (made) => tell({ type: 'latents', walk, latents: made }),
    }),
  open: (name) => engine().walks.open(name),
  prepare: (name) => engine().walks.prepare(name),
  async channel(name, channel) {
    const channelView = await engine().walks.channel(name, channel);
    return handOver(channelView, channelView.data);
  },
  pixel: (name, position) => engine().walks.pixel(name, position),
  async numbers(asked) {
    const found = await engine().walks.numbers(asked);
    return handOver(found, found.data);
  },
  filters: (name) => engine().filters.of(name),
  async without(name) {
    const left = await engine().walks.without(name);
    return handOver(left, left.picture.data);
  },
  async preview(channel, latents, step, width, height) {
    engine().coder.previews.push(channel, latents, step, width, height);
  },
  async stopPreview(channel) {
    engine().coder.previews.stop(channel);
  },
};

answer(methods);
