import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '../../src/index.ts';

/*
 * Stand-ins for the parts of diffusers that the documents' Python imports: no Debian package has
 * it.
 */

/**
 * A pipeline whose scheduler knows sigmas, and whose model predicts noise that leads to latents of
 * 1 in channel 0. Called without a callback, it returns latents at once: a tenth of the prompt's
 * length in channel 0.
 */
const PIPELINE = `
import types
import numpy as np

class Scheduler:
    def __init__(self):
        self.config = types.SimpleNamespace(prediction_type='epsilon')
        self.sigmas = np.linspace(14, 0.5, 20)
        self.step_index = None

    def step(self, output, timestep, sample):
        self.step_index = (self.step_index or 0) + 1
        return (sample,)

class StableDiffusionXLPipeline:
    @classmethod
    def from_pretrained(cls, name):
        pipe = cls()
        pipe.scheduler = Scheduler()
        return pipe

    def to(self, device):
        return self

    def __call__(self, prompt, num_inference_steps=20, callback_on_step_end=None, output_type=None):
        self.num_timesteps = num_inference_steps
        target = np.zeros((1, 4, 32, 32), np.float32)
        if callback_on_step_end is None:
            target[:, 0] = len(prompt) / 10
            return types.SimpleNamespace(images=target)
        target[:, 0] = 1
        for step in range(num_inference_steps):
            noise = np.full_like(target, 0.5)
            sample = target + np.float32(self.scheduler.sigmas[step]) * noise
            self.scheduler.step(noise, 999 - step, sample)
            callback_on_step_end(self, step, 999 - step, {})
`;

/** The picture's latents that the pipeline leads to. */
export const LED_TO: Tensor = {
  shape: [1, 4, 32, 32],
  data: Float32Array.from({ length: 4 * 1024 }, (_, i) => (i < 1024 ? 1 : 0)),
};

/** The client of remote models, with arrays of numpy for tensors and bytes for pictures. */
const CLIENT = `
import json
from urllib.parse import urlencode
from urllib.request import Request, urlopen
import numpy as np

def _post(endpoint, query, body, headers):
    return urlopen(Request(f'{endpoint}?{urlencode(query)}', body, headers))

def remote_decode(endpoint, tensor, scaling_factor, image_format='jpg'):
    query = [('shape', size) for size in tensor.shape] + [
        ('dtype', str(tensor.dtype)),
        ('scaling_factor', scaling_factor),
        ('output_type', 'pil'),
        ('partial_postprocess', False),
        ('image_format', image_format),
    ]
    headers = {'content-type': 'tensor/binary', 'accept': f'image/{image_format}'}
    return _post(endpoint, query, tensor.tobytes(), headers).read()

def remote_encode(endpoint, image, scaling_factor):
    # urllib would name a type, which diffusers does not.
    answer = _post(endpoint, {'scaling_factor': scaling_factor}, image, {'content-type': ''})
    shape = json.loads(answer.headers['shape'])
    return np.frombuffer(answer.read(), answer.headers['dtype']).reshape(shape)
`;

/** Writes the package `diffusers` into a folder. */
export function writeDiffusers(folder: string): void {
  mkdirSync(join(folder, 'diffusers/utils'), { recursive: true });
  writeFileSync(join(folder, 'diffusers/__init__.py'), PIPELINE);
  writeFileSync(join(folder, 'diffusers/utils/__init__.py'), '');
  writeFileSync(join(folder, 'diffusers/utils/remote_utils.py'), CLIENT);
}
