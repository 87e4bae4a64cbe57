"""The networks: TAESD (the teacher, from its files) and nano, plus safetensors files, read and written.

A network is an nn.Sequential made of the layer vocabulary of src/model/layers.ts, so that the names of its
tensors are those of the original TAESD: the index in the Sequential, then `conv.0`, `conv.2`, `conv.4`, `skip`.
"""
import json
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Each nano, and the space of its latents.
MODELS = {'nano': 'taesd', 'nano-sdxl': 'taesdxl', 'nano-sd3': 'taesd3', 'nano-flux1': 'taef1'}
# The latent spaces, each named after its TAESD, and their channels.
LATENT_CHANNELS = {'taesd': 4, 'taesdxl': 4, 'taesd3': 16, 'taef1': 16}

EIGHTH, QUARTER = 64, 32  # nano's channels at 1/8 and at 1/4 of the picture's size: multiples of 16, at most 64


class Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


class Block(nn.Module):
    """relu(conv(relu(conv(relu(conv(x))))) + skip(x))"""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(conv(cin, cout), nn.ReLU(), conv(cout, cout), nn.ReLU(), conv(cout, cout))
        self.skip = nn.Identity() if cin == cout else nn.Conv2d(cin, cout, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x) + self.skip(x))


def conv(cin: int, cout: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(cin, cout, 3, stride, 1, bias=bias)


def nano_decoder(latent_channels: int = 4) -> nn.Sequential:
    return nn.Sequential(
        Clamp(), conv(latent_channels, EIGHTH), nn.ReLU(),
        Block(EIGHTH, EIGHTH), Block(EIGHTH, EIGHTH), Block(EIGHTH, EIGHTH),
        conv(EIGHTH, 4 * QUARTER), nn.PixelShuffle(2),
        Block(QUARTER, QUARTER), conv(QUARTER, 3 * 16), nn.PixelShuffle(4),
    )


def nano_encoder() -> nn.Sequential:
    return nn.Sequential(
        nn.PixelUnshuffle(4), conv(3 * 16, QUARTER), nn.ReLU(), Block(QUARTER, QUARTER),
        conv(QUARTER, EIGHTH, stride=2),
        Block(EIGHTH, EIGHTH), Block(EIGHTH, EIGHTH), conv(EIGHTH, 4),
    )


def taesd_decoder(latent_channels: int = 4) -> nn.Sequential:
    def level() -> list[nn.Module]:
        return [Block(64, 64), Block(64, 64), Block(64, 64), nn.Upsample(scale_factor=2), conv(64, 64, bias=False)]
    return nn.Sequential(Clamp(), conv(latent_channels, 64), nn.ReLU(), *level(), *level(), *level(), Block(64, 64), conv(64, 3))


def taesd_encoder(latent_channels: int = 4) -> nn.Sequential:
    def level() -> list[nn.Module]:
        return [conv(64, 64, 2, bias=False), Block(64, 64), Block(64, 64), Block(64, 64)]
    return nn.Sequential(conv(3, 64), Block(64, 64), *level(), *level(), *level(), conv(64, latent_channels))


def initialise(network: nn.Sequential, bias: float) -> nn.Sequential:
    """He's initialisation; the last convolution of each block starts small, so that a block starts as its skip."""
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for module in convs:
        nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, Block):
            with torch.no_grad():
                module.conv[4].weight.mul_(0.2)
    with torch.no_grad():
        convs[-1].weight.mul_(0.2)
        convs[-1].bias.fill_(bias)
    return network


def pad_to_multiple(picture: Tensor, multiple: int = 8) -> Tensor:
    """Zeros at the right and below, as a convolution's padding sees them."""
    height, width = picture.shape[-2:]
    return F.pad(picture, (0, -width % multiple, 0, -height % multiple))


def multiply_adds(network: nn.Sequential, x: Tensor) -> int:
    total = 0

    def count(module: nn.Conv2d, _: tuple, out: Tensor) -> None:
        nonlocal total
        total += out.numel() * module.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return total


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def in_eight_bits(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convolutions' weights as int8 [cout,…], each with `NAME_scale`, float32 [cout]: the number that a 1 stands for.
    Biases stay float32."""
    stored = {}
    for name, values in tensors.items():
        values = values.detach().float()
        if values.dim() != 4:
            stored[name] = values
            continue
        scale = values.abs().amax((1, 2, 3)).clamp(min=1e-12) / 127
        stored[name] = (values / scale.view(-1, 1, 1, 1)).round().to(torch.int8)
        stored[f'{name}_scale'] = scale
    return stored


def from_eight_bits(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse: float32 weights under their own names. Others stay as they are."""
    return {name: values.float() * stored[f'{name}_scale'].view(-1, 1, 1, 1) if values.dtype == torch.int8 else values
            for name, values in stored.items() if not name.endswith('_scale')}


DTYPES = {'I8': 'i1', 'F16': '<f2', 'F32': '<f4'}
NAMES = {torch.int8: 'I8', torch.float16: 'F16', torch.float32: 'F32'}


def read_header(path: Path) -> tuple[dict, bytes]:
    """The header of a safetensors file, and the bytes of its tensors."""
    data = path.read_bytes()
    length, = struct.unpack('<Q', data[:8])
    return json.loads(data[8:8 + length]), data[8 + length:]


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Tensors as float32; those of 8 bits are multiplied by their scales."""
    header, data = read_header(path)
    tensors = {}
    for name, entry in header.items():
        if name == '__metadata__':
            continue
        start, end = entry['data_offsets']
        if entry['dtype'] == 'BF16':  # the upper half of an F32
            values = (np.frombuffer(data[start:end], '<u2').astype('<u4') << 16).view('<f4')
        else:
            values = np.frombuffer(data[start:end], DTYPES[entry['dtype']])
            values = values if entry['dtype'] == 'I8' else values.astype('<f4')
        tensors[name] = torch.from_numpy(values.reshape(entry['shape']).copy())
    return from_eight_bits(tensors)


def write_safetensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Tensors of any type in NAMES. Wider numbers come first, and the header is padded with spaces, so that each starts
    at a multiple of its size."""
    header: dict[str, object] = {'__metadata__': metadata}
    data = b''
    for name in sorted(tensors, key=lambda name: (-tensors[name].element_size(), name)):
        values = tensors[name].detach().numpy().tobytes()
        header[name] = {'dtype': NAMES[tensors[name].dtype], 'shape': list(tensors[name].shape),
                        'data_offsets': [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(struct.pack('<Q', len(text)) + text + data)


def load(network: nn.Sequential, path: Path) -> nn.Sequential:
    network.load_state_dict(read_safetensors(path))
    return network.eval().requires_grad_(False)
