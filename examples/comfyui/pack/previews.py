"""Sends the latents of each step to the page, beside ComfyUI's own preview."""
import base64
import logging

import latent_preview
from server import PromptServer

from .taesd_stream import encode_frame

#: The name of the event. The page's extension listens to it.
EVENT = "taesd-wasm.latents"

#: The models that the page has a small decoder for, by the file that ComfyUI's own preview uses.
MODELS = {
    "taesd_decoder": "taesd",
    "taesdxl_decoder": "taesdxl",
    "taesd3_decoder": "taesd3",
    "taef1_decoder": "taef1",
}


class LatentSender(latent_preview.LatentPreviewer):
    """Wraps a previewer. It sends the latents, and leaves the usual preview as it is."""

    def __init__(self, previewer, model, steps):
        self.previewer = previewer
        self.model = model
        self.steps = steps
        self.step = 0
        self.has_failed = False

    def __getattr__(self, name):
        # Other packs read `taesd` and `latent_rgb_factors` of a previewer.
        if name == "previewer":
            raise AttributeError(name)
        return getattr(self.previewer, name)

    def decode_latent_to_preview(self, x0):
        return self.previewer.decode_latent_to_preview(x0)

    def decode_latent_to_preview_image(self, preview_format, x0):
        # A preview must not stop the sampler.
        try:
            self.send(x0)
        except Exception:
            if not self.has_failed:
                logging.exception("taesd-wasm: latents could not be sent to the page")
            self.has_failed = True
        self.step += 1
        return self.previewer.decode_latent_to_preview_image(preview_format, x0)

    def send(self, x0):
        server = PromptServer.instance
        # The first picture of a batch, and of a video its first frame, as ComfyUI's own preview.
        latents = x0[0, :, 0] if x0.ndim == 5 else x0[0]
        frame = encode_frame(
            latents.detach().float().cpu().numpy(),
            model=self.model,
            step=self.step,
            steps=self.steps,
        )
        data = {
            "frame": base64.b64encode(frame).decode("ascii"),
            "node": getattr(server, "last_node_id", None),
        }
        server.send_sync(EVENT, data, getattr(server, "client_id", None))


def install():
    """Wraps the two functions of `latent_preview` that every sampler goes through."""
    get_previewer = latent_preview.get_previewer
    prepare_callback = latent_preview.prepare_callback
    if getattr(get_previewer, "sends_latents", False):
        return
    steps_of_call = []

    def get_sending_previewer(device, latent_format, *args, **options):
        previewer = get_previewer(device, latent_format, *args, **options)
        model = MODELS.get(getattr(latent_format, "taesd_decoder_name", None))
        # None: previews are switched off.
        if previewer is None or model is None:
            return previewer
        return LatentSender(previewer, model, steps_of_call[-1] if steps_of_call else None)

    def prepare_counted_callback(model, steps, *args, **options):
        # Only here is it known how many steps there are.
        steps_of_call.append(steps)
        try:
            return prepare_callback(model, steps, *args, **options)
        finally:
            steps_of_call.pop()

    get_sending_previewer.sends_latents = True
    latent_preview.get_previewer = get_sending_previewer
    latent_preview.prepare_callback = prepare_counted_callback
