"""Runs the pack's Python half against stand-ins for ComfyUI's modules, and prints what it did.

drive.py FOLDER: FOLDER is the pack as build.mjs makes it.
"""
import importlib.util
import json
import logging
import sys
import types
from pathlib import Path

import numpy
import torch

sent = []
logged = []


class Recorder(logging.Handler):
    def emit(self, record):
        logged.append(record.getMessage())


logging.getLogger().addHandler(Recorder())


class Server:
    client_id = "client"
    last_node_id = "3"
    is_broken = False

    def send_sync(self, event, data, sid=None):
        if self.is_broken:
            raise RuntimeError("the loop is closed")
        sent.append({"event": event, "data": data, "sid": sid})


server = types.ModuleType("server")
server.PromptServer = type("PromptServer", (), {"instance": Server()})

latent_preview = types.ModuleType("latent_preview")


class LatentPreviewer:
    def decode_latent_to_preview(self, x0):
        pass

    def decode_latent_to_preview_image(self, preview_format, x0):
        return (preview_format, self.decode_latent_to_preview(x0), 512)


class Usual(LatentPreviewer):
    taesd = "the usual decoder"

    def decode_latent_to_preview(self, x0):
        return f"picture of {tuple(x0.shape)}"


def get_previewer(device, latent_format):
    return None if device == "previews off" else Usual()


def prepare_callback(model, steps, x0_output_dict=None):
    previewer = latent_preview.get_previewer(model.load_device, model.latent_format)
    images = []

    def callback(step, x0, x, total_steps):
        if previewer:
            images.append(previewer.decode_latent_to_preview_image("JPEG", x0))

    callback.images = images
    callback.previewer = previewer
    return callback


latent_preview.LatentPreviewer = LatentPreviewer
latent_preview.get_previewer = get_previewer
latent_preview.prepare_callback = prepare_callback
sys.modules.update(server=server, latent_preview=latent_preview)

folder = Path(sys.argv[1])


def load():
    spec = importlib.util.spec_from_file_location(
        "pack", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["pack"] = module
    spec.loader.exec_module(module)
    return module


pack = load()
load()


def numbers(shape, kind=torch.float32):
    """The numbers that the test makes, too: (37 i mod 101) / 25 − 2."""
    i = numpy.arange(numpy.prod(shape))
    values = ((37 * i) % 101) / 25 - 2
    return torch.from_numpy(values.astype(numpy.float32)).reshape(shape).to(kind)


def run(decoder, latents, device="cuda", steps=20):
    latent_format = types.SimpleNamespace(taesd_decoder_name=decoder)
    model = types.SimpleNamespace(load_device=device, latent_format=latent_format)
    callback = latent_preview.prepare_callback(model, steps)
    begun = len(sent)
    for step, x0 in enumerate(latents):
        callback(step, x0, None, steps)
    previewer = callback.previewer
    return {
        "images": callback.images,
        "sent": sent[begun:],
        "taesd": None if previewer is None else previewer.taesd,
        "wrapped": type(previewer).__name__,
    }


found = {
    "pack": {"nodes": pack.NODE_CLASS_MAPPINGS, "web": pack.WEB_DIRECTORY},
    "batch": run("taesd_decoder", [numbers((2, 4, 8, 12)), numbers((2, 4, 8, 12)) * 0.5]),
    "sdxl": run("taesdxl_decoder", [numbers((1, 4, 8, 8), torch.bfloat16)], steps=1),
    "flux": run("taef1_decoder", [numbers((1, 16, 6, 4), torch.float16)], steps=4),
    "video": run("taesd3_decoder", [numbers((1, 16, 3, 4, 6))], steps=4),
    "unknown": run(None, [numbers((1, 4, 8, 8))]),
    "off": run("taesd_decoder", [numbers((1, 4, 8, 8))], device="previews off"),
}
server.PromptServer.instance.is_broken = True
found["broken"] = run("taesd_decoder", [numbers((1, 4, 8, 8))] * 2)
found["logged"] = logged
print(json.dumps(found))
