"""Writes files of latents as torch's users do: write_torch.py FOLDER, where numbers.f64 holds [16, 6, 5]."""

import gzip
import io
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
