"""The pictures that every contestant gets: sets of 32 different ones, as .npy files in a folder of this run.

They come from the photographs beside the repository (../shared/data); where those are absent, from crops of four
pictures in scikit-image's wheel. The results say which.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.environments import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 32
THUMBS = 64  # cut from each picture
SIZES = {"thumbs": COUNT * THUMBS}  # of sets that have another number of pictures
DATA = REPOSITORY.parent / "shared" / "data"
Picture = NDArray[np.uint8]


def photographs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})


def opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def wheel_crops() -> Iterator[Image.Image]:
    """Overlapping crops of about 400x533, every other four turned, walked over the four pictures."""
    from skimage import data  # only where the photographs are absent

    loaders: list[Callable[[], Picture]] = [data.astronaut, data.chelsea, data.coffee, data.rocket]
    sources = [Image.fromarray(load()).convert("RGB") for load in loaders]
    for number in range(COUNT):
        source = sources[number % 4]
        width, height = ((400, 533), (533, 400))[number // 4 % 2]
        width, height = min(width, source.width), min(height, source.height)
        step = number // 8
        left, top = (source.width - width) * step // 3, (source.height - height) * (3 - step) // 3
        yield source.crop((left, top, left + width, top + height))


def clothing() -> list[Image.Image]:
    """Photos of 400x533 or 533x400, eight of each class, unchanged."""
    folders = sorted(path for path in (DATA / "clothing" / "train").iterdir() if path.is_dir())
    chosen: list[Image.Image] = []
    for folder in folders:
        fitting = (picture for picture in map(opened, photographs(folder)) if sorted(picture.size) == [400, 533])
        chosen += [picture for picture, _ in zip(fitting, range(COUNT // len(folders)), strict=False)]
    return chosen


def pets(size: int) -> list[Image.Image]:
    files = photographs(DATA / "cats_dogs" / "train")
    chosen = [files[number * len(files) // COUNT] for number in range(COUNT)]
    return [opened(path).resize((size, size), Image.Resampling.BILINEAR) for path in chosen]


def resized_crops(size: int) -> list[Image.Image]:
    return [crop.resize((size, size), Image.Resampling.BILINEAR) for crop in wheel_crops()]


def photos(folder: Path) -> None:
    """JPEG files with one folder for each class: the photographs themselves, or crops."""
    if DATA.is_dir():
        folder.symlink_to(DATA / "clothing" / "train")
        return
    for number, crop in enumerate(wheel_crops()):
        (folder / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        crop.save(folder / "ab"[number % 2] / f"{number:02}.jpg", quality=90)


def mosaics(folder: Path) -> None:
    """Files of 1600 x 2665: four by five photos each."""
    tiles = [picture.resize((400, 533)) for picture in (clothing() if DATA.is_dir() else wheel_crops())]
    (folder / "all").mkdir(parents=True)
    for number in range(4 * COUNT):
        whole = Image.new("RGB", (1600, 2665))
        for place in range(20):
            tile = tiles[(number * 7 + place * 3) % len(tiles)]
            whole.paste(tile, (place % 4 * 400, place // 4 * 533))
        whole.save(folder / "all" / f"{number:03}.jpg", quality=90, subsampling="4:2:0")


def thumbs() -> list[Image.Image]:
    """Adjacent squares of 32x32 of the photos."""
    found = []
    for picture in clothing() if DATA.is_dir() else wheel_crops():
        small = picture.resize((256, 256), Image.Resampling.BILINEAR)
        places = [(32 * (n % 8), 32 * (n // 8)) for n in range(THUMBS)]
        found += [small.crop((left, top, left + 32, top + 32)) for left, top in places]
    return found


def million(folder: Path, folders: int = 1000) -> None:
    """Hard links to copies of the photos, a thousand in each folder."""
    photos(folder.parent / "originals")
    files = [shutil.copy(path, folder.parent / path.name) for path in photographs(folder.parent / "originals")]
    for place in range(folders):
        (folder / f"{place:03}").mkdir(parents=True)
        for number in range(1000):
            os.link(files[(place + number) % len(files)], folder / f"{place:03}" / f"{number:03}.jpg")


def rows(folder: Path, count: int = 150_000) -> None:
    """Hard links to copies of the photos, all in one folder."""
    photos(folder.parent / "listed")
    files = [shutil.copy(path, folder.parent / path.name) for path in photographs(folder.parent / "listed")]
    (folder / "all").mkdir(parents=True)
    for number in range(count):
        os.link(files[number % len(files)], folder / "all" / f"{number:06}.jpg")


FILES: dict[str, Callable[[Path], None]] = {"photos": photos, "mosaics": mosaics, "million": million, "rows": rows}
QUICK: dict[str, Callable[[Path], None]] = {
    **FILES,
    "million": lambda folder: million(folder, 10),
    "rows": lambda folder: rows(folder, 1000),
}


def source() -> str:
    return "photographs" if DATA.is_dir() else "crops of scikit-image's pictures"


def write_sets(folder: Path, names: set[str], *, quick: bool = False) -> dict[str, Path]:
    """Writes the sets below `folder`; returns the folder of each. Sets of files have a sub-folder for each class.

    quick: a set that takes long is smaller.
    """
    real = DATA.is_dir()
    makers: dict[str, Callable[[], list[Image.Image]]] = {
        "pets-224": lambda: pets(224) if real else resized_crops(224),
        "pets-150": lambda: pets(150) if real else resized_crops(150),
        "clothing": lambda: clothing() if real else list(wheel_crops()),
        "thumbs": thumbs,
        "tiny": lambda: pets(8) if real else resized_crops(8),
    }
    written = {}
    for name in sorted(names):
        written[name] = folder / name
        if name in FILES:
            (QUICK if quick else FILES)[name](folder / name)
            continue
        written[name].mkdir(parents=True)
        pictures = [np.asarray(picture, np.uint8) for picture in makers[name]()]
        if len(pictures) != (wanted := SIZES.get(name, COUNT)):
            raise RuntimeError(f"set {name} has {len(pictures)} pictures; {wanted} are needed")
        for number, picture in enumerate(pictures):
            np.save(written[name] / f"{number:04}.npy", picture)
    return written


def smooth(height: int, width: int) -> Picture:
    """Low-pass noise over the full range: resamplers with the same map agree within a level."""
    coarse = np.random.default_rng(7).integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.uint8)
