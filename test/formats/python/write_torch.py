"""Writes files of latents as torch's users do: write_torch.py FOLDER, where numbers.f64 holds [16, 6, 5].

In FOLDER/any it writes files of tensors of every kind, and expected.json with the numbers of each."""

import collections
import gzip
import io
import json
import os
import sys

import torch

folder = sys.argv[1]
with open(f"{folder}/numbers.f64", "rb") as file:
    latents = torch.frombuffer(bytearray(file.read()), dtype=torch.float64).reshape(16, 6, 5)

for name in ("float32", "float16", "bfloat16"):
    torch.save(latents.to(getattr(torch, name)), f"{folder}/{name}.pt")

single = latents.float()
torch.save(single[4:8], f"{folder}/view.pt")
torch.save(single.permute(1, 2, 0).contiguous().permute(2, 0, 1), f"{folder}/strides.pt")
torch.save({"samples": single[None]}, f"{folder}/samples.pt")
torch.save(
    {
        "__version": "1",
        "__uuid": "0a1b2c3d",
        "latent_image": latents.bfloat16(),
        "latent_mask": torch.ones(1, 6, 5),
    },
    f"{folder}/onetrainer.pt",
)

buffer = io.BytesIO()
torch.save(latents.bfloat16(), buffer)
with gzip.open(f"{folder}/packed.pt", "wb") as file:
    file.write(buffer.getvalue())

torch.manual_seed(14)
numbers = torch.rand(2, 4, 3, 5)
views = {
    "t": numbers.transpose(1, 3),
    "s": numbers[1, 1:3, ::2],
    "e": numbers[:1, :1].expand(3, 2, 3, 5),
    "c": numbers.contiguous(memory_format=torch.channels_last),
    "d": numbers[0, 0].diagonal(),
}
checkpoint = {
    "state_dict": collections.OrderedDict(w=numbers),
    "epoch": 3,
    "name": "x",
    "betas": (0.9, 0.999),
}
module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
files = {
    "bare.pt": numbers[0],
    "samples.pt": {"samples": numbers},
    "f16.pth": {"a": numbers.half(), "b": [numbers.bfloat16(), (numbers.double(), None, 1.5)]},
    "views.bin": views,
    "module.pth": module.state_dict(),
    "parameter.pt": {"p": torch.nn.Parameter(numbers)},
    "checkpoint.ckpt": checkpoint,
}


def walk(value, path, out):
    """Lists the float tensors below a value, each with its path and its numbers, row-major."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point():
            values = value.detach().double().flatten().tolist()
            out.append({"path": path, "shape": list(value.shape), "values": values})
    elif isinstance(value, dict):
        for key in value:
            walk(value[key], path + [key], out)
    elif isinstance(value, (list, tuple)):
        for key in range(len(value)):
            walk(value[key], path + [key], out)


os.mkdir(f"{folder}/any")
found = {}
for name, value in files.items():
    for protocol in (2, 4):
        file = f"{protocol}-{name}"
        torch.save(value, f"{folder}/any/{file}", pickle_protocol=protocol)
        found[file] = []
        walk(value, [], found[file])
torch.save(numbers, f"{folder}/any/legacy.pt", _use_new_zipfile_serialization=False)
with open(f"{folder}/any/expected.json", "w") as file:
    json.dump(found, file)
