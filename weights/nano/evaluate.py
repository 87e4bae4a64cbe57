"""Measures nano on pictures it was not trained on, beside TAESD, and writes what it makes of them.

  python3 evaluate.py --weights DIR --nano DIR --pictures DIR [--out DIR]
"""
import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from networks import (load, multiply_adds, nano_decoder, nano_encoder, pad_to_multiple, parameters, taesd_decoder,
                      taesd_encoder)
from pictures import to_bytes, to_floats

NAMES = ['astronaut', 'chelsea']


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.square((a.astype(float) - b) / 255).mean()))


def eight_bits(latents: Tensor) -> Tensor:
    return ((latents / 6 + 0.5).clamp(0, 1).mul(255).round() / 255 - 0.5) * 6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--weights', type=Path, required=True)
    parser.add_argument('--nano', type=Path, required=True)
    parser.add_argument('--pictures', type=Path, required=True)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    torch.set_num_threads(2)
    encoders: dict[str, nn.Sequential] = {
        'taesd': load(taesd_encoder(), args.weights / 'taesd_encoder.safetensors'),
        'nano': load(nano_encoder(), args.nano / 'nano_encoder.safetensors'),
    }
    decoders: dict[str, nn.Sequential] = {
        'taesd': load(taesd_decoder(), args.weights / 'taesd_decoder.safetensors'),
        'nano': load(nano_decoder(), args.nano / 'nano_decoder.safetensors'),
    }
    for name, networks, x in (('encoder', encoders, torch.zeros(1, 3, 512, 512)),
                              ('decoder', decoders, torch.zeros(1, 4, 64, 64))):
        counts = {key: (parameters(network), multiply_adds(network, x)) for key, network in networks.items()}
        for key, (count, work) in counts.items():
            print(f'{key} {name}: {count} parameters, {work / 1e9:.3f} G multiply-adds at 512x512')
        print(f'  1/{counts["taesd"][1] / counts["nano"][1]:.1f} of the work')
    for key in ('encoder', 'decoder'):
        print(f'nano_{key}.safetensors: {(args.nano / f"nano_{key}.safetensors").stat().st_size} bytes')

    trips = [('taesd', 'taesd', False), ('taesd', 'nano', False), ('taesd', 'nano', True), ('nano', 'nano', False),
             ('nano', 'nano', True), ('nano', 'taesd', False)]
    print('encoder', 'decoder', 'latents', *NAMES, 'mean', sep='\t')
    for encoder, decoder, rounded in trips:
        figures = []
        for name in NAMES:
            original = np.array(Image.open(args.pictures / f'{name}.png').convert('RGB'))
            picture = to_floats(original[None])
            if encoder == 'nano':  # its PixelUnshuffle wants whole cells; TAESD's own strides round up
                picture = pad_to_multiple(picture)
            with torch.no_grad():
                latents = encoders[encoder](picture)
                decoded = decoders[decoder](eight_bits(latents) if rounded else latents)
            result = to_bytes(decoded)[0, :original.shape[0], :original.shape[1]]
            figures.append(psnr(result, original))
            if args.out and not rounded:
                args.out.mkdir(parents=True, exist_ok=True)
                Image.fromarray(result).save(args.out / f'{name}-{encoder}-{decoder}.png')
        print(encoder, decoder, '8 bits' if rounded else 'float', *(f'{f:.3f}' for f in figures),
              f'{np.mean(figures):.3f}', sep='\t')


if __name__ == '__main__':
    main()
