"""Paints landscapes with `dream`, the small diffusion model of weights/dream, and sends the picture that it predicts in
each step to all pages that listen. Needs torch, numpy and websockets, and the folder weights/ beside examples/.

  python3 examples/python/dream_stream.py [--port 8765] [--seeds 7 8 9] [--steps 20] [--dtype u8] [--each]
                                          [--save FILE] [--time dusk] [--place lake]

--each sends every step, however slow the page is; without it a slow page gets the latest. --save keeps all frames.
"""
import argparse
import contextlib
import json
import sys
from pathlib import Path

import torch

from taesd_stream import FrameSocket, encode_frame, predict_original

DREAM = Path(__file__).resolve().parents[2] / 'weights/dream'
sys.path.insert(0, str(DREAM))
import model as dream  # noqa: E402


def load():
    """The network, its labels, and the mean and spread of latents [1, 4, 1, 1]."""
    path = DREAM / 'dream.safetensors'
    facts = dream.networks.read_header(path)[0]['__metadata__']
    layers = json.loads(facts['layers'])
    network = dream.networks.load(dream.build(layers), path).to(memory_format=torch.channels_last)
    mean, spread = (torch.tensor(json.loads(facts[name])).view(1, -1, 1, 1)
                    for name in ('latent_mean', 'latent_spread'))
    return network, json.loads(facts['labels']), mean, spread


def generate(network, hot, seed, steps, on_step, guidance=2.0):
    """Calls on_step(step, sigma, x, v) with the sample x and its velocity v, from noise to latents of spread 1."""
    x = torch.randn((1, 4, 32, 32), generator=torch.Generator().manual_seed(seed))
    before = None
    with torch.no_grad():
        for step in range(steps):
            t = torch.full((1,), (steps - step) / steps)
            free = dream.velocity(network, x, t, torch.zeros_like(hot))
            v = free + guidance * (dream.velocity(network, x, t, hot) - free)
            on_step(step, float(t), x, v)
            # Adams and Bashforth's method of order 2; the first step is Euler's.
            x = x - (v if before is None else 1.5 * v - 0.5 * before) / steps
            before = v


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--port', type=int, default=8765)
    parser.add_argument('--seeds', type=int, nargs='+', default=[7, 8, 9])
    parser.add_argument('--steps', type=int, default=20)
    parser.add_argument('--dtype', choices=['u8', 'f16'], default='u8')
    parser.add_argument('--each', action='store_true')
    parser.add_argument('--save', type=Path)
    parser.add_argument('--time', default='dusk')
    parser.add_argument('--place', default='lake')
    args = parser.parse_args()
    torch.set_num_threads(1)
    network, labels, mean, spread = load()
    wanted = {'time': args.time, 'place': args.place}
    for name, value in wanted.items():
        if value not in labels[name]:
            parser.error(f'--{name} expected {", ".join(labels[name])}, got {value}')
    row = [values.index(wanted[name]) if name in wanted else -1 for name, values in labels.items()]
    hot = dream.one_hot(torch.tensor([row]), labels)
    socket = FrameSocket(args.port, in_flight=1 if args.each else 2)
    print(socket.port, flush=True)
    socket.wait_for_reader()
    send = socket.send_each if args.each else socket.send
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(args.save.open('wb')) if args.save else None

        def on_step(step, sigma, x, v):
            # Velocities are differences of latents, so they have mean 0.
            latents = predict_original(x * spread + mean, v * spread, 'flow', sigma=sigma)
            frame = encode_frame(latents, 'taesd', dtype=args.dtype, step=step, steps=args.steps, acknowledge=True)
            if file is not None:
                file.write(frame)
            send(frame)

        for seed in args.seeds:
            generate(network, hot, seed, args.steps, on_step)
    socket.close()


if __name__ == '__main__':
    main()
