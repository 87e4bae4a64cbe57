// onnxruntime-web: WASM with SIMD, one thread.
import { createSession } from './onnx.mjs';

export async function load(part, _, model) {
  const ort = await import('onnxruntime-web');
  const api = ort.default?.InferenceSession ? ort.default : ort;
  api.env.wasm.numThreads = 1;
  return createSession(api, [part, model], { executionProviders: ['wasm'] });
}
