// A worker for workerd and similar runtimes: latents in, a PNG out, with the model inside.
import { Taesd } from 'taesd-wasm';
import { createDecodeService } from './decode-service.mjs';
// An ArrayBuffer, made by build.mjs and deployed with the code.
import decoder from './nano-decoder.bin';

const load = () =>
  Taesd.load({ model: 'nano', weights: { decoder: new Uint8Array(decoder) }, only: 'decoder' });
const service = createDecodeService({ load });

export default {
  fetch: (request, _env, context) => service(request, (work) => context.waitUntil(work)),
};
