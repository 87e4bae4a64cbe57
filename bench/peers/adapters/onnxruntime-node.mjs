// onnxruntime-node: native code. The package contains the CPU library; its install script would
// download CUDA's.
import { createSession } from './onnx.mjs';

export async function load(part, _, model) {
  const { default: api } = await import('onnxruntime-node');
  const options = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1 };
  return createSession(api, [part, model], options);
}
