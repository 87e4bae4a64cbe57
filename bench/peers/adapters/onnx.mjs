// The session and the tensors, which both builds of onnxruntime have in common.
import { readFileSync } from 'node:fs';
import { onnxUrl } from '../shared.mjs';

export async function createSession(api, [part, model], options) {
  const bytes = readFileSync(onnxUrl(part, model));
  const session = await api.InferenceSession.create(bytes, options);
  return {
    async run({ shape, data }) {
      const { y } = await session.run({ x: new api.Tensor('float32', data, shape) });
      const result = { shape: [...y.dims], data: y.data };
      return result;
    },
  };
}
