"""A node pack without nodes: full-size previews in ComfyUI's page."""
from . import previews

previews.install()

NODE_CLASS_MAPPINGS = {}
WEB_DIRECTORY = "./web"
__all__ = ["NODE_CLASS_MAPPINGS", "WEB_DIRECTORY"]
