// The session and the tensors, which both builds of onnxruntime have in common.
import { readFileSync } from 'node:fs';
import { PEER_FRAMES } from '../models.mjs';
import { onnxUrl } from '../shared.mjs';

export async function createSession(api, [part, model], options) {
  const bytes = readFileSync(onnxUrl(part, model));
  const session = await api.InferenceSession.create(bytes, options);
  return {
    async run({ shape, data }) {
      const { y } = await session.run({ x: new api.Tensor('float32', data, shape) });
      const [frames, ...frame] = y.dims;
      if (frames !== (PEER_FRAMES[model] ?? 1)) throw new Error(`gives ${frames} frames`);
      return { shape: [1, ...frame], data: y.data.subarray((1 - 1 / frames) * y.data.length) };
    },
  };
}
