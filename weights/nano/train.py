"""Trains a nano on the data of pictures.py and encode.mjs: the decoder on a TAESD's latents, the encoder before it, and
last the decoder's edges.

  python3 train.py --model nano-sdxl --data DIR --out DIR [--decoder-steps N] [--encoder-steps N]
                   [--edge-steps N] [--seed N] [--threads N] [--resume]

Only `nano` has an encoder of its own. Writes losses.tsv, nano-sdxl_decoder.safetensors (at each
report, so the best so far is there early) and checkpoint.pt, from which --resume goes on.
"""
import argparse
import copy
import math
import time
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from torch import Tensor, nn

from networks import (LATENT_CHANNELS, MODELS, from_eight_bits, in_eight_bits, initialise, nano_decoder, nano_encoder,
                      write_safetensors)
from pictures import to_floats

REPORT_EVERY = 250
EMA = 0.998


class Data:
    """Tiles and their latents."""

    def __init__(self, folder: Path, space: str, seed: int) -> None:
        self.tiles = np.load(folder / 'tiles.npy', mmap_mode='r')
        self.latents = np.load(folder / f'latents-{space}.npy', mmap_mode='r')
        held_out = np.load(folder / 'held_out.npy')
        self.trained, self.held_out = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        self.random = np.random.default_rng(seed)
        self.queue = np.array([], int)

    def next(self, count: int) -> np.ndarray:
        while len(self.queue) < count:  # each tile once before any comes again
            self.queue = np.concatenate([self.queue, self.random.permutation(self.trained)])
        chosen, self.queue = self.queue[:count], self.queue[count:]
        return np.sort(chosen)

    def pictures(self, chosen: np.ndarray) -> Tensor:
        return to_floats(self.tiles[chosen]).contiguous(memory_format=torch.channels_last)

    def encoded(self, chosen: np.ndarray) -> Tensor:
        return torch.from_numpy(self.latents[chosen])


def size_of(difference: Tensor) -> Tensor:
    """Root mean square of each tile's difference, averaged: near to what a mean of PSNRs asks for, where a plain mean
    square would let the few roughest tiles decide."""
    return difference.square().mean((1, 2, 3)).add(1e-5).sqrt().mean()


def colour_size(difference: Tensor) -> Tensor:
    """The same for what is left of the difference without its grey part: false colours beside edges, which the eye sees
    where it would pass over as large an error in brightness."""
    return size_of(difference - difference.mean(1, keepdim=True))


def edge_size(difference: Tensor, border: float) -> Tensor:
    """The same for the steps from each pixel to its neighbours. Steps across the borders of 4×4 pixels, which the last
    pixel shuffle makes at once, count `border` times: otherwise they are larger than others, and a grid shows."""
    weights = torch.ones(difference.shape[-1] - 1)
    weights[3::4] = border
    weights = (weights / weights.mean()).sqrt()
    right = (difference[:, :, :, 1:] - difference[:, :, :, :-1]) * weights
    down = (difference[:, :, 1:] - difference[:, :, :-1]) * weights[:, None]
    return size_of(right) + size_of(down)


def grid(pictures: Tensor) -> float:
    """The mean step across a border of 8×8 pixels, divided by the mean of all others. 1 means no grid."""
    steps = (pictures[:, :, :, 1:] - pictures[:, :, :, :-1]).abs().mean((0, 1, 2))
    borders = torch.arange(len(steps)) % 8 == 7
    return float(steps[borders].mean() / steps[~borders].mean())


def psnr(a: Tensor, b: Tensor) -> float:
    mse = (a.clamp(0, 1) - b).square().mean((1, 2, 3)).clamp(min=1e-6)
    return float((-10 * mse.log10()).mean())


def in_half(network: nn.Module, x: Tensor) -> Tensor:
    """Runs a network in bfloat16, in 0.6 of the time. The weights stay float32."""
    with torch.autocast('cpu', dtype=torch.bfloat16):
        return network(x.contiguous(memory_format=torch.channels_last)).float()


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised by five Newton-Schulz steps: for the weights of hidden convolutions as matrices.
    Matrices of one shape go through the steps together, in bfloat16: Debian's PyTorch multiplies those 40 times as fast.
    Source: https://github.com/KellerJordan/Muon"""

    def __init__(self, weights: list[nn.Parameter], lr: float, decay: float = 0.01) -> None:
        super().__init__(weights, {'lr': lr, 'decay': decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for weight in group['params']:
                alike.setdefault(weight.shape, []).append(weight)
            for shape, weights in alike.items():
                x = torch.stack([self._towards(weight) for weight in weights])
                x = orthogonal(x.flatten(2)).reshape(len(weights), *shape)
                rows, columns = shape[0], shape[1:].numel()
                for weight, change in zip(weights, x):
                    weight.mul_(1 - group['lr'] * group['decay'])
                    weight.add_(change, alpha=-group['lr'] * max(1, rows / columns) ** 0.5)

    def _towards(self, weight: nn.Parameter) -> Tensor:
        state = self.state[weight]
        momentum = state.setdefault('momentum', torch.zeros_like(weight))
        momentum.lerp_(weight.grad, 0.05)
        return weight.grad.lerp(momentum, 0.95).contiguous()


def orthogonal(matrices: Tensor) -> Tensor:
    """Newton-Schulz: draws the singular values of each matrix [N,rows,columns] towards 1."""
    x = matrices.bfloat16()
    is_tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if is_tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x.bmm(x.transpose(1, 2))
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return (x.transpose(1, 2) if is_tall else x).float()


def optimisers(network: nn.Sequential, muon: float, adam: float) -> list[torch.optim.Optimizer]:
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    hidden = [module.weight for module in convs[1:-1]]
    others = [p for p in network.parameters() if not any(p is weight for weight in hidden)]
    return [Muon(hidden, muon), torch.optim.AdamW(others, adam, betas=(0.9, 0.99), weight_decay=0)]


def rate(progress: float) -> float:
    """One cycle: a short rise, then a cosine down to a hundredth."""
    if progress < 0.02:
        return max(progress / 0.02, 0.05)
    return 0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * min((progress - 0.02) / 0.98, 1)))


class Fit:
    """A part of the training: one network's."""

    def __init__(self, name: str, half: str, network: nn.Sequential, args: argparse.Namespace, steps: int,
                 peak: float = 1) -> None:
        self.name, self.half, self.network, self.args, self.steps = name, half, network, args, steps
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.optimisers = optimisers(network, args.muon, args.adam)
        self.base_rates = [group['lr'] * peak for optimiser in self.optimisers for group in optimiser.param_groups]
        self.step, self.elapsed = 0, 0.0

    def progress(self) -> float:
        return self.step / self.steps if self.steps else 1

    def state(self) -> dict:
        return {'network': self.network.state_dict(), 'average': self.average.state_dict(), 'step': self.step,
                'elapsed': self.elapsed, 'optimisers': [o.state_dict() for o in self.optimisers]}

    def restore(self, state: dict) -> None:
        self.network.load_state_dict(state['network'])
        self.average.load_state_dict(state['average'])
        self.step, self.elapsed = state['step'], state['elapsed']
        for optimiser, saved in zip(self.optimisers, state['optimisers']):
            optimiser.load_state_dict(saved)

    def start_from(self, other: 'Fit') -> None:
        """Goes on with the averaged weights of another part."""
        self.network.load_state_dict(other.average.state_dict())
        self.average.load_state_dict(other.average.state_dict())

    def rounded(self) -> nn.Module:
        """The averaged network with the weights that are exported."""
        network = copy.deepcopy(self.average)
        network.load_state_dict(from_eight_bits(in_eight_bits(self.average.state_dict())))
        return network

    def export(self) -> None:
        metadata = {'format': 'pt', 'model': self.args.model, 'latents': MODELS[self.args.model], 'licence': 'MIT'}
        path = self.args.out / f'{self.args.model}_{self.half}.safetensors'
        write_safetensors(path, in_eight_bits(self.average.state_dict()), metadata)

    def run(self, loss: Callable[[], dict[str, Tensor]], measure: Callable[[nn.Module], float],
            save: Callable[[], None]) -> None:
        """`loss` gives named terms, whose sum is minimised; `measure` gives the PSNR of what is held out."""
        parameters = list(self.network.parameters())
        sums: dict[str, float] = {}
        while self.progress() < 1:
            started = time.time()
            scale = rate(self.progress())
            groups = [group for optimiser in self.optimisers for group in optimiser.param_groups]
            for group, base in zip(groups, self.base_rates):
                group['lr'] = base * scale
            terms = loss()
            for optimiser in self.optimisers:
                optimiser.zero_grad()
            sum(terms.values()).backward()
            nn.utils.clip_grad_norm_(parameters, 1)
            for optimiser in self.optimisers:
                optimiser.step()
            self.step += 1
            decay = min(EMA, self.step / (self.step + 10))
            with torch.no_grad():
                for mean, now in zip(self.average.parameters(), parameters):
                    mean.lerp_(now, 1 - decay)
            for name, term in terms.items():
                sums[name] = sums.get(name, 0) + term.item()
            self.elapsed += min(time.time() - started, 5)  # a process stopped for minutes was not training
            if self.step % REPORT_EVERY == 0 or self.progress() >= 1:
                count = self.step % REPORT_EVERY or REPORT_EVERY
                means = ' '.join(f'{name}={value / count:.5f}' for name, value in sums.items())
                sums = {}
                row = [self.name, self.step, f'{self.elapsed / 60:.2f}', f'{scale:.3f}', means,
                       f'{measure(self.rounded()):.3f}', f'{measure(self.average):.3f}']
                with (self.args.out / 'losses.tsv').open('a') as table:
                    print(*row, sep='\t', file=table)
                print(*row, flush=True)
                self.export()
                save()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--model', choices=MODELS, required=True)
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--decoder-steps', type=int, default=5000)
    parser.add_argument('--encoder-steps', type=int, default=0)
    parser.add_argument('--edge-steps', type=int, default=2000)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--muon', type=float, default=0.02, help="hidden weights' learning rate")
    parser.add_argument('--adam', type=float, default=0.002, help="the other parameters' learning rate")
    parser.add_argument('--noise', type=float, default=0.05, help='on a quarter of the latents: a preview sees such')
    parser.add_argument('--colour', type=float, default=0.5, help='weight of errors in colour, beside those in all')
    parser.add_argument('--edge', type=float, default=4, help='weight of errors in the steps between pixels, at the end')
    parser.add_argument('--border', type=float, default=6, help='how much steps across borders count among them')
    parser.add_argument('--latent', type=float, default=0.1, help="weight of the encoder's distance to real latents")
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--resume', action='store_true')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    space = MODELS[args.model]
    channels = LATENT_CHANNELS[space]
    data = Data(args.data, space, args.seed)
    print(f'{len(data.trained)} tiles to train on, {len(data.held_out)} held out', flush=True)

    networks = [initialise(nano_decoder(channels), 0.5), initialise(nano_encoder(), 0)]
    decoder, encoder = (network.to(memory_format=torch.channels_last) for network in networks)
    decoding = Fit('decoder', 'decoder', decoder, args, args.decoder_steps)
    encoding = Fit('encoder', 'encoder', encoder, args, args.encoder_steps)
    edging = Fit('edges', 'decoder', copy.deepcopy(decoder), args, args.edge_steps, peak=0.25)
    checkpoint = args.out / 'checkpoint.pt'

    def save() -> None:
        torch.save({'decoding': decoding.state(), 'encoding': encoding.state(), 'edging': edging.state(),
                    'random': torch.get_rng_state(), 'order': data.random.bit_generator.state, 'queue': data.queue}, checkpoint)

    if args.resume and checkpoint.exists():
        state = torch.load(checkpoint)
        decoding.restore(state['decoding'])
        encoding.restore(state['encoding'])
        if 'edging' in state:
            edging.restore(state['edging'])
        torch.set_rng_state(state['random'])
        data.random.bit_generator.state, data.queue = state['order'], state['queue']
    else:
        (args.out / 'losses.tsv').write_text('network\tstep\tminutes\trate\tlosses\theld_out_psnr\tbefore_rounding\n')

    held_out = data.held_out[:96]
    held_out_pictures, held_out_latents = data.pictures(held_out), data.encoded(held_out)

    def some_difference(network: nn.Module) -> Tensor:
        chosen = data.next(args.batch)
        latents = data.encoded(chosen)
        strength = torch.rand(args.batch, 1, 1, 1) * args.noise * (torch.rand(args.batch, 1, 1, 1) < 0.25)
        latents = latents + strength * torch.randn_like(latents)
        return in_half(network, latents) - data.pictures(chosen)

    def picture_loss(difference: Tensor) -> dict[str, Tensor]:
        return {'picture': size_of(difference), 'colour': colour_size(difference) * args.colour}

    def decoder_psnr(network: nn.Module) -> float:
        with torch.no_grad():
            return psnr(network(held_out_latents), held_out_pictures)

    decoding.run(lambda: picture_loss(some_difference(decoder)), decoder_psnr, save)
    frozen = decoding.average

    def encoder_loss() -> dict[str, Tensor]:
        chosen = data.next(args.batch)
        pictures = data.pictures(chosen)
        latents = in_half(encoder, pictures)
        decoded = in_half(frozen, latents)
        latent = (latents - data.encoded(chosen)).square().mean()
        return {**picture_loss(decoded - pictures), 'latent': latent * args.latent}

    def round_trip_psnr(network: nn.Module) -> float:
        with torch.no_grad():
            return psnr(frozen(network(held_out_pictures)), held_out_pictures)

    encoding.run(encoder_loss, round_trip_psnr, save)

    if edging.step == 0:
        edging.start_from(decoding)

    def edges_loss() -> dict[str, Tensor]:
        difference = some_difference(edging.network)
        return {**picture_loss(difference), 'edges': edge_size(difference, args.border) * args.edge}

    def told_grid(name: str, network: nn.Module) -> None:
        with torch.no_grad():
            print(f'{name}: steps across borders are {grid(network(held_out_latents).clamp(0, 1)):.3f} of the others')

    told_grid('before', decoding.average)
    edging.run(edges_loss, decoder_psnr, save)
    told_grid('after', edging.average)
    print(f'of the pictures: {grid(held_out_pictures):.3f}')


if __name__ == '__main__':
    main()
