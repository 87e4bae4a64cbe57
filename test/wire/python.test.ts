import { expect, test } from 'vitest';
import {
  decodeFrame,
  encodeFrame,
  type FrameOptions,
  predictOriginal,
} from '../../src/preview/index.ts';
import type { Tensor } from '../../src/tensor.ts';
import { FrameSplitter } from '../../src/wire/splitter.ts';
import { needs, runPython } from '../python.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * The Python sender's frames beside JavaScript's.
 */

const shape = [1, 4, 9, 7];
/** Usual, tiny and large latents, one number, zeros of both signs, numbers between two levels. */
const TENSORS: readonly Tensor[] = [
  randomTensor(seededRandom(1), shape, 4),
  randomTensor(seededRandom(2), shape, 1e-38),
  { shape, data: new Float32Array(252).fill(2.5) },
  { shape, data: Float32Array.from({ length: 252 }, (_, i) => (i % 2 ? 0 : -0)) },
  {
    shape,
    data: Float32Array.from({ length: 252 }, (_, i) => (i % 63 < 2 ? (i % 63) * 255 : i % 63) / 2),
  },
  randomTensor(seededRandom(3), shape, 60_000),
];
const OPTIONS: readonly FrameOptions[] = [
  { model: 'taesd' },
  { model: 'nano-sdxl', type: 'f16', space: 'vae', step: 0, steps: 4_294_967_294 },
  { model: 'taesdxl', step: 12, steps: 30, width: 50, height: 72, acknowledge: true },
];

test('encode_frame → the bytes of encodeFrame', ({ skip }) => {
  needs(['numpy'], skip);
  const input = Buffer.concat(TENSORS.map(({ data }) => Buffer.from(data.buffer)));
  const out = runPython(
    `
import json, sys
import numpy as np
from taesd_stream import encode_frame
tensors = np.frombuffer(sys.stdin.buffer.read(), '<f4').reshape(-1, ${shape.join(', ')})
for data in tensors:
    for options in json.loads('${JSON.stringify(OPTIONS)}'):
        options['dtype'] = options.pop('type', 'u8')
        sys.stdout.buffer.write(encode_frame(data, **options))`,
    input,
  );
  const wanted = Buffer.concat(
    TENSORS.flatMap((tensor) => OPTIONS.map((options) => encodeFrame(tensor, options))),
  );
  expect(out.length).toBe(wanted.length);
  expect(out.equals(wanted)).toBe(true);
});

test('predict_original, unpack → the numbers of predictOriginal, packed latents as they were', ({
  skip,
}) => {
  needs(['numpy'], skip);
  const [x, o] = [randomTensor(seededRandom(4), shape, 4), randomTensor(seededRandom(5), shape, 1)];
  const rows = [
    { prediction: 'epsilon', alphaCumprod: 0.3 },
    { prediction: 'epsilon', sigma: 7 },
    { prediction: 'v', alphaCumprod: 0 },
    { prediction: 'v', sigma: 3, sign: -1 },
    { prediction: 'sample', sigma: 1 },
    { prediction: 'flow', sigma: 0.7, sign: -1 },
  ] as const;
  const out = runPython(
    `
import json, sys
import numpy as np
from taesd_stream import predict_original, unpack
x, o = np.frombuffer(sys.stdin.buffer.read(), '<f4').reshape(2, ${shape.join(', ')})
for row in json.loads('${JSON.stringify(rows)}'):
    if 'alphaCumprod' in row:
        row['alpha_cumprod'] = row.pop('alphaCumprod')
    sys.stdout.buffer.write(predict_original(x, o, **row).tobytes())
z = np.arange(2 * 4 * 6, dtype=np.float32).reshape(1, 2, 4, 6)
packed = z.reshape(1, 2, 2, 2, 3, 2).transpose(0, 2, 4, 1, 3, 5).reshape(1, 6, 8)
assert (unpack(packed, 47, 25) == z).all()`,
    Buffer.concat([x, o].map(({ data }) => Buffer.from(data.buffer))),
  );
  const got = new Float32Array(Uint8Array.from(out).buffer);
  for (const [n, row] of rows.entries()) {
    const { data } = predictOriginal(x, o, row);
    const far = data.map((value, i) => Math.abs(value - got[252 * n + i]));
    expect(Math.max(...far), JSON.stringify(row)).toBeLessThan(4e-6);
  }
});

test('what cannot be encoded → ValueError with a sentence', ({ skip }) => {
  needs(['numpy'], skip);
  const rows = [
    ['np.zeros((2, 4, 1, 1))', 'the shape [C, h, w] or [1, C, h, w], got [2, 4, 1, 1]'],
    ['np.full((4, 1, 1), np.nan)', 'finite numbers, got NaN or infinity'],
    ["np.zeros((4, 1, 1)), dtype='f32'", "'u8' or 'f16', got 'f32'"],
    ["np.zeros((4, 1, 1)), space='rgb'", "'diffusion' or 'vae', got 'rgb'"],
    ["np.full((4, 1, 1), 1e5), dtype='f16'", 'numbers below 65520 for f16'],
  ];
  const out = runPython(`
import numpy as np
from taesd_stream import encode_frame
${rows
  .map(
    ([argument]) => `try:
    encode_frame(${argument})
except ValueError as error:
    print(str(error).split(' expected ')[1])`,
  )
  .join('\n')}`);
  expect(`${out}`.trim().split('\n')).toEqual(rows.map(([, message]) => message));
});

test('step_callback → the frames of the predicted picture, for each kind of scheduler', ({
  skip,
}) => {
  needs(['numpy'], skip);
  const out = runPython(`
import inspect
import sys
from types import SimpleNamespace
import numpy as np
from taesd_stream import step_callback

random = np.random.default_rng(3)
x0, noise = random.standard_normal((2, 1, 4, 6, 6)).astype(np.float32)


class Scheduler:
    sigmas = np.array([4.0, 2.0, 0.5, 0.0])
    alphas_cumprod = np.linspace(0.99, 0.01, 100)

    def __init__(self, sigma, prediction_type):
        self.config = SimpleNamespace(prediction_type=prediction_type)
        self.step_index = 0 if sigma else None
        if not sigma:
            self.sigmas = None

    def step(self, model_output, timestep, sample, return_dict=True):
        if self.step_index is not None:
            self.step_index += 1
        return (sample * np.nan,)


class FlowMatchEuler(Scheduler):
    sigmas = np.array([0.9, 0.6, 0.3, 0.0])


class DPMSolver(Scheduler):
    def _sigma_to_alpha_sigma_t(self):
        pass


def parts(scheduler, step, timestep):
    """Sample and output of a model that knows the picture."""
    kind = scheduler.config.prediction_type
    if isinstance(scheduler, FlowMatchEuler):
        s = scheduler.sigmas[step]
        return (1 - s) * x0 + s * noise, noise - x0
    if scheduler.sigmas is None or isinstance(scheduler, DPMSolver):
        a = scheduler.alphas_cumprod[timestep] if scheduler.sigmas is None else 1 / (scheduler.sigmas[step] ** 2 + 1)
        outputs = {'epsilon': noise, 'v_prediction': a ** 0.5 * noise - (1 - a) ** 0.5 * x0}
        return a ** 0.5 * x0 + (1 - a) ** 0.5 * noise, outputs[kind]
    s = scheduler.sigmas[step]
    return x0 + s * noise, {'epsilon': noise, 'sample': x0}[kind]


frames = []
for scheduler in [Scheduler(True, 'epsilon'), Scheduler(True, 'sample'), Scheduler(False, 'epsilon'),
                  Scheduler(False, 'v_prediction'), DPMSolver(True, 'v_prediction'), FlowMatchEuler(True, None)]:
    callback = step_callback(scheduler, frames.append, model='taesd', dtype='f16', steps=3)
    for step, timestep in enumerate([90, 50, 10]):
        sample, output = parts(scheduler, step, timestep)
        scheduler.step(output, timestep, sample, return_dict=False)
        kwargs = {'latents': sample}
        assert callback(None, step, timestep, kwargs) is kwargs
    assert 'return_dict' in inspect.signature(scheduler.step).parameters
    callback.stop_watching()
    assert scheduler.step.__func__ is Scheduler.step
# Latents that are no numbers are left out, and the loop goes on.
scheduler = Scheduler(True, 'epsilon')
callback = step_callback(scheduler, frames.append)
scheduler.step(x0 * np.nan, 90, x0)
sys.stdout = sys.stderr
callback(None, 0, 90, {})
sys.__stdout__.buffer.write(x0.tobytes() + b''.join(frames))`);
  const x0 = new Float32Array(Uint8Array.from(out.subarray(0, 576)).buffer);
  const frames = [...new FrameSplitter().take(Uint8Array.from(out.subarray(576)))].map((bytes) =>
    decodeFrame(bytes),
  );
  expect(frames.length).toBe(18);
  for (const [n, { latents, step, steps, model, acknowledge }] of frames.entries()) {
    expect({ step, steps, model, acknowledge }).toEqual({
      ...{ step: n % 3, steps: 3, model: 'taesd', acknowledge: true },
    });
    // f16 rounds to 2^-11 of a number.
    const far = latents.data.map((value, i) => Math.abs(value - x0[i]));
    expect(Math.max(...far), `frame ${n}`).toBeLessThan(0.002);
  }
});

test('FrameSocket → forty readers get the last frame; one that is silent holds up nobody', ({
  skip,
}) => {
  needs(['numpy', 'websockets'], skip);
  const out = runPython(`
import asyncio, contextlib, json, threading
import numpy as np
import websockets
from taesd_stream import FrameSocket, encode_frame

frames = [encode_frame(np.full((4, 8, 8), n), 'taesd', step=n, acknowledge=True) for n in range(50)]
server = FrameSocket(port=0, in_flight=2)
counts = []


async def reader(answers):
    steps = []
    async with websockets.connect(f'ws://127.0.0.1:{server.port}') as socket:
        async for frame in socket:
            steps.append(frame[28])
            with contextlib.suppress(websockets.ConnectionClosed):
                if answers:
                    await socket.send(json.dumps({'done': len(steps)}))
                # Nothing that counts, and nothing that ends the connection.
                await socket.send('[' * 1020)
    return steps


async def readers():
    return await asyncio.gather(*[reader(n > 0) for n in range(41)])


thread = threading.Thread(target=lambda: counts.extend(asyncio.run(readers())))
thread.start()
while len(server._readers) < 41:
    server.wait_for_reader()
for frame in frames:
    server.send(frame)
server.close(timeout=4)
thread.join()
silent, *others = counts
print(json.dumps({
    'silent': len(silent),
    'others': sorted({steps[-1] for steps in others}),
    'sorted': all(steps == sorted(set(steps)) for steps in counts),
}))`);
  expect(JSON.parse(`${out}`)).toEqual({ silent: 2, others: [49], sorted: true });
});

test('FrameSocket → ImportError without websockets; OSError on a port that is taken', ({
  skip,
}) => {
  needs(['numpy', 'websockets'], skip);
  const out = runPython(`
import sys
from taesd_stream import FrameSocket

first = FrameSocket(port=0)
try:
    FrameSocket(port=first.port)
except OSError as error:
    print(type(error).__name__)
first.close()
sys.modules['websockets'] = None
try:
    FrameSocket(port=0)
except ImportError as error:
    print(error)`);
  expect(`${out}`.trim().split('\n')).toEqual([
    'OSError',
    'FrameSocket needs the package websockets 10 or newer: pip install websockets',
  ]);
});

test('2,000 callbacks for one scheduler → the last one watches; stopped → the scheduler’s own step', ({
  skip,
}) => {
  needs(['numpy'], skip);
  const out = runPython(`
import types
import numpy as np
from taesd_stream import step_callback


class Scheduler:
    config = types.SimpleNamespace(prediction_type='epsilon')
    sigmas = [2.0]
    step_index = 0

    def step(self, output, timestep, sample, generator=None):
        self.step_index = 1
        return output


scheduler = Scheduler()
sent = []
callbacks = [step_callback(scheduler, lambda frame, n=n: sent.append(n)) for n in range(2000)]
ones = np.ones((1, 4, 2, 2), np.float32)
print((scheduler.step(ones, 9, ones) == ones).all())
for callback in callbacks:
    callback(None, 0, 9, {})
callbacks[0].stop_watching()
print(sent, 'step' in vars(scheduler))
callbacks[-1].stop_watching()
callbacks[-1].stop_watching()
print('step' in vars(scheduler))`);
  expect(`${out}`.trim().split('\n')).toEqual(['True', '[1999] True', 'False']);
});
