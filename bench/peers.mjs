// This project beside onnxruntime-web on the same work in the same process: interleaved runs, medians, one thread.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Taesd } from '../dist/index.js';
import { median } from './machine.mjs';

const PEERS = new URL('peers/', import.meta.url);
const SHARED = new URL('../../shared/', import.meta.url);

/** Installs the peers if they are not there; their install scripts, which download, are not run. */
function installPeers() {
  if (existsSync(new URL('node_modules/onnxruntime-web', PEERS))) return;
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', args, { cwd: fileURLToPath(PEERS), stdio: 'inherit' });
  if (status !== 0) throw new Error('the peers could not be installed (no package registry?)');
}

async function loadPeer() {
  installPeers();
  const require = createRequire(new URL('package.json', PEERS));
  const ort = await import(pathToFileURL(require.resolve('onnxruntime-web')).href);
  const { version } = JSON.parse(
    readFileSync(new URL('node_modules/onnxruntime-web/package.json', PEERS), 'utf8'),
  );
  const api = ort.default?.InferenceSession ? ort.default : ort;
  api.env.wasm.numThreads = 1;
  return { api, version };
}

/** A 512×512 picture's worth of work: smooth numbers, so that no path meets denormals. */
function wave(shape, middle, amplitude) {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, i) => middle + amplitude * Math.sin(i / 7));
  return { shape, data };
}

/**
 * @param runs  timed runs of each; one more before them is not timed
 * @returns { peer, rows: { what, ours, theirs, largestDifference } }, times in ms; or { reason } where it cannot run
 */
export async function benchPeers(runs = 5) {
  const weights = new URL('weights/', SHARED);
  if (!existsSync(new URL('peers/taesd_decoder.onnx', SHARED))) {
    return { reason: 'no ONNX files of the peers: ../shared/peers is absent' };
  }
  const { api, version } = await loadPeer();
  const taesd = await Taesd.load({ model: 'taesd', weights });
  const rows = [];
  for (const [what, input, run] of [
    ['decode', wave([1, 4, 64, 64], 0, 2), (x) => taesd.decode(x, { output: 'tensor' })],
    ['encode', wave([1, 3, 512, 512], 0.5, 0.5), (x) => taesd.encode(x)],
  ]) {
    const model = readFileSync(new URL(`peers/taesd_${what}r.onnx`, SHARED));
    const session = await api.InferenceSession.create(model, { executionProviders: ['wasm'] });
    const x = new api.Tensor('float32', input.data, input.shape);
    const timed = async (work) => {
      const started = performance.now();
      const result = await work();
      return { ms: performance.now() - started, result };
    };
    const ours = [];
    const theirs = [];
    let largestDifference = 0;
    for (let i = 0; i <= runs; i++) {
      const a = await timed(() => run(input));
      const b = await timed(() => session.run({ x }));
      if (i === 0) {
        largestDifference = difference(a.result.data, b.result.y.data);
        continue;
      }
      ours.push(a.ms);
      theirs.push(b.ms);
    }
    await session.release();
    rows.push({
      what: `${what} 512×512`,
      ours: median(ours),
      theirs: median(theirs),
      largestDifference,
    });
  }
  taesd.dispose();
  return { peer: `onnxruntime-web ${version}`, rows };
}

function difference(a, b) {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}
