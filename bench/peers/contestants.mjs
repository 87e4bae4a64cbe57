// The contestants. Each runs in a process of its own, on one thread except where its options say
// more.
export const F32 = 'taesd-wasm, f32';
export const FAST = 'taesd-wasm, fast';
export const WEB = 'onnxruntime-web';
export const NATIVE = 'onnxruntime-node';
export const TFJS = 'tfjs-backend-wasm';
export const NCNN = 'ncnn';

/**
 * The adapter of each, its options, and the package whose version is printed (none for this project
 * and for programs).
 */
export const CONTESTANTS = {
  [F32]: { adapter: 'this-project', options: { precision: 'f32', workers: 0 } },
  [FAST]: { adapter: 'this-project', options: { precision: 'fast', workers: 0 } },
  [WEB]: { adapter: 'onnxruntime-web', package: 'onnxruntime-web' },
  [NATIVE]: { adapter: 'onnxruntime-node', package: 'onnxruntime-node' },
  [TFJS]: { adapter: 'tfjs', package: '@tensorflow/tfjs-backend-wasm' },
  [NCNN]: { adapter: 'program' },
};
