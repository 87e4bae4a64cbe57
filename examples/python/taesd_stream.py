"""Latents from Python to taesd-wasm, as frames: docs/wire.md has their bytes.

One file to copy. It needs numpy; FrameSocket needs websockets 10 or newer (Debian: python3-websockets).

  frames = FrameSocket(port=8765)
  frames.wait_for_reader()
  callback = step_callback(pipe.scheduler, frames.send, model='taesdxl')
  pipe(prompt, callback_on_step_end=callback, output_type='latent')
  callback.stop_watching()
  frames.close()

and on the page, with `previewFrom` of taesd-wasm/preview:

  previewFrom(new WebSocket('ws://127.0.0.1:8765'), taesd, { onFrame })
"""
import asyncio
import base64
import contextlib
import functools
import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

_NO_STEP = 0xFFFFFFFF
_TYPES = {'u8': 0, 'f16': 1}
_SPACES = {'diffusion': 0, 'vae': 1}


def encode_frame(latents, model='', *, space='diffusion', dtype='u8', step=None, steps=None, width=None,
                 height=None, acknowledge=False):
    """Encodes latents [C, h, w] or [1, C, h, w], a numpy array or a torch tensor on any device, as a frame.

    model        the model of taesd-wasm they are for: 'taesd', 'taesdxl', 'taesd3', 'taef1' ...; '' if unknown
    space        'diffusion' as in a pipeline's loop, 'vae' for latents of the full VAE
    dtype        'u8': 8 bits between the ends of each channel; 'f16'
    width        of the picture, with height; None for latents x downscale
    acknowledge  asks the reader on a WebSocket for {"done": n} when the nth frame is done with

    Raises ValueError for other shapes, and for NaN and infinity.
    """
    data = to_numpy(latents)
    if data.ndim == 4 and data.shape[0] == 1:
        data = data[0]
    if data.ndim != 3 or 0 in data.shape:
        raise ValueError(f'latents expected the shape [C, h, w] or [1, C, h, w], got {list(data.shape)}')
    if not np.isfinite(data).all():
        raise ValueError('latents expected finite numbers, got NaN or infinity')
    if dtype not in _TYPES:
        raise ValueError(f"dtype expected 'u8' or 'f16', got {dtype!r}")
    if space not in _SPACES:
        raise ValueError(f"space expected 'diffusion' or 'vae', got {space!r}")
    name = model.encode()
    for what, value, most in [('model', len(name), 255), ('a side', max(data.shape), 0xFFFF),
                              ('step', step or 0, _NO_STEP - 1), ('steps', steps or 0, _NO_STEP - 1),
                              ('width', width or 0, 2**31 - 1), ('height', height or 0, 2**31 - 1)]:
        if not 0 <= value <= most:
            raise ValueError(f'{what} expected 0 to {most}, got {value}')
    if dtype == 'f16':
        with np.errstate(over='ignore'):
            half = data.astype('<f2')
        if not np.isfinite(half).all():
            raise ValueError('latents expected numbers below 65520 for f16')
        ranges, numbers = b'', half.tobytes()
    else:
        ranges, numbers = _eight_bits(data)
    padded = name + bytes(-len(name) % 4)
    length = 36 + len(padded) + len(ranges) + len(numbers)
    # The letters of struct: I is u32, H is u16, B is u8; < is little-endian without padding.
    head = struct.pack('<4sIBBBBHHHHIIII', b'TLAT', length, 1, _TYPES[dtype], _SPACES[space], len(name),
                       *data.shape, int(acknowledge), width or 0, height or 0,
                       _NO_STEP if step is None else step, _NO_STEP if steps is None else steps)
    return head + padded + ranges + numbers


def to_numpy(tensor):
    """A float32 array of a numpy array, a list or a torch tensor, whose bfloat16 numpy does not have."""
    if hasattr(tensor, 'detach'):
        tensor = tensor.detach().float().cpu().numpy()
    return np.asarray(tensor, np.float32)


def _eight_bits(data):
    """Min and max of each channel, and a byte a number. Computed in float64, as the reader's own writer does."""
    wide = data.astype(np.float64)
    # The sum makes 0 of -0.
    low, high = wide.min((1, 2)) + 0.0, wide.max((1, 2)) + 0.0
    distance = (high - low) / 255
    safe = np.where(distance == 0, 1, distance)
    bytes_ = np.rint((wide - low[:, None, None]) / safe[:, None, None]).clip(0, 255).astype(np.uint8)
    return np.stack([low, high], 1).astype('<f4').tobytes(), bytes_.tobytes()


def predict_original(sample, output, prediction, *, alpha_cumprod=None, sigma=None, sign=1):
    """The latents that a model believes its noisy sample to hold: `predictOriginal` of taesd-wasm/preview.

    prediction  what the model predicts: 'epsilon', 'v', 'sample' or 'flow'
    Exactly one of alpha_cumprod and sigma is given. docs/previews.md has the formulas and their sources.
    """
    if (alpha_cumprod is None) == (sigma is None):
        raise ValueError('alpha_cumprod, sigma expected exactly one of the two')
    x, o = to_numpy(sample).astype(np.float64), to_numpy(output).astype(np.float64) * sign
    if prediction == 'sample':
        return o.astype(np.float32)
    if sigma is not None:
        s = float(sigma)
        if prediction == 'v':
            return (x / (s * s + 1) - s / np.sqrt(s * s + 1) * o).astype(np.float32)
        return (x - s * o).astype(np.float32)
    a = float(alpha_cumprod)
    if prediction == 'v':
        return (np.sqrt(a) * x - np.sqrt(1 - a) * o).astype(np.float32)
    if prediction != 'epsilon' or a == 0:
        raise ValueError(f'prediction {prediction!r} is not possible with alpha_cumprod {a}')
    return ((x - np.sqrt(1 - a) * o) / np.sqrt(a)).astype(np.float32)


def unpack(tokens, width, height, downscale=8):
    """Latents [1, C, h, w] of FLUX.1's packed ones [1, P, 4C], for a picture of width x height."""
    data = to_numpy(tokens)
    rows, columns = -(-height // (2 * downscale)), -(-width // (2 * downscale))
    if data.ndim != 3 or data.shape[1] != rows * columns:
        raise ValueError(f'latents expected [1, {rows * columns}, 4C] for {width}x{height}, got {list(data.shape)}')
    grid = data[:1].reshape(1, rows, columns, -1, 2, 2)
    return grid.transpose(0, 3, 1, 4, 2, 5).reshape(1, -1, 2 * rows, 2 * columns)


def step_callback(scheduler, send, *, model='', dtype='u8', steps=None, width=None, height=None,
                  acknowledge=True):
    """A `callback_on_step_end` for a pipeline of diffusers: predicts the picture, encodes it, calls send(frame).

    A pipeline hands the callback the sample after the step alone, which is noise for most of the loop. So this
    keeps what the scheduler's own `step` is given: the sample before, and the model's output after guidance.

    send          FrameSocket.send, FrameServer.send, or any function of bytes
    width, height of the picture; required for packed latents, as of FLUX.1

    A preview never ends a generation: a step that cannot be shown, such as one of NaN, is left out.
    `callback.stop_watching()` gives the scheduler its own `step` back. A second callback for a scheduler takes the
    place of the first.
    """
    last = {}
    plain_step = getattr(scheduler.step, 'unwatched', scheduler.step)

    # Pipelines look at the signature for `eta` and `generator`, which `wraps` keeps.
    @functools.wraps(plain_step)
    def watched_step(model_output, timestep, sample, *args, **kwargs):
        last.update(output=model_output, sample=sample)
        return plain_step(model_output, timestep, sample, *args, **kwargs)

    watched_step.unwatched = plain_step
    scheduler.step = watched_step

    def callback(pipe, step, timestep, callback_kwargs):
        if last:
            sample, output = last.pop('sample'), last.pop('output')
            try:
                noise = _noise_of(scheduler, timestep)
                latents = predict_original(sample[:1], output[:1], **noise)
                if latents.ndim == 3:
                    latents = unpack(latents, width, height)
                count = steps or getattr(pipe, 'num_timesteps', None)
                send(encode_frame(latents, model, dtype=dtype, step=step, steps=count, width=width, height=height,
                                  acknowledge=acknowledge))
            except Exception as error:
                print(f'step {step} is not shown: {type(error).__name__}: {error}')
        return callback_kwargs

    def stop_watching():
        if scheduler.__dict__.get('step') is watched_step:
            del scheduler.step

    callback.stop_watching = stop_watching
    return callback


def _noise_of(scheduler, timestep):
    """The arguments of predict_original for the step that a scheduler of diffusers has just made."""
    config = scheduler.config
    if hasattr(config, 'sigma_data'):
        raise ValueError("schedulers of EDM, which scale the model's output, are not supported")
    kinds = {'epsilon': 'epsilon', 'v_prediction': 'v', 'sample': 'sample', 'flow_prediction': 'flow'}
    is_flow = 'FlowMatch' in type(scheduler).__name__ or getattr(config, 'use_flow_sigmas', False)
    prediction = 'flow' if is_flow else kinds[getattr(config, 'prediction_type', 'epsilon')]
    index = getattr(scheduler, 'step_index', None)
    if getattr(scheduler, 'sigmas', None) is None or index is None:
        return {'prediction': prediction, 'alpha_cumprod': float(scheduler.alphas_cumprod[int(timestep)])}
    # `step` has moved the index on.
    sigma = float(scheduler.sigmas[max(index - 1, 0)])
    # DPM-Solver, UniPC and their like keep the sample divided by sqrt(sigma^2 + 1).
    if not is_flow and hasattr(scheduler, '_sigma_to_alpha_sigma_t'):
        return {'prediction': prediction, 'alpha_cumprod': 1 / (sigma * sigma + 1)}
    return {'prediction': prediction, 'sigma': sigma}


class _Latest:
    """A place for one frame, which newer ones replace: a slow reader gets the latest, and memory stays bounded."""

    def __init__(self, wake=lambda: None):
        self._changed = threading.Condition()
        self._wake = wake
        self._frame = None
        self.closed = False
        self.dropped = 0

    def put(self, frame):
        with self._changed:
            if self._frame is not None:
                self.dropped += 1
            self._frame = frame
            self._changed.notify_all()
        self._wake()

    def close(self):
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._wake()

    def take(self):
        """Waits for a frame. None after the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self.closed)
            return self.take_now()

    def take_now(self):
        """The frame that waits; None if there is none."""
        with self._changed:
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def wait_until_taken(self, timeout=None):
        with self._changed:
            return self._changed.wait_for(lambda: self._frame is None or self.closed, timeout)


class _Hub:
    """Readers that come and go. Those that come late begin with the latest frame."""

    def __init__(self):
        self._changed = threading.Condition()
        self._readers = set()
        self._last = None
        self._closed = False

    def send(self, frame):
        """Hands a frame to all readers and returns. A frame that waits for a slow reader is replaced."""
        with self._changed:
            self._last = frame
            readers = list(self._readers)
        for reader in readers:
            reader.put(frame)

    def send_each(self, frame, timeout=60):
        """Like `send`, but first waits until every reader has taken the frame before, or for the timeout."""
        with self._changed:
            readers = list(self._readers)
        for reader in readers:
            reader.wait_until_taken(timeout)
        self.send(frame)

    def wait_for_reader(self, timeout=None):
        """Waits until a reader is there. False after the timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._readers) > 0, timeout)

    def _join(self, *wake):
        reader = _Latest(*wake)
        with self._changed:
            if self._last is not None:
                reader.put(self._last)
            if self._closed:
                reader.close()
            self._readers.add(reader)
            self._changed.notify_all()
        return reader

    def _leave(self, reader):
        reader.close()
        with self._changed:
            self._readers.discard(reader)
            self._changed.notify_all()

    def _end_readers(self, timeout):
        """Ends all readers once they have taken their last frame."""
        with self._changed:
            self._closed = True
            for reader in self._readers:
                reader.close()
            self._changed.wait_for(lambda: len(self._readers) == 0, timeout)


class FrameSocket(_Hub):
    """A WebSocket server on a thread of its own. Each frame is one binary message.

    in_flight  the frames that a reader may have before it says that one is done with: for frames that were encoded
               with acknowledge=True. 2 keep a reader busy; more make pictures older.
    origins    the pages that may connect, such as ['https://example.org']. None lets any page.
    on_sent    called with each frame that goes to a reader, on the server's thread

    Raises ImportError without the package websockets, and OSError if the port is taken.
    """

    def __init__(self, port=8765, host='127.0.0.1', in_flight=2, origins=None, on_sent=None):
        try:
            import websockets
        except ImportError as error:
            needs = 'FrameSocket needs the package websockets 10 or newer: pip install websockets'
            raise ImportError(needs) from error
        super().__init__()
        self._websockets = websockets
        self._in_flight = in_flight
        self._on_sent = on_sent or (lambda frame: None)
        self._ready = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(host, port, origins)), daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def close(self, timeout=10):
        """Waits until the readers have their last frame, then closes the connections and the server."""
        self._end_readers(timeout)
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout)

    async def _serve(self, host, port, origins):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            # Latents do not compress, so that deflating them would cost time alone.
            async with self._websockets.serve(self._talk, host, port, origins=origins, compression=None,
                                              max_size=1024) as server:
                self.port = server.sockets[0].getsockname()[1]
                self._ready.set()
                await self._stop.wait()
        except Exception as error:
            if self._ready.is_set():
                raise
            self._error = error
            self._ready.set()

    async def _talk(self, socket, path=None):
        done, room, arrived = 0, asyncio.Event(), asyncio.Event()

        def wake():
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                self._loop.call_soon_threadsafe(arrived.set)

        reader = self._join(wake)

        async def listen():
            # It also keeps the queue of incoming messages empty: a full one would hold back pongs.
            nonlocal done
            async for message in socket:
                done = max(done, _done_of(message))
                room.set()

        listener = asyncio.ensure_future(listen())
        listener.add_done_callback(lambda _: (reader.close(), room.set()))
        sent = 0
        try:
            while True:
                arrived.clear()
                frame = reader.take_now()
                if listener.done() or (frame is None and reader.closed):
                    break
                if frame is None:
                    await arrived.wait()
                    continue
                self._on_sent(frame)
                await socket.send(frame)
                sent += 1
                while is_acknowledged(frame) and sent - done >= self._in_flight and not listener.done():
                    room.clear()
                    await room.wait()
            await socket.close()
        except self._websockets.ConnectionClosed:
            pass
        finally:
            listener.cancel()
            self._leave(reader)


def is_acknowledged(frame):
    """True for a frame that asks its reader for an answer."""
    return frame[18] & 1 == 1


def _done_of(message):
    """The number in {"done": n}; 0 for any other message."""
    try:
        done = json.loads(message)['done']
        return done if isinstance(done, int) else 0
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0


class FrameServer(_Hub):
    """An HTTP server on threads: GET /frames is a body of frames in chunks, GET /events server-sent events.

    origin  the pages that may read it: '*', an origin such as 'https://example.org', or None for those of its own
    """

    def __init__(self, port=8766, host='127.0.0.1', origin=None):
        super().__init__()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            # Seconds after which a reader that takes nothing is given up.
            timeout = 60

            def do_GET(self):
                path = self.path.split('?')[0]
                if path not in ('/frames', '/events'):
                    self.send_error(404)
                    return
                is_events = path == '/events'
                self.send_response(200)
                self.send_header('content-type', 'text/event-stream' if is_events else 'application/octet-stream')
                self.send_header('cache-control', 'no-store')
                self.send_header('transfer-encoding', 'chunked')
                if origin is not None:
                    self.send_header('access-control-allow-origin', origin)
                self.end_headers()
                reader = hub._join()
                try:
                    frame = reader.take()
                    while frame is not None:
                        self._chunk(event_of(frame) if is_events else frame)
                        frame = reader.take()
                    if is_events:
                        # An EventSource would otherwise connect again.
                        self._chunk(b'event: end\ndata:\n\n')
                    self._chunk(b'')
                except OSError:
                    self.close_connection = True
                finally:
                    hub._leave(reader)

            def _chunk(self, data):
                self.wfile.write(b'%x\r\n%b\r\n' % (len(data), data))

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self, timeout=10):
        """Waits until the readers have their last frame, then ends the connections and the server."""
        self._end_readers(timeout)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout)


def event_of(frame):
    """A frame as a server-sent event."""
    return b'event: latents\ndata: ' + base64.b64encode(frame) + b'\n\n'
