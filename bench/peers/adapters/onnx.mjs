// The session and the tensors, which both builds of onnxruntime have in common.
import { readFileSync } from 'node:fs';
import { onnxUrl } from '../shared.mjs';

export async function createSession(api, part, options) {
  const session = await api.InferenceSession.create(readFileSync(onnxUrl(part)), options);
  return {
    async run({ shape, data }) {
      const { y } = await session.run({ x: new api.Tensor('float32', data, shape) });
      const result = { shape: [...y.dims], data: y.data };
      return result;
    },
  };
}
