// The conformance program, the same in every runtime. It imports nothing of the package: a page
// under a strict policy has it by address, everyone else by name, so the host hands it over.
import { bytesOfPlanes, decibels, digest, largestDifference } from './measures.mjs';
import { PICTURES } from './pictures.mjs';

/** The bound of the package's own tests against PyTorch, in latents and in pictures of 0 … 1. */
const F32_BOUND = 1e-4;
/** What `fast` promises: dB of the f32 picture, and steps of the 8-bit latents. */
const FAST_DECIBELS = 62;
const FAST_STEPS = 1;
/** nano decodes the latents of taesd; its README says 25 dB of the original. */
const NANO_DECIBELS = 22;
/**
 * README says a few milliseconds; a machine that others use too may take its time. A whole decode
 * takes seconds.
 */
const ABORT_MS = 500;
const NO_WORKERS = '"Worker" expected a runtime with workers, got none';
/**
 * Timed runs after the others, of which the fastest counts: what else a machine does only ever
 * adds.
 */
const TIMED_RUNS = 4;

/** Latents that are timed: 512×512 pixels, as in README's tables. */
const TIMED = latentsOf(64);
/** Latents that take seconds: 1024×1024 pixels. */
const LARGE = latentsOf(128);

const CASES = [
  { file: 'taesd3-astronaut-128x96', model: 'taesd3', width: 128, height: 96 },
  { file: 'taesd-chelsea-451x300', model: 'taesd', width: 451, height: 300 },
];

/** The files that `read` is asked for. */
export const FILES = CASES.flatMap(({ file, model }) => [
  `${file}.safetensors`,
  `${model}_encoder.safetensors`,
  `${model}_decoder.safetensors`,
]);

/**
 * @param packaged  what `taesd-wasm` and its subpaths export: { taesd, nano, nanoSdxl, kernels }
 * @param read      name → bytes of one of FILES
 * @param workers   whether this runtime has workers
 * @param compiles  whether it compiles WebAssembly from bytes
 * @param isTimed   false leaves out `oneThreadMs` and `threadsMs`
 * @param clock     milliseconds; asynchronous, since an edge runtime's own clock stands still while
 *   it computes
 * @returns { checks: [{ name, pass, value, bound }], largestError, digests, threads, oneThreadMs,
 *   threadsMs, abortMs }
 */
export async function conform({ packaged, read, workers, compiles, isTimed = true, clock }) {
  const { Taesd, quantizeLatents, readSafetensors, toTensor } = packaged.taesd;
  const checks = [];
  const digests = {};
  const result = { checks, digests, largestError: 0, threads: 1 };
  const check = (name, pass, value, bound) => checks.push({ name, pass, value, bound });
  const atMost = (name, value, bound) => check(name, value <= bound, value, bound);
  const atLeast = (name, value, bound) => check(name, value >= bound, value, bound);
  const equal = (name, value, bound) => check(name, value === bound, value, bound);

  const weightsOf = async (model) => ({
    encoder: await read(`${model}_encoder.safetensors`),
    decoder: await read(`${model}_decoder.safetensors`),
  });

  for (const { file, model, width, height } of CASES) {
    const golden = goldenOf(readSafetensors, toTensor, await read(`${file}.safetensors`));
    const image = imageOf(golden.bytes('image'), width, height);
    const weights = await weightsOf(model);
    const raw = { output: 'tensor' };
    const name = (what) => `${model} ${width}×${height} ${what}`;

    const f32 = await Taesd.load({ model, weights, workers: 0 });
    const latents = await f32.encode(image);
    const decoded = await f32.decode(golden.tensor('latents'), raw);
    const picture = await f32.decode(golden.tensor('latents'), { width, height });
    const latentsOff = largestDifference(latents.data, golden.tensor('latents').data);
    const decodedOff = largestDifference(decoded.data, golden.tensor('decoded').data);
    const wanted = bytesOfPlanes(golden.tensor('decoded'), { width, height });
    atMost(name('f32 latents, off PyTorch by'), latentsOff, F32_BOUND);
    atMost(name('f32 decoded, off PyTorch by'), decodedOff, F32_BOUND);
    atMost(name('f32 picture, bytes off by'), largestDifference(picture.data, wanted), 1);
    result.largestError = Math.max(result.largestError, latentsOff, decodedOff);

    const fast = await Taesd.load({ model, weights, workers: 0, precision: 'fast' });
    const fastLatents = await fast.encode(image);
    const fastDecoded = await fast.decode(golden.tensor('latents'), raw);
    const steps = [fastLatents, latents].map(({ data }) => quantizeLatents(data));
    atMost(name('fast latents, 8-bit steps off by'), largestDifference(...steps), FAST_STEPS);
    const closeness = decibels(fastDecoded.data, decoded.data);
    atLeast(name('fast decoded, dB of f32'), closeness, FAST_DECIBELS);

    digests[name('f32 latents')] = digest(latents.data);
    digests[name('f32 decoded')] = digest(decoded.data);
    digests[name('fast latents')] = digest(fastLatents.data);
    digests[name('fast decoded')] = digest(fastDecoded.data);
    f32.dispose();
    fast.dispose();
  }

  const { file, model, width, height } = CASES[1];
  const golden = goldenOf(readSafetensors, toTensor, await read(`${file}.safetensors`));
  const image = imageOf(golden.bytes('image'), width, height);
  const latents = golden.tensor('latents');
  const weights = await weightsOf(model);
  const oneThread = (what) => digests[`${model} ${width}×${height} ${what}`];
  const sameBits = async (name, taesd, precision) => {
    const decoded = await taesd.decode(latents, { output: 'tensor' });
    equal(`${name} decoded, bits`, digest(decoded.data), oneThread(`${precision} decoded`));
  };

  for (const precision of ['f32', 'fast']) {
    const taesd = await Taesd.load({ model, weights, precision, workers: 2 });
    const { info } = taesd;
    equal(`2 workers wanted, ${precision}: workers`, info.workers, workers ? 2 : 0);
    // Where there are none the caller is told, and the work is done all the same.
    const reason = info.workersReason ?? 'none';
    equal(`2 workers wanted, ${precision}: reason for none`, reason, workers ? 'none' : NO_WORKERS);
    const encoded = await taesd.encode(image);
    const name = `2 workers wanted, ${precision}:`;
    equal(`${name} latents, bits`, digest(encoded.data), oneThread(`${precision} latents`));
    await sameBits(name, taesd, precision);
    if (precision === 'f32') {
      result.threads = Math.max(info.workers, 1);
      // Without workers it would be the time of one thread.
      if (isTimed && workers) result.threadsMs = await timed(clock, () => taesd.decode(TIMED));
      await abort('aborted, workers wanted', taesd);
    }
    taesd.dispose();
  }

  const taesd = await Taesd.load({ model, weights, workers: 0 });
  result.abortMs = await abort('aborted, one thread', taesd);

  if (packaged.remote !== undefined) {
    const { data } = await taesd.decode(latents);
    const rgb = data.filter((_, i) => i % 4 !== 3);
    const respond = packaged.remote.createRemote({ models: [taesd] });
    const answer = await respond(remoteRequest(latents));
    const bytes = new Uint8Array(await answer.arrayBuffer());
    equal('remote: shape', answer.headers.get('shape'), '[1,304,456,3]');
    equal('remote: bytes', bytes.length, rgb.length);
    atMost('remote: bytes, off by', largestDifference(bytes, rgb), 0);
  }

  const foreign = { shape: [1, 16, 8, 8], data: new Float32Array(16 * 8 * 8) };
  const refusal = await outcome(() => taesd.decode(foreign));
  equal('latents of another model: code', refusal.code, 'SHAPE');
  equal(
    'latents of another model: message',
    refusal.message,
    'decode: "latents" expected shape [N,4,h,w] for model taesd, got [1,16,8,8] ' +
      '(latents of taesd3, taef1 or taew2_1? load({ model }) takes one: taesd3 for Stable Diffusion 3; taef1 for FLUX.1, Z-Image, HiDream; taew2_1 for Qwen-Image, Krea 2, Wan 2.1, Wan 2.2 14B)',
  );
  await sameBits('after latents of another model:', taesd, 'f32');
  if (isTimed) result.oneThreadMs = await timed(clock, () => taesd.decode(TIMED));
  taesd.dispose();

  // As text in a module, for those that cannot load a file; where compiling is forbidden, the
  // refusal says so.
  const load = () => Taesd.load({ model, weights, workers: 0, wasm: packaged.kernels.kernels() });
  if (compiles) {
    const inlined = await load();
    await sameBits('kernels as text:', inlined, 'f32');
    inlined.dispose();
  } else {
    equal('kernels as text: code', (await outcome(load)).code, 'UNSUPPORTED');
  }

  const nano = await Taesd.load(packaged.nano.nano());
  equal('nano: model', nano.info.model, 'nano');
  const { data } = await nano.decode(latents, { width, height, output: 'tensor' });
  const original = golden.bytes('image').map((byte) => byte / 255);
  atLeast('nano decoded, dB of the original', decibels(data, original), NANO_DECIBELS);
  digests['nano decoded'] = digest(data);
  nano.dispose();

  // Another space's: the picture is none, but its bits are the same everywhere.
  const nanoSdxl = await Taesd.load(packaged.nanoSdxl.nanoSdxl());
  equal('nano-sdxl: model', nanoSdxl.info.model, 'nano-sdxl');
  const other = await nanoSdxl.decode(latents, { width, height, output: 'tensor' });
  digests['nano-sdxl decoded'] = digest(other.data);
  nanoSdxl.dispose();

  // An edge runtime decodes no photographs: the packages' files would have to be modules of it.
  if (packaged.picture !== undefined) {
    for (const { name, bytes, width, height, pixels } of PICTURES) {
      const picture = await packaged.picture.decodePicture(bytes);
      equal(`${name}: size`, `${picture.width}×${picture.height}`, `${width}×${height}`);
      equal(`${name}: pixels of sharp`, digest(picture.data), pixels);
      const cut = await outcome(() => packaged.picture.decodePicture(bytes.subarray(0, -3)));
      equal(`${name}, cut off: code`, cut.code, 'TRUNCATED');
    }
  }

  return result;

  /**
   * Cancels a decode that would take seconds, soon after it has begun; the instance must work on.
   */
  async function abort(name, taesd) {
    const controller = new AbortController();
    const { signal } = controller;
    let aborted;
    const soon = setTimeout(async () => {
      const at = await clock();
      controller.abort();
      aborted = at;
    }, 100);
    const end = await outcome(() => taesd.decode(LARGE, { signal }));
    const ms = aborted === undefined ? Infinity : (await clock()) - aborted;
    clearTimeout(soon);
    equal(`${name}: code`, end.code, 'ABORTED');
    atMost(`${name}: ms until it ended`, ms, ABORT_MS);
    await sameBits(`${name}, then`, taesd, 'f32');
    return ms;
  }
}

/** Latents of a square picture. */
function latentsOf(size) {
  const data = Float32Array.from({ length: 4 * size * size }, (_, i) => 2 * Math.sin(i / 7));
  return { shape: [1, 4, size, size], data };
}

/** A file of golden tensors. */
function goldenOf(readSafetensors, toTensor, file) {
  const { tensors } = readSafetensors(file);
  return {
    tensor: (name) => toTensor(tensors.get(name), name, 'golden'),
    bytes: (name) => Float32Array.from(tensors.get(name).bytes),
  };
}

/** Planes as the RGB picture that a caller has. */
function imageOf(planes, width, height) {
  const count = width * height;
  const data = Uint8ClampedArray.from(
    planes,
    (_, i) => planes[(i % 3) * count + Math.floor(i / 3)],
  );
  return { width, height, data };
}

/** What became of a call: its error's code and message, or `none`. */
async function outcome(call) {
  try {
    await call();
    return { code: 'none', message: 'none' };
  } catch (error) {
    return { code: String(error.code), message: error.message };
  }
}

async function timed(clock, call) {
  const times = [];
  for (let run = 0; run < TIMED_RUNS; run++) {
    const start = await clock();
    await call();
    times.push((await clock()) - start);
  }
  return Math.min(...times);
}

/** The request of diffusers' client for the bytes of a picture. */
function remoteRequest({ shape, data }) {
  const sizes = shape.map((size) => `shape=${size}`).join('&');
  const query = `${sizes}&dtype=float32&do_scaling=True&output_type=pt&partial_postprocess=True`;
  const body = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Request(`http://server/?${query}`, { method: 'POST', body });
}
