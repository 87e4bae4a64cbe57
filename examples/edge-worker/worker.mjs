// A worker for workerd and its kin: latents in, a PNG out, with the model inside.
import { Taesd } from 'taesd-wasm';
import { nano } from 'taesd-wasm/nano';
import { createDecodeService } from './decode-service.mjs';

const service = createDecodeService({ load: () => Taesd.load({ ...nano(), only: 'decoder' }) });

export default {
  fetch: (request, _env, context) => service(request, (work) => context.waitUntil(work)),
};
