"""Trains dream on the latents of scenes.

  python3 train.py --scenes DIR --out DIR [--steps N | --minutes M] [--threads N] [--resume]

The first DIR holds what render.mjs and weights/nano/encode.mjs made: labels.json and latents-taesd.npy. Writes
losses.tsv, checkpoint.pt (every ten minutes and at the end), from which --resume goes on, and dream.safetensors. Given
minutes, the learning rate follows the clock instead of the steps; a run that is to be repeated takes steps.
"""
import argparse
import copy
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import model
from model import networks

nano_train = model.nano_module('train')
REPORT_EVERY = 250
HELD_OUT = 256
TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)  # losses.tsv has the held-out scenes' error at each


class Data:
    """Normalised latents and labels; the first scenes are held out."""

    def __init__(self, scenes: Path) -> None:
        listing = json.loads((scenes / 'labels.json').read_text())
        self.labels = listing['labels']
        self.rows = torch.tensor(listing['scenes'])
        latents = torch.from_numpy(np.load(scenes / 'latents-taesd.npy'))
        self.mean = latents.mean((0, 2, 3))
        self.spread = latents.transpose(0, 1).flatten(1).std(1)
        self.latents = (latents - self.mean.view(-1, 1, 1)) / self.spread.view(-1, 1, 1)
        self.count = len(self.rows)

    def next(self, batch: int, drop: float, open_share: float) -> tuple[Tensor, Tensor]:
        """Latents and label channels. A share of the scenes has no label; of the others, each label may be open."""
        scene = torch.randint(HELD_OUT, self.count, (batch,))
        rows = self.rows[scene].clone()
        rows[torch.rand(rows.shape) < open_share] = -1
        rows[torch.rand(batch) < drop] = -1
        return self.latents[scene], model.one_hot(rows, self.labels)


def random_times(batch: int, spread: float, shift: float) -> Tensor:
    """Logit-normal times, one of each equal share of the distribution, so that a batch has all. Every fifth is uniform:
    few others come near 1, where sampling begins."""
    level = (torch.arange(batch) + torch.rand(batch)) / batch
    t = torch.sigmoid(spread * torch.special.ndtri(level.clamp(1e-4, 1 - 1e-4)))
    t = torch.where(torch.arange(batch) % 5 == 0, torch.rand(batch), t)
    return shift * t / (1 + (shift - 1) * t)


def held_out_errors(network: nn.Module, data: Data) -> list[float]:
    """The mean square error of the velocity at each of TIMES, with equal noise at each call."""
    generator = torch.Generator().manual_seed(7)
    x0 = data.latents[:HELD_OUT]
    noise = torch.randn(x0.shape, generator=generator)
    hot = model.one_hot(data.rows[:HELD_OUT], data.labels)
    errors = []
    with torch.no_grad():
        for time_now in TIMES:
            total = 0.0
            for some in torch.arange(HELD_OUT).split(32):
                t = torch.full((len(some),), time_now)
                x = (1 - time_now) * x0[some] + time_now * noise[some]
                v = model.velocity(network, x, t, hot[some])
                total += float((v - (noise[some] - x0[some])).square().mean()) * len(some)
            errors.append(total / HELD_OUT)
    return errors


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--scenes', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--layers', default=model.LAYERS, help='see model.py')
    parser.add_argument('--steps', type=int, default=20000)
    parser.add_argument('--minutes', type=float, default=0)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--muon', type=float, default=0.02, help="hidden weights' learning rate")
    parser.add_argument('--adam', type=float, default=0.002, help="the other parameters' learning rate")
    parser.add_argument('--average', type=float, default=0.999, help="decay of the weights' moving average")
    parser.add_argument('--time-spread', type=float, default=1.1, help='of the logit of the times')
    parser.add_argument('--time-shift', type=float, default=1.5, help='above 1: more noise')
    parser.add_argument('--drop', type=float, default=0.12, help='share of scenes without labels')
    parser.add_argument('--open', type=float, default=0.1, help="each label's chance to be left out by itself")
    parser.add_argument('--bf16', action='store_true', help='products of 16 bits, where the processor has them')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--resume', action='store_true')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    data = Data(args.scenes)
    layers = model.parse(args.layers, model.input_channels(data.labels))
    network = networks.initialise(model.build(layers), 0).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).requires_grad_(False)
    example = torch.zeros(1, model.input_channels(data.labels), model.LATENT_SIZE, model.LATENT_SIZE)
    work = networks.multiply_adds(network, example) / 1e9
    print(f'{data.count} scenes, {networks.parameters(network)} parameters, {work:.3f} G multiply-adds', flush=True)
    optimisers = nano_train.optimisers(network, args.muon, args.adam)
    groups = [group for optimiser in optimisers for group in optimiser.param_groups]
    rates = [group['lr'] for group in groups]
    parameters = list(network.parameters())
    checkpoint, table = args.out / 'checkpoint.pt', args.out / 'losses.tsv'
    step, elapsed = 0, 0.0
    if args.resume and checkpoint.exists():
        state = torch.load(checkpoint)
        network.load_state_dict(state['network'])
        average.load_state_dict(state['average'])
        for optimiser, saved in zip(optimisers, state['optimisers']):
            optimiser.load_state_dict(saved)
        torch.set_rng_state(state['random'])
        step, elapsed = state['step'], state['elapsed']
        lines = table.read_text().splitlines()
        table.write_text('\n'.join(lines[:1] + [row for row in lines[1:] if int(row.split('\t')[0]) <= step]) + '\n')
    else:
        columns = ['step', 'minutes', 'rate', 'loss', *(f'held_out_{t}' for t in TIMES), 'mean']
        table.write_text('\t'.join(columns) + '\n')

    def save() -> None:
        part = checkpoint.with_suffix('.part')
        torch.save({'network': network.state_dict(), 'average': average.state_dict(), 'step': step, 'elapsed': elapsed,
                    'optimisers': [o.state_dict() for o in optimisers], 'random': torch.get_rng_state()}, part)
        part.rename(checkpoint)
        halves = {name: values.half() for name, values in average.state_dict().items()}
        networks.write_safetensors(args.out / 'dream.safetensors', halves,
                                   model.metadata(layers, data.labels, data.mean, data.spread))

    def progress() -> float:
        return elapsed / 60 / args.minutes if args.minutes else step / args.steps

    total, count, saved = 0.0, 0, time.time()
    while progress() < 1:
        started = time.time()
        scale = nano_train.rate(progress())
        for group, base in zip(groups, rates):
            group['lr'] = base * scale
        x0, hot = data.next(args.batch, args.drop, args.open)
        t = random_times(args.batch, args.time_spread, args.time_shift)
        noise = torch.randn_like(x0)
        at = t.view(-1, 1, 1, 1)
        with torch.autocast('cpu', torch.bfloat16, enabled=args.bf16):
            v = model.velocity(network, (1 - at) * x0 + at * noise, t, hot)
        loss = (v - (noise - x0)).square().mean()
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1)
        for optimiser in optimisers:
            optimiser.step()
        step += 1
        decay = min(args.average, step / (step + 10))
        with torch.no_grad():
            for mean, now in zip(average.parameters(), parameters):
                mean.lerp_(now, 1 - decay)
        total, count = total + loss.item(), count + 1
        elapsed += min(time.time() - started, 5)  # a process stopped for minutes was not training
        if step % REPORT_EVERY == 0 or progress() >= 1:
            errors = held_out_errors(average, data)
            row = [step, f'{elapsed / 60:.2f}', f'{scale:.3f}', f'{total / count:.4f}', *(f'{e:.4f}' for e in errors),
                   f'{sum(errors) / len(errors):.4f}']
            with table.open('a') as file:
                print(*row, sep='\t', file=file)
            print(*row, flush=True)
            total, count = 0.0, 0
        if time.time() - saved > 600 or progress() >= 1:
            save()
            saved = time.time()


if __name__ == '__main__':
    main()
