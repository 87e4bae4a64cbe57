// onnxruntime-web's WebGPU provider on the peers' ONNX files.
import * as ort from 'onnxruntime-web/webgpu';

ort.env.wasm.wasmPaths = '/bench/webgpu/node_modules/onnxruntime-web/dist/';
ort.env.wasm.numThreads = 1;

export async function load(_part, { onnx }) {
  const session = await ort.InferenceSession.create(onnx, { executionProviders: ['webgpu'] });
  return {
    async run({ shape, data }) {
      const { y } = await session.run({ x: new ort.Tensor('float32', data, shape) });
      return await y.getData(true);
    },
  };
}
