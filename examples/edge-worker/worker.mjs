// A worker for workerd and similar runtimes: latents in, a picture out, with the model inside.
import { Taesd } from 'taesd-wasm';
import { createRemote } from 'taesd-wasm/remote';
// An ArrayBuffer, made by build.mjs and deployed with the code.
import decoder from './nano-decoder.bin';

const weights = { decoder: new Uint8Array(decoder) };
const respond = createRemote({
  models: ['nano'],
  load: (model) => Taesd.load({ model, weights, only: 'decoder' }),
});

export default {
  fetch: (request, _env, context) => respond(request, (work) => context.waitUntil(work)),
};
