"""Makes the tiles to train on, of free pictures in Debian packages and of synthetic ones.

  python3 pictures.py --packages DIR --out DIR [--density D] [--synthetic N] [--seed N]

Writes tiles.npy [N,192,192,3] u8, held_out.npy [N] bool and pictures.tsv: what was used and under
which licence. encode.py makes the latents of the tiles.
"""
import argparse
import hashlib
import io
import multiprocessing
import re
import struct
import time
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont
from torch import Tensor

Image.MAX_IMAGE_PIXELS = None
TILE = 192


class Source(NamedTuple):
    package: str
    where: str  # a regular expression which a file's path must contain
    weight: float  # tiles a picture, for one of a megapixel
    licence: str  # as in the package's copyright file, for these files
    authors: str


# Photographs weigh most: they are what the figures are about. Drawings and renderings teach flat areas and edges.
SOURCES = [
    Source('plasma-workspace-wallpapers', r'wallpapers/.*/images', 6, 'GPL-2+', 'KDE Visual Design Group'),
    Source('mate-backgrounds', r'backgrounds/mate', 10, 'GPL-2+, CC-BY-SA-4.0', 'MATE project, its AUTHORS file'),
    Source('lomiri-wallpapers-16.04', r'backgrounds', 24, 'CC-BY-4.0, CC-BY-SA-3.0/4.0, CC0-1.0', 'named in the files'),
    Source('lomiri-wallpapers-20.04', r'backgrounds', 24, 'CC-BY-SA-3.0', 'named in the files'),
    Source('gnome-backgrounds', r'backgrounds/gnome', 9, 'GPL-2+, CC-BY-SA-3.0/2.0, CC-BY-2.0', 'GNOME project'),
    Source('ukui-wallpapers', r'backgrounds', 12, 'CC-BY-SA-3.0', 'Ubuntu Kylin community'),
    Source('gcompris-qt-data', r'/(erase|explore_monuments|explore_world_animals|explore_world_music|'
           r'explore_farm_animals|details|clickgame|solar_system)\.rcc:', 20,
           'GPL-3+, CC-BY, CC-BY-SA, CC0-1.0, public domain', 'GCompris project, Wikimedia Commons'),
    Source('gcompris-qt-data', r'/(categorization|lang|babyshapes|leftright|paintings)\.rcc:', 4,
           'GPL-3+, CC-BY, CC-BY-SA, CC0-1.0, public domain', 'GCompris project, Wikimedia Commons'),
    Source('endless-sky-data', r'images/(land|scene|_menu)', 11,
           'public domain, CC-BY-SA-3.0/4.0, CC-BY-4.0', 'Endless Sky project, morgueFile, Wikimedia Commons'),
    Source('tuxpaint-stamps-default', r'tuxpaint/stamps', 5, 'GPL-2', 'Tux Paint project'),
    Source('wesnoth-1.16-data', r'(portraits|story|maps/background|images/terrain)', 3, 'GPL-2+', 'Wesnoth project'),
    Source('palapeli-data', r'palapeli/(collection|backgrounds)', 24, 'GPL-2+', 'Palapeli project'),
    Source('python3-sklearn', r'datasets/images', 24, 'CC-BY-2.0', 'named in its README'),
    Source('plasma-workspace-data', r'(avatars|previews)', 5, 'CC0-1.0, GPL-2+', 'KDE project'),
    Source('dde-account-faces', r'icons', 4, 'GPL-3+', 'deepin'),
    Source('krita-data', r'krita/(patterns|backgrounds|splash)', 5, 'GPL-2+, LGPL-2+', 'Krita project'),
    Source('trigger-rally-data', r'data\.zip:textures/', 2, 'GPL-2+, CC-BY-3.0, CC-BY-SA-3.0, CC0',
           'Trigger Rally project'),
    Source('extremetuxracer-data', r'etr/(env|textures|terrains|courses)', 4, 'GPL-2+, CC0',
           'Extreme Tux Racer project'),
]
# Under the GFDL, or not to be trained on because they are what the figures are measured with.
EXCLUDED = re.compile(r'measuringTape|papilio_demodocus|gazelle|White_shark|kangaroo|chelsea|astronaut', re.I)
PICTURE = re.compile(r'\.(jpe?g|png|webp)$', re.I)


class Picture(NamedTuple):
    source: Source
    name: str
    read: Callable[[], bytes]


class ReadPart:
    """Reads part of a file: an object, not a closure, so that it can be sent to a worker."""

    def __init__(self, path: Path, start: int = 0, length: int = -1, member: str = '') -> None:
        self.path, self.start, self.length, self.member = path, start, length, member

    def __call__(self) -> bytes:
        if self.member:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        with self.path.open('rb') as file:
            file.seek(self.start)
            return file.read(self.length)


def qt_resources(path: Path) -> Iterator[tuple[str, int, int]]:
    """Uncompressed files of a binary Qt resource: name, offset, length. Format: qtbase, qresource.cpp."""
    data = path.read_bytes()
    version, tree, files, names = struct.unpack('>IIII', data[4:20])
    size = 22 if version > 1 else 14

    def walk(node: int, folder: str) -> Iterator[tuple[str, int, int]]:
        at = tree + node * size
        name_at, flags = struct.unpack('>IH', data[at:at + 6])
        length, = struct.unpack('>H', data[names + name_at:names + name_at + 2])
        name = data[names + name_at + 6:names + name_at + 6 + 2 * length].decode('utf-16-be') if node else ''
        if flags & 2:
            count, first = struct.unpack('>II', data[at + 6:at + 14])
            for child in range(first, first + count):
                yield from walk(child, f'{folder}{name}/')
        elif not flags & 5:  # neither zlib nor zstd: pictures are stored as they are
            offset, = struct.unpack('>I', data[at + 10:at + 14])
            start = files + offset
            yield f'{folder}{name}', start + 4, struct.unpack('>I', data[start:start + 4])[0]

    return walk(0, '')


def pictures(packages: Path) -> Iterator[Picture]:
    for source in SOURCES:
        folder = packages / source.package
        for path in sorted(folder.rglob('*')):
            if path.is_symlink() or not path.is_file():
                continue
            name = str(path.relative_to(folder))
            if path.suffix == '.rcc':
                found = [(f'{name}:{n}', ReadPart(path, at, length)) for n, at, length in qt_resources(path)]
            elif path.suffix == '.zip':
                found = [(f'{name}:{n}', ReadPart(path, member=n)) for n in zipfile.ZipFile(path).namelist()]
            else:
                found = [(name, ReadPart(path))]
            for name, read in found:
                if PICTURE.search(name) and re.search(source.where, name) and not EXCLUDED.search(name):
                    yield Picture(source, name, read)


def random_for(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def tiles_of(picture: Picture, seed: int, density: float) -> tuple[str, str, list[np.ndarray]]:
    """Crops of a picture at many scales, as it is or with other colours. Empty where it is too small or unreadable."""
    digest = ''
    try:
        data = picture.read()
        digest = hashlib.sha256(data).hexdigest()
        image = Image.open(io.BytesIO(data))
        width, height = image.size
        if min(width, height) < 128:
            return picture.name, digest, []
        random = random_for(seed, picture.source.package + picture.name)
        if image.mode in ('RGBA', 'LA', 'P', 'PA'):
            image = image.convert('RGBA')
            background = Image.new('RGBA', image.size, tuple(random.integers(0, 256, 3)) + (255,))
            image = Image.alpha_composite(background, image)
        image = image.convert('RGB')
    except Exception:  # a broken or foreign file among thousands is no reason to stop
        return picture.name, digest, []
    count = density * picture.source.weight * min(max((width * height / 1e6) ** 0.5, 0.2), 2)
    count = int(count) + (random.random() < count % 1)
    tiles = []
    for _ in range(count * 3):
        if len(tiles) == count:
            break
        short = min(width, height)
        # Down to a tile's size for whole pictures, up to 1400 for detail: log-uniform.
        scaled = float(np.exp(random.uniform(np.log(TILE), np.log(max(min(short, 1400), TILE + 24)))))
        size = max(round(width * scaled / short), TILE), max(round(height * scaled / short), TILE)
        span = TILE * width / size[0], TILE * height / size[1]
        x, y = random.uniform(0, width - span[0]), random.uniform(0, height - span[1])
        kernel = [Image.LANCZOS, Image.BICUBIC, Image.BOX][random.integers(3)] if scaled < short else Image.BICUBIC
        tile = image.resize((TILE, TILE), kernel, (x, y, x + span[0], y + span[1]), reducing_gap=3)
        if np.asarray(tile.convert('L')).std() < 6 and random.random() < 0.85:
            continue  # sky, mostly: easy and plentiful
        tiles.append(vary(tile, random))
    return picture.name, digest, tiles


def vary(tile: Image.Image, random: np.random.Generator) -> np.ndarray:
    if random.random() < 0.5:
        tile = tile.transpose(Image.FLIP_LEFT_RIGHT)
    if random.random() < 0.1:
        tile = tile.transpose([Image.FLIP_TOP_BOTTOM, Image.TRANSPOSE, Image.ROTATE_90][random.integers(3)])
    if random.random() < 0.5:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            tile = enhance(tile).enhance(float(np.exp(random.normal(0, 0.25))))
    values = np.asarray(tile)
    if random.random() < 0.1:
        values = values[..., random.permutation(3)]
    if random.random() < 0.1:
        values = np.clip(values + random.normal(0, random.uniform(1, 10), values.shape), 0, 255).round()
    return np.ascontiguousarray(values, np.uint8)


def synthetic(seed: int, number: int) -> np.ndarray:
    """Gradients, saturated edges at all angles, strokes, letters, noise of several spectra: against colour fringes."""
    random = random_for(seed, f'synthetic {number}')

    def colour() -> tuple[int, ...]:
        saturated = random.random() < 0.4
        return tuple(int(v) for v in (random.integers(0, 2, 3) * 255 if saturated else random.integers(0, 256, 3)))

    def noise(slope: float) -> np.ndarray:
        frequencies = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None])
        frequencies[0, 0] = 1
        spectrum = np.fft.rfft2(random.normal(size=(TILE, TILE))) / frequencies ** slope
        values = np.fft.irfft2(spectrum, (TILE, TILE))
        return values / values.std()

    corners = np.array([[colour(), colour()], [colour(), colour()]], float)
    t = np.linspace(0, 1, TILE)
    rows = corners[0][None] * (1 - t)[:, None, None] + corners[1][None] * t[:, None, None]
    base = rows[:, :1] * (1 - t)[None, :, None] + rows[:, 1:] * t[None, :, None]
    kind = random.integers(4)
    if kind == 0:  # coloured noise
        slope = random.uniform(0.3, 2)
        mixed = np.stack([noise(slope) for _ in range(3)], -1) @ random.normal(0, 1, (3, 3))
        base = base + mixed * random.uniform(5, 40)
    image = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8)).resize((2 * TILE, 2 * TILE), Image.BILINEAR)
    draw = ImageDraw.Draw(image)
    for _ in range(0 if kind == 0 else random.integers(3, 40)):
        x, y = random.uniform(-40, 2 * TILE, 2)
        reach = np.exp(random.uniform(np.log(8), np.log(250)))
        points = [(x + reach * random.uniform(-1, 1), y + reach * random.uniform(-1, 1))
                  for _ in range(random.integers(3, 6))]
        shape = random.integers(4)
        if shape == 0 or kind == 1:
            draw.polygon(points, fill=colour())
        elif shape == 1:
            draw.ellipse([x, y, x + reach, y + reach * random.uniform(0.4, 1.6)], fill=colour())
        elif shape == 2:
            draw.line(points, fill=colour(), width=int(random.integers(1, 14)))
        else:
            text = ''.join(chr(random.integers(33, 127)) for _ in range(random.integers(2, 14)))
            letters = Image.new('L', (140, 14))
            ImageDraw.Draw(letters).text((1, 1), text, fill=255, font=ImageFont.load_default())
            zoom = float(random.uniform(1.5, 6))
            letters = letters.resize((int(140 * zoom), int(14 * zoom)), Image.BICUBIC)
            letters = letters.rotate(float(random.choice([0, 0, 90, random.uniform(0, 360)])), expand=True)
            image.paste(colour(), (int(x), int(y)), letters)
    if kind == 3:
        image = image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.5, 5))))
    return np.asarray(image.resize((TILE, TILE), Image.BOX))


def to_floats(tiles: np.ndarray) -> Tensor:
    return torch.from_numpy(tiles).permute(0, 3, 1, 2).float().div_(255)


def to_bytes(pictures: Tensor) -> np.ndarray:
    return pictures.clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def work(job: tuple[Picture, int, float]) -> tuple[str, str, list[np.ndarray]]:
    return tiles_of(*job)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--packages', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--density', type=float, default=1, help='scales the number of tiles')
    parser.add_argument('--synthetic', type=int, default=700)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    started = time.time()
    all_pictures = list(pictures(args.packages))
    tiles: list[np.ndarray] = []
    groups: list[str] = []
    used: Counter[tuple[str, str, str]] = Counter()
    made: Counter[tuple[str, str, str]] = Counter()
    seen: set[str] = set()
    with multiprocessing.Pool(2) as pool:
        jobs = ((picture, args.seed, args.density) for picture in all_pictures)
        for picture, (name, digest, found) in zip(all_pictures, pool.imap(work, jobs, 8)):
            if not found or digest in seen:
                continue
            seen.add(digest)
            key = picture.source.package, picture.source.authors, picture.source.licence
            used[key] += 1
            made[key] += len(found)
            tiles += found
            groups += [picture.source.package + name] * len(found)
        tiles += pool.starmap(synthetic, ((args.seed, n) for n in range(args.synthetic)), 16)
    groups += [f'synthetic {n}' for n in range(args.synthetic)]
    print(f'{len(tiles)} tiles of {sum(used.values())} pictures, {time.time() - started:.0f} s', flush=True)

    with (args.out / 'pictures.tsv').open('w') as table:
        print('package', 'version', 'pictures', 'tiles', 'licence', 'authors', sep='\t', file=table)
        for key in used:
            package, authors, licence = key
            version_file = args.packages / f'{package}.version'
            version = version_file.read_text().strip() if version_file.exists() else ''
            print(package, version, used[key], made[key], licence, authors, sep='\t', file=table)
        print('(synthetic)', '', args.synthetic, args.synthetic, 'CC0-1.0', 'pictures.py', sep='\t', file=table)

    order = np.random.default_rng(args.seed).permutation(len(tiles))
    # A picture is held out as a whole: its other crops would tell too much. Synthetic ones never are.
    held_out = np.array([zlib.crc32(groups[n].encode()) % 30 == 0 and 'synthetic' not in groups[n] for n in order])
    stacked = np.stack([tiles[n] for n in order])
    del tiles
    np.save(args.out / 'tiles.npy', stacked)
    np.save(args.out / 'held_out.npy', held_out)


if __name__ == '__main__':
    main()
