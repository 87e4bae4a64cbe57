"""Replays latents to a page, as a diffusion loop would make them, and prints when each frame was sent.

  python3 replay.py LATENTS.f32 C h w --frames N --in-flight N --interval MS
"""
import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'examples/python'))
from taesd_stream import FrameSocket, encode_frame  # noqa: E402

STEPS = 30

parser = argparse.ArgumentParser()
parser.add_argument('file')
parser.add_argument('shape', type=int, nargs=3)
parser.add_argument('--frames', type=int, required=True)
parser.add_argument('--in-flight', type=int, required=True)
parser.add_argument('--interval', type=float, default=0)
args = parser.parse_args()

latents = np.fromfile(args.file, '<f4').reshape(args.shape)
random = np.random.default_rng(1)
noise = random.standard_normal(latents.shape).astype(np.float32)
# On the way from noise to the picture.
recorded = [(1 - t) * latents + t * noise for t in np.linspace(1, 0, STEPS)]
sent = {}


def on_sent(frame):
    # The bytes of the step in a frame.
    sent[int.from_bytes(frame[28:32], 'little')] = 1000 * time.time()


socket = FrameSocket(port=0, in_flight=args.in_flight, on_sent=on_sent)
print(socket.port, flush=True)
socket.wait_for_reader()
for n in range(args.frames):
    frame = encode_frame(recorded[n % STEPS], 'taesd', step=n, steps=args.frames, acknowledge=True)
    socket.send_each(frame)
    if args.interval > 0:
        time.sleep(args.interval / 1000)
socket.close()
print(json.dumps({'bytes': len(frame), 'sent': sent}))
