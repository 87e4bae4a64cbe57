"""same-noise.py DIR: dream's latents from DIR/noise.f32, of a lake at dusk, in 10 steps → DIR/latents.f32."""
import json
import sys
from pathlib import Path

import numpy as np
import torch

DREAM = Path(__file__).resolve().parents[2] / 'weights/dream'
sys.path.insert(0, str(DREAM))
import model  # noqa: E402
import sample  # noqa: E402

folder = Path(sys.argv[1])
network, facts = sample.load(DREAM / 'dream.safetensors')
labels = json.loads(facts['labels'])
mean, spread = (torch.tensor(json.loads(facts[name])).view(1, -1, 1, 1) for name in ('latent_mean', 'latent_spread'))
noise = torch.from_numpy(np.fromfile(folder / 'noise.f32', np.float32)).view(1, 4, 32, 32)
wanted = {'time': 'dusk', 'place': 'lake'}
rows = torch.tensor([[values.index(wanted[name]) if name in wanted else -1 for name, values in labels.items()]])
latents = model.sample(network, noise, model.one_hot(rows, labels), 10)
(latents * spread + mean).numpy().tofile(folder / 'latents.f32')
