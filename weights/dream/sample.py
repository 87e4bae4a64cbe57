"""Draws 4×4 samples that were not chosen, seeds 0 to 15 with the labels in turn, through nano's decoder into a PNG.

  python3 sample.py --weights dream.safetensors --out FILE.png [--decoder FILE] [--steps N] [--guidance G]
                    [--scenes DIR]

Given --scenes, it compares the samples' spectrum with that of the scenes' latents: a grid or softness as numbers.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import model
from model import networks


def load(path: Path) -> tuple[nn.Sequential, dict]:
    data = networks.read_header(path)[0]['__metadata__']
    layers = json.loads(data['layers'])
    return networks.load(model.build(layers), path).to(memory_format=torch.channels_last), data


def labels_in_turn(labels: dict[str, list[str]], count: int) -> Tensor:
    """Rows of indices: four times of day in each row of four pictures, all places within three rows."""
    rows = []
    for i in range(count):
        row = {'time': (i + 2 * (i // 12)) % 4, 'place': (i % 4 + 2 * (i // 4)) % 6, 'weather': i // 2 % 2,
               'season': (i + i // 4) % 4}
        rows.append([row[name] % len(values) for name, values in labels.items()])
    return torch.tensor(rows)


def spectrum(latents: Tensor) -> Tensor:
    """The power at each distance from the middle of the spectrum, [4, 16]."""
    height, width = latents.shape[-2:]
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    power = torch.fft.fft2((latents - latents.mean((2, 3), keepdim=True)) * window).abs().square().mean(0)
    f = torch.fft.fftfreq(height)[:, None].square() + torch.fft.fftfreq(width).square()
    bins = (f.sqrt() * 32).long().clamp(max=15)
    return torch.stack([power[:, bins == b].mean(1) for b in range(16)], 1)


def sheet(pictures: Tensor, columns: int = 4) -> Image.Image:
    values = pictures.clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    rows = [np.concatenate(list(values[i:i + columns]), 1) for i in range(0, len(values), columns)]
    return Image.fromarray(np.concatenate(rows, 0))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--weights', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--decoder', type=Path, default=model.NANO / 'nano_decoder.safetensors')
    parser.add_argument('--steps', type=int, default=20)
    parser.add_argument('--guidance', type=float, default=2)
    parser.add_argument('--shift', type=float, default=1)
    parser.add_argument('--count', type=int, default=16)
    parser.add_argument('--scenes', type=Path)
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    network, data = load(args.weights)
    labels = json.loads(data['labels'])
    mean, spread = (torch.tensor(json.loads(data[name])).view(1, -1, 1, 1) for name in ('latent_mean', 'latent_spread'))
    shape = model.LATENT_CHANNELS, model.LATENT_SIZE, model.LATENT_SIZE
    generators = [torch.Generator().manual_seed(seed) for seed in range(args.count)]
    noise = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
    hot = model.one_hot(labels_in_turn(labels, args.count), labels)
    started = time.time()
    latents = model.sample(network, noise, hot, args.steps, args.guidance, args.shift)
    print(f'{(time.time() - started) / args.count:.2f} s a picture')
    decoder = networks.load(networks.nano_decoder(), args.decoder)
    with torch.no_grad():
        sheet(decoder(latents * spread + mean)).save(args.out)
    if args.scenes:
        real = torch.from_numpy(np.load(args.scenes / 'latents-taesd.npy', mmap_mode='r')[:256].copy())
        ratio = spectrum(latents) / spectrum((real - mean) / spread)
        print('power against that of scenes, from coarse to fine:', *(f'{r:.2f}' for r in ratio.mean(0)))


if __name__ == '__main__':
    main()
