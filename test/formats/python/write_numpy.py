"""Writes files of latents as numpy's users do: write_numpy.py FOLDER, where numbers.f64 holds [16, 6, 5]."""

import sys

import numpy as np

folder = sys.argv[1]
latents = np.fromfile(f"{folder}/numbers.f64", "<f8").reshape(16, 6, 5)
four = latents[:4]

for name in ("float16", "float32", "float64"):
    np.save(f"{folder}/{name}.npy", four[None].astype(name))
np.save(f"{folder}/fortran.npy", np.asfortranarray(four.astype("<f4")))
np.save(f"{folder}/big.npy", four.astype(">f4"))

one = {"original_size": np.array([300, 451]), "crop_ltrb": np.array([0, 2, 300, 449])}
np.savez(f"{folder}/old.npz", latents=four.astype("<f4"), **one)
np.savez(f"{folder}/pic_0040x0048_sdxl.npz", latents=four.astype("<f4"), **one)
np.savez_compressed(f"{folder}/packed_0040x0048_sd.npz", latents=four.astype("<f4"), **one)

many = {}
for h, w in ((6, 5), (3, 5)):
    many[f"latents_{h}x{w}"] = latents[:, :h].astype("<f4")
    many |= {f"{key}_{h}x{w}": value for key, value in one.items()}
np.savez(f"{folder}/pic_0040x0048_flux.npz", **many)
