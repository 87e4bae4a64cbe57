"""dream's network, its inputs, and the way from noise to latents.

A network is a list of layers of src/model/layers.ts. `parse` makes it of a line such as `c64 r b64 c4`:
  cN  3×3 convolution to N channels        dN  3×3 convolution with stride 2, which halves the map
  bN  block of N channels                  uN  3×3 convolution to 4·N channels, pixel shuffle: doubles the map
  r   ReLU                                 b64*3 stands for three of b64
"""
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

NANO = Path(__file__).resolve().parent.parent / 'nano'


def nano_module(name: str) -> ModuleType:
    """A module of weights/nano by its path: `train` would be the one of this folder otherwise."""
    if str(NANO) not in sys.path:
        sys.path.append(str(NANO))
    spec = importlib.util.spec_from_file_location(f'nano_{name}', NANO / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


networks = nano_module('networks')

LATENT_CHANNELS, LATENT_SIZE = 4, 32
TIME_CHANNELS = 9
LAYERS = 'd64 r b64*6 u32 r b32*2 c4'


def parse(line: str, channels: int) -> list[dict]:
    """The layers of a line, for an input of so many channels."""
    layers: list[dict] = []

    def conv(cout: int, stride: int = 1) -> dict:
        return {'kind': 'conv', 'cin': channels, 'cout': cout, 'kernel': 3, 'stride': stride, 'bias': True}

    for token in line.split():
        token, _, count = token.partition('*')
        for _ in range(int(count or 1)):
            kind, width = token[0], int(token[1:] or 0)
            if kind == 'r':
                layers.append({'kind': 'relu'})
                continue
            if kind == 'b':
                layers.append({'kind': 'block', 'cin': channels, 'cout': width, 'pool': False})
            elif kind == 'u':
                layers += [conv(4 * width), {'kind': 'pixelShuffle', 'factor': 2}]
            else:
                layers.append(conv(width, {'c': 1, 'd': 2}[kind]))
            channels = width
    return layers


def build(layers: list[dict]) -> nn.Sequential:
    def module(layer: dict) -> nn.Module:
        kind = layer['kind']
        if kind == 'conv':
            return networks.conv(layer['cin'], layer['cout'], layer['stride'])
        if kind == 'block':
            return networks.Block(layer['cin'], layer['cout'])
        return nn.PixelShuffle(layer['factor']) if kind == 'pixelShuffle' else nn.ReLU()
    return nn.Sequential(*[module(layer) for layer in layers])


def label_channels(labels: dict[str, list[str]]) -> int:
    return sum(len(values) for values in labels.values())


def input_channels(labels: dict[str, list[str]]) -> int:
    """The noisy latents, two of the position, those of the time, one for each value of a label."""
    return LATENT_CHANNELS + 2 + TIME_CHANNELS + label_channels(labels)


def one_hot(rows: Tensor, labels: dict[str, list[str]]) -> Tensor:
    """[N, labels] of indices, -1 where a label is open → [N, label channels] of zeros and ones."""
    parts = []
    for column, values in enumerate(labels.values()):
        parts.append(rows[:, column:column + 1] == torch.arange(len(values)))
    return torch.cat(parts, 1).float()


def spread_at(t: Tensor) -> Tensor:
    """The spread of (1 − t)·x0 + t·noise, if x0 has spread 1."""
    return (t.square() + (1 - t).square()).sqrt()


def time_channels(t: Tensor) -> Tensor:
    """Chebyshev's polynomials of 2t − 1, from order 1 on, [N, 9]: waves of rising frequency that need no cosine, so that
    every runtime gets the same bits."""
    u = 2 * t - 1
    before, waves = torch.ones_like(u), [u]
    while len(waves) < TIME_CHANNELS:
        before, now = waves[-1], 2 * u * waves[-1] - before
        waves.append(now)
    return torch.stack(waves, 1)


def inputs(x: Tensor, t: Tensor, hot: Tensor) -> Tensor:
    """The network's input: latents x [N, 4, h, w] at the times t [N], and label channels [N, L]."""
    count, _, height, width = x.shape
    down = torch.linspace(-1, 1, height).view(1, 1, height, 1).expand(count, 1, height, width)
    right = torch.linspace(-1, 1, width).view(1, 1, 1, width).expand(count, 1, height, width)
    constant = torch.cat([time_channels(t), hot], 1)
    constant = constant[:, :, None, None].expand(-1, -1, height, width)
    return torch.cat([x / spread_at(t).view(-1, 1, 1, 1), right, down, constant], 1)


def velocity(network: nn.Module, x: Tensor, t: Tensor, hot: Tensor) -> Tensor:
    """The velocity noise − x0 at x. A part of it is known from x alone, as x0 and noise both have spread 1; the
    network makes the rest, which has spread 1 at all times. So it need not carry the noise from its input to its
    output: at t = 1 it makes −x0, at t = 0 the noise."""
    spread = spread_at(t).view(-1, 1, 1, 1)
    known = (2 * t - 1).view(-1, 1, 1, 1) / spread.square()
    made = network(inputs(x, t, hot).contiguous(memory_format=torch.channels_last))
    return known * x + made.float() / spread


def times(steps: int, shift: float) -> list[float]:
    """Times from 1 to 0. A shift above 1 makes more steps near 1, where the scene is decided."""
    plain = [1 - i / steps for i in range(steps + 1)]
    return [shift * t / (1 + (shift - 1) * t) for t in plain]


def sample(network: nn.Module, noise: Tensor, hot: Tensor, steps: int = 20, guidance: float = 2.0,
           shift: float = 1.0) -> Tensor:
    """Latents from noise [N, 4, h, w]: Adams and Bashforth's method of order 2, one run a step, two with guidance."""
    x, last = noise, None
    nothing = torch.zeros_like(hot)
    schedule = times(steps, shift)
    with torch.no_grad():
        for now, after in zip(schedule, schedule[1:]):
            t = torch.full((len(x),), now)
            v = velocity(network, x, t, hot)
            if guidance != 1:
                free = velocity(network, x, t, nothing)
                v = free + guidance * (v - free)
            step = after - now
            if last is None:
                x = x + step * v
            else:
                ratio = step / (2 * last[1])
                x = x + step * ((1 + ratio) * v - ratio * last[0])
            last = v, step
    return x


def metadata(layers: list[dict], labels: dict[str, list[str]], mean: Tensor, spread: Tensor) -> dict[str, str]:
    """The facts that a program needs besides the weights, each as JSON."""
    return {
        'format': 'pt', 'model': 'dream', 'latents': 'taesd', 'licence': 'MIT',
        'layers': json.dumps(layers, separators=(',', ':')),
        'labels': json.dumps(labels, separators=(',', ':')),
        'latent_mean': json.dumps([round(float(v), 6) for v in mean]),
        'latent_spread': json.dumps([round(float(v), 6) for v in spread]),
    }
