// The conformance program on a page: the policy, the program, and whether the page stays alive
// meanwhile.
import { conform } from './conformance.mjs';
import { decibels, largestDifference } from './measures.mjs';
import { longestBlocks } from './responsiveness.mjs';

/** No task may be longer while workers decode. */
const LONGEST_BLOCK_MS = 50;

/**
 * Runs all of it and posts what was found.
 *
 * @param example  runs README's example for pages
 */
export async function runPage(packaged, example) {
  const found = await examine(packaged, example).catch((error) => ({
    failure: `${error.message}\n${error.stack}`,
  }));
  await fetch('/result', { method: 'POST', body: JSON.stringify(found) });
}

async function examine(packaged, example) {
  const read = async (name) => new Uint8Array(await (await fetch(`/files/${name}`)).arrayBuffer());
  const clock = async () => performance.now();
  const result = await conform({ packaged, read, clock, workers: true, compiles: true });
  const { checks } = result;
  const check = (name, pass, value, bound) => checks.push({ name, pass, value, bound });
  check('cross-origin isolated', !crossOriginIsolated, crossOriginIsolated, false);

  const weights = { decoder: await read('taesd_decoder.safetensors') };
  const { Taesd } = packaged.taesd;
  result.blocksMs = await longestBlocks(Taesd, weights, 2, LONGEST_BLOCK_MS);
  result.blocksAloneMs = await longestBlocks(Taesd, weights, 0);
  const blockMs = Math.min(...result.blocksMs);
  const name = 'longest block of the page with 2 workers, ms';
  check(name, blockMs < LONGEST_BLOCK_MS, blockMs, LONGEST_BLOCK_MS);

  checks.push(...(await exampleChecks(packaged, example)));
  await breakPolicy();
  return result;
}

/**
 * README's example sends the canvas through nano: what is on it then is what the package gives for
 * what was on it.
 */
async function exampleChecks({ taesd: { Taesd }, nano: { nano } }, example) {
  const context = document.createElement('canvas').getContext('2d');
  const { canvas } = context;
  [canvas.width, canvas.height] = [256, 192];
  document.body.append(canvas);
  const sky = context.createLinearGradient(0, 0, 256, 192);
  for (const [at, colour] of ['navy', 'orange', 'white'].entries())
    sky.addColorStop(at / 2, colour);
  context.fillStyle = sky;
  context.fillRect(0, 0, 256, 192);
  const before = context.getImageData(0, 0, 256, 192);

  await example();
  const { data } = context.getImageData(0, 0, 256, 192);
  const model = await Taesd.load(nano());
  const wanted = await model.decode(await model.encode(before), { width: 256, height: 192 });
  model.dispose();
  const off = largestDifference(data, wanted.data);
  const [after, original] = [data, before.data].map((bytes) => Float32Array.from(bytes, toUnit));
  const closeness = decibels(after, original);
  return [
    { name: 'example of README: bytes off by', pass: off === 0, value: off, bound: 0 },
    {
      name: 'example of README: dB of the canvas before',
      pass: closeness > 25 && closeness < 60,
      value: closeness,
      bound: '25 to 60',
    },
  ];
}

const toUnit = (byte) => byte / 255;

/**
 * What the policy forbids, at the end: unless both are reported, a page without reports would prove
 * nothing.
 */
async function breakPolicy() {
  try {
    new Function('return 1')();
  } catch {
    // As it should be.
  }
  const url = URL.createObjectURL(new Blob([''], { type: 'text/javascript' }));
  try {
    const worker = new Worker(url);
    await new Promise((resolve) => {
      worker.onerror = resolve;
      setTimeout(resolve, 1000);
    });
  } catch {
    // Some throw at once.
  }
}

addEventListener('error', ({ message, filename, lineno }) => {
  const failure = `${message} (${filename}:${lineno})`;
  fetch('/result', { method: 'POST', body: JSON.stringify({ failure }) });
});
