"""Measures a nano on pictures it was not trained on, beside its TAESD, and writes what it makes of them.

  python3 evaluate.py --model nano-sdxl --weights DIR --nano DIR --pictures DIR [--out DIR]
"""
import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from networks import (LATENT_CHANNELS, MODELS, load, multiply_adds, nano_decoder, nano_encoder, pad_to_multiple,
                      parameters, taesd_decoder, taesd_encoder)
from pictures import to_bytes, to_floats

NAMES = ['astronaut', 'chelsea']


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.square((a.astype(float) - b) / 255).mean()))


def eight_bits(latents: Tensor) -> Tensor:
    return ((latents / 6 + 0.5).clamp(0, 1).mul(255).round() / 255 - 0.5) * 6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--model', choices=MODELS, required=True)
    parser.add_argument('--weights', type=Path, required=True)
    parser.add_argument('--nano', type=Path, required=True)
    parser.add_argument('--pictures', type=Path, required=True)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    torch.set_num_threads(2)
    model, space = args.model, MODELS[args.model]
    channels = LATENT_CHANNELS[space]

    def loaded(name: str, half: str, network: nn.Sequential) -> nn.Sequential:
        return load(network, (args.nano if name == model else args.weights) / f'{name}_{half}.safetensors')

    encoders = {space: loaded(space, 'encoder', taesd_encoder(channels))}
    decoders = {space: loaded(space, 'decoder', taesd_decoder(channels)),
                model: loaded(model, 'decoder', nano_decoder(channels))}
    if model == 'nano':
        encoders[model] = loaded(model, 'encoder', nano_encoder())
    for name, networks, x in (('encoder', encoders, torch.zeros(1, 3, 512, 512)),
                              ('decoder', decoders, torch.zeros(1, channels, 64, 64))):
        for key, network in networks.items():
            count, work = parameters(network), multiply_adds(network, x)
            print(f'{key} {name}: {count} parameters, {work / 1e9:.3f} G multiply-adds at 512x512')
    for path in sorted(args.nano.glob(f'{model}_*.safetensors')):
        print(f'{path.name}: {path.stat().st_size} bytes')

    trips = [(encoder, decoder) for encoder in encoders for decoder in decoders]
    print('encoder', 'decoder', 'latents', *NAMES, 'mean', sep='\t')
    for encoder, decoder in trips:
        for rounded in (False, True):
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
