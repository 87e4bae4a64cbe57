"""Trains the explorer's first filters, a 3×3 convolution from 3 to 64 channels, on the tiles of pictures.py.

  python3 first_filters.py --data DIR --sample PNG --out DIR [--steps N] [--seed N] [--threads N]

The network is an autoencoder of one layer: 64 filters and ReLU turn a noisy window of 3×3 pixels into 64 numbers, and
each number adds its own small picture to the window that is drawn again, without the noise. Writes first-filters.safetensors: `weight`
[64,3,3,3] and `bias` [64], the filters in the order of their kinds; and prints what `kinds` measures.
"""
import argparse
import math
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from networks import write_safetensors
from pictures import to_floats
from train import REPORT_EVERY, rate

FILTERS, WINDOW = 64, 3 * 3 * 3
TILES, WINDOWS_OF_EACH = 500, 200
SEEN = 0.15  # of the sample's windows, which each filter answers to at least
BATCH_SIDE = 32  # a batch is a map of 32×32 windows: Debian's PyTorch is fast at convolutions alone

# Brightness, red against green, yellow against blue: orthonormal.
COLOURS = torch.tensor([[1., 1, 1], [1, -1, 0], [1, 1, -2]]) / torch.tensor([[3.], [2], [6]]).sqrt()
# Constant, slope and curve on three pixels: orthonormal.
WAVES = torch.tensor([[1., 1, 1], [-1, 0, 1], [1, -2, 1]]) / torch.tensor([[3.], [2], [6]]).sqrt()
# [27,27]: each row a window in which one colour axis varies as one product of two waves. The first is brightness.
PATTERNS = torch.einsum('ac,iy,jx->aijcyx', COLOURS, WAVES, WAVES).reshape(WINDOW, WINDOW)
DIRECTIONS = ['edges |', 'edges \\', 'edges —', 'edges /']


def windows(data: Path, random: np.random.Generator) -> Tensor:
    """Windows of the tiles that are not held out, float [N,27] in 0…1, each ordered as a filter's weights."""
    tiles = np.load(data / 'tiles.npy', mmap_mode='r')
    trained = np.flatnonzero(~np.load(data / 'held_out.npy'))
    found = []
    for number in np.sort(random.choice(trained, TILES, replace=False)):
        tile = tiles[number]
        for y, x in random.integers(0, tile.shape[0] - 2, (WINDOWS_OF_EACH, 2)):
            found.append(tile[y:y + 3, x:x + 3])
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).flatten(1).float() / 255


def metric(windows: Tensor, power: float, floor: float) -> Tensor:
    """The matrix [27,27] by which differences are multiplied before they are squared. Windows vary most in brightness;
    a power of 0 would leave details and colours without a say, and 0.5 gives equal weight to all that varies by more than
    `floor`, a variance."""
    centred = windows - windows.mean(0)
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(windows))
    matrix = directions @ torch.diag((variances + floor) ** -power) @ directions.T
    return matrix / (centred @ matrix).std()


class Filters(nn.Module):
    """Filters as sums of PATTERNS. Each has length 1: ReLU lets every scale pass to the layer behind, so none is lost."""

    def __init__(self, windows: Tensor) -> None:
        super().__init__()
        # In the beginning, what varies more in pictures is stronger in filters.
        usual = by_rows(windows, PATTERNS).var(0).pow(0.25)
        self.mix = nn.Parameter(torch.randn(FILTERS, WINDOW) * usual)
        self.bias = nn.Parameter(torch.zeros(FILTERS))
        self.drawn = nn.Parameter(0.01 * torch.randn(WINDOW, FILTERS))
        self.rest = nn.Parameter(windows.mean(0))

    def mixed(self) -> Tensor:
        return self.mix / self.mix.norm(dim=1, keepdim=True)

    def unit(self) -> Tensor:
        return by_rows(self.mixed(), PATTERNS.T)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Windows [1,27,H,W] → the filters' sums before ReLU [1,64,H,W], and the windows drawn again."""
        sums = by_pixel(x, self.unit(), self.bias)
        return sums, by_pixel(sums.relu(), self.drawn, self.rest)


def by_pixel(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """A matrix product as a 1×1 convolution, which is many times as fast here."""
    return F.conv2d(x, matrix[:, :, None, None], bias)


def by_rows(x: Tensor, matrix: Tensor) -> Tensor:
    """x [N,27] · matrixᵀ, by the same way."""
    return by_pixel(x.T[None, :, :, None], matrix)[0, :, :, 0].T


def losses(filters: Filters, x: Tensor, weighting: Tensor, args: argparse.Namespace) -> dict[str, Tensor]:
    sums, drawn = filters(x + args.noise * torch.randn_like(x))
    answers = sums.relu()
    size = answers.square().mean((0, 2, 3)).add(1e-7).sqrt()
    unit = filters.unit()
    alike = (by_rows(unit, unit) - torch.eye(FILTERS)).abs()
    share = torch.sigmoid(sums / 0.02).mean((0, 2, 3))  # of the windows that a filter answers to, about
    return {
        'picture': by_pixel(drawn - x, weighting).square().mean(),
        'sparse': (answers.mean((0, 2, 3)) / size).mean() * args.sparse,
        'alike': (alike - args.alike).relu().square().sum() * 0.3,
        'mixed': filters.mixed().abs().sum(1).mean() * args.mixed,
        'silent': (args.share - share).relu().sum() * 10,
    }


class Kind:
    """What a filter mostly answers to, measured on its weights."""

    def __init__(self, weight: Tensor) -> None:
        colours = torch.einsum('ac,cyx->ayx', COLOURS, weight)
        energy = colours.square().sum((1, 2)) / weight.square().sum()
        flat = float(colours[0].mean() ** 2 * 9 / weight.square().sum())
        # Where the spectrum of its brightness lies: edges have theirs on a line through the middle.
        spectrum = torch.fft.fft2(colours[0], (16, 16)).abs().square()
        f = torch.fft.fftfreq(16)
        across, down, mixed = ((spectrum * by).sum() for by in (f[None] ** 2, f[:, None] ** 2, f[:, None] * f[None]))
        self.angle = math.degrees(0.5 * math.atan2(2 * mixed, across - down)) % 180
        directed = math.hypot(across - down, 2 * mixed) / float(across + down + 1e-12)
        hue = math.degrees(math.atan2(float(colours[2].mean()), float(colours[1].mean()))) % 360
        if energy[0] < 0.5:
            self.name, self.key = 'colours', (3, hue)
        elif flat > 0.5 * energy[0]:
            self.name, self.key = 'brightness', (0, -float(colours[0].mean()))
        elif directed > 0.2:
            self.name, self.key = DIRECTIONS[int((self.angle + 22.5) // 45) % 4], (1, (self.angle + 22.5) % 180)
        else:
            self.name, self.key = 'spots', (2, -directed)


def awake(weight: Tensor, bias: Tensor, picture: Tensor) -> Tensor:
    """Raises the biases of filters that answer to less than SEEN of a picture's windows, to just that share."""
    sums = F.conv2d(picture, weight).flatten(1).sort(dim=1).values
    return torch.maximum(bias, -sums[:, int(sums.shape[1] * (1 - SEEN))])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--sample', type=Path, required=True, help='the picture on which no filter may be dead')
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--steps', type=int, default=1250)
    parser.add_argument('--adam', type=float, default=0.02, help='learning rate')
    parser.add_argument('--power', type=float, default=0.5, help='of the metric: see there')
    parser.add_argument('--floor', type=float, default=0.002, help='of the metric: see there')
    parser.add_argument('--noise', type=float, default=0.06, help='deviation: keeps filters from what hardly varies')
    parser.add_argument('--sparse', type=float, default=0.3, help='weight of answers to many windows')
    parser.add_argument('--mixed', type=float, default=0.1, help='weight of filters that are sums of many patterns')
    parser.add_argument('--alike', type=float, default=0.8, help='|cosine| of two filters from which on they repel')
    parser.add_argument('--share', type=float, default=0.05, help='of the windows, which each filter answers to at least')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    data = windows(args.data, np.random.default_rng(args.seed))
    weighting = metric(data, args.power, args.floor)
    filters = Filters(data)
    optimiser = torch.optim.AdamW(filters.parameters(), args.adam, betas=(0.9, 0.99), weight_decay=0)
    started = time.process_time()
    for step in range(1, args.steps + 1):
        for group in optimiser.param_groups:
            group['lr'] = args.adam * rate(step / args.steps)
        chosen = torch.randint(len(data), (BATCH_SIDE ** 2,))
        x = data[chosen].T.reshape(1, WINDOW, BATCH_SIDE, BATCH_SIDE)
        terms = losses(filters, x, weighting, args)
        optimiser.zero_grad()
        sum(terms.values()).backward()
        optimiser.step()
        if step % REPORT_EVERY == 0 or step == args.steps:
            words = ' '.join(f'{name}={term.item():.4f}' for name, term in terms.items())
            print(step, f'{time.process_time() - started:.0f} s', words, flush=True)

    weight, bias = filters.unit().detach().reshape(FILTERS, 3, 3, 3), filters.bias.detach()
    bias = awake(weight, bias, to_floats(np.asarray(Image.open(args.sample).convert('RGB'))[None])[0])
    kinds = [Kind(one) for one in weight]
    order = sorted(range(FILTERS), key=lambda n: kinds[n].key)
    tensors = {'weight': weight[order].contiguous(), 'bias': bias[order].contiguous()}
    write_safetensors(args.out / 'first-filters.safetensors', tensors, {'format': 'pt', 'licence': 'MIT'})
    flat = weight.flatten(1)
    cosines = (flat @ flat.T).abs().fill_diagonal_(0)
    print(dict(Counter(kinds[n].name for n in order)))
    print(f'largest |cosine| {cosines.max():.3f}, {int((cosines > 0.95).sum()) // 2} pairs above 0.95')


if __name__ == '__main__':
    main()
