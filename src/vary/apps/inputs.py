"""The pictures and the policy a command works on."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
"""The colour photographs in scikit-image's wheel; it would have to download others."""
WHITE = {"uint8": 255, "uint16": 65535}


class UserError(Exception):
    """A command cannot be carried out; the message is one line that says why, and the cure."""


def main_policy(dtype: str = "uint8") -> vary.Policy:
    """The policy of commands without --policy: the usual one for small sets of photographs.

    dtype: as what files are read.
    """
    return vary.Policy(
        [
            vary.Resize(150, 150),
            vary.Rotate(40),
            vary.Translate(x=0.2, y=0.2),
            vary.Shear(11),
            vary.Zoom(0.2),
            vary.HorizontalFlip(),
            vary.Rescale(1 / WHITE[dtype]),
        ],
        fill="nearest",
    )


def policy_of(file: str | None, dtype: str = "uint8") -> vary.Policy:
    return main_policy(dtype) if file is None else vary.Policy.load(file)


@contextmanager
def sample_folder(copies: int) -> Iterator[Path]:
    """scikit-image's photographs as JPEG, `copies` of each in a class of its own, for as long as the context lasts."""
    found = find_spec("skimage")  # of a top-level name: imports nothing
    places = list(found.submodule_search_locations or []) if found else []
    data = [Path(place, "data", name) for place in places[:1] for name in SAMPLES]
    if not data or not all(path.is_file() for path in data):
        raise UserError(
            "the sample pictures are scikit-image's, which is not installed: pip install scikit-image, "
            "or name a folder of pictures"
        )
    with tempfile.TemporaryDirectory(prefix="vary-") as folder:
        for path in data:
            _copies(path, Path(folder, path.stem), copies)
        yield Path(folder)


def _copies(path: Path, folder: Path, copies: int) -> None:
    from PIL import Image

    folder.mkdir()
    first = folder / f"{path.stem}_0000.jpg"
    if path.suffix == ".jpg":
        shutil.copyfile(path, first)
    else:
        Image.fromarray(vary.read_image(path)).save(first, quality=92)
    for number in range(1, copies):
        shutil.copyfile(first, folder / f"{path.stem}_{number:04}.jpg")


def source_of(given: str, command: str) -> Path:
    """The path of the pictures; an error if it is that of a policy, because --policy was forgotten."""
    path = _expanded(given)
    if path.suffix.lower() in (".yaml", ".yml", ".json") and path.is_file():
        raise UserError(f"{given} is a policy: vary {command} --policy {given}")
    return path


class CountedReads:
    """A source that calls `advance` whenever one of its pictures is read, for a progress bar."""

    def __init__(self, source: vary.Folder, advance: Callable[..., None]) -> None:
        self._source, self._advance = source, advance

    def __getattr__(self, name: str) -> Any:  # Any: each attribute has a type of its own
        return getattr(self._source, name)

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> vary.sources.Item:
        self._advance()
        return self._source[index]


def sheet_target(output: str, source: str | Path | None) -> Path:
    """The path of the sheet, checked before the work: a known format, an existing folder, and outside of the data."""
    target = _expanded(output)
    if target.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UserError(f"the sheet {output!r} needs a name that ends in .png, .jpg or .webp")
    if not target.parent.is_dir():
        raise UserError(f"the sheet's folder {str(target.parent)!r} does not exist; make it first, or give another")
    if target.is_dir():
        raise UserError(f"the sheet {output!r} is a folder; name a file")
    if source is not None and _within(target.parent.resolve() / target.name, _expanded(source).resolve()):
        raise UserError(f"the sheet {output!r} would be written into the data; give another place: -o FILE")
    return target


def _expanded(path: str | Path) -> Path:
    """The path with `~` expanded, which a shell does not do in --output=~/sheet.jpg."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  Path's own raises where a user is unknown


def _within(target: Path, data: Path) -> bool:
    """Is the target in the folder of data, or the one picture itself?"""
    return data in (target.resolve(), *target.parents)
