// The conformance program on a page: the policy, the program, and whether the page stays alive meanwhile.
import { conform } from './conformance.mjs';
import { longestBlocks } from './responsiveness.mjs';

/** No task may be longer while workers decode. */
const LONGEST_BLOCK_MS = 50;

/** Runs all of it and posts what was found. */
export async function runPage(packaged) {
  const found = await examine(packaged).catch((error) => ({
    failure: `${error.message}\n${error.stack}`,
  }));
  await fetch('/result', { method: 'POST', body: JSON.stringify(found) });
}

async function examine(packaged) {
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

  await breakPolicy();
  return result;
}

/** What the policy forbids, at the end: unless both are reported, a page without reports would prove nothing. */
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
