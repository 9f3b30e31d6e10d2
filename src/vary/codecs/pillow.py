"""A private copy of Pillow's modules, so that a program's settings of Pillow do not change what vary decodes.

Pillow keeps its settings as globals of its modules, and programs change them: `ImageFile.LOAD_TRUNCATED_IMAGES = True`
would accept truncated files, in this process but not in another one. So Pillow's Python modules are imported a second
time here, under another name; its compiled modules are shared. Formats that a program registers with its own Pillow
(`Image.register_open`) are tried after those of Pillow.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import struct
import sys
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from vary.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.ImageFile import ImageFile

    Factory = Callable[[io.BytesIO, str], ImageFile]
    Accept = Callable[[bytes], bool | str]  # of the first bytes; a str says why this Pillow cannot read the format

__all__ = ["check_pixels", "open_image"]

NAME = "_vary_pillow"
COMMON = ("BmpImagePlugin", "GifImagePlugin", "JpegImagePlugin", "PpmImagePlugin", "PngImagePlugin")
REFUSED = {"EPS"}  # Pillow would start Ghostscript, another program, on the file
LOCK = threading.Lock()  # held while the copy is imported
Format = tuple[str, "Factory", "Accept | None"]


class _Limit(threading.local):
    """The most pixels that a picture may have which this thread decodes, pictures inside of other files included.
    Pillow's own limit is a global; this replaces it."""

    pixels = 0

    def check(self, size: tuple[int, int], *_: object, **__: object) -> None:
        check_pixels(*size, self.pixels, None)


LIMIT = _Limit()


def check_pixels(width: int, height: int, max_pixels: int, path: str | None) -> None:
    """`DecodeError` if a file's header claims more than `max_pixels` pixels."""
    if width * height > max_pixels:
        raise DecodeError(
            f"claims {width} x {height} = {width * height} pixels, over the limit of {max_pixels}; "
            "if you trust the file, give a larger max_pixels=",
            path,
        )


def open_image(data: bytes, max_pixels: int) -> ImageFile:
    """A picture of these bytes, not yet loaded, by the format that its first bytes say."""
    LIMIT.pixels = max_pixels
    why = ""
    for name, factory, accept in _formats():
        with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):  # not this format after all
            accepted = accept is None or accept(data[:16])
            if isinstance(accepted, str):  # known, but this Pillow was built without it
                why = f"; {accepted}"
            elif accepted and name in REFUSED:
                why = f"; {name} is not read, because it needs another program (Ghostscript)"
            elif accepted:
                return factory(io.BytesIO(data), "")
    raise DecodeError(f"not a picture in a known format, or broken at its beginning, {data[:16]!r}{why}")


def _formats() -> Iterator[Format]:
    """The common formats, then all others of Pillow, then those that the program has registered with its Pillow."""
    common = _own(COMMON)
    yield from common
    all_of_them = _own(None)
    yield from all_of_them[len(common) :]
    public, known = sys.modules.get("PIL.Image"), {name for name, _, _ in all_of_them}
    for name in list(getattr(public, "ID", ())):
        if name not in known:
            yield name, *public.OPEN[name]  # type: ignore[union-attr]


@lru_cache
def _own(plugins: tuple[str, ...] | None) -> tuple[Format, ...]:
    """The formats that the private copy reads after these plugins are imported; None: all plugins."""
    image = _instance()
    for plugin in image._plugins if plugins is None else plugins:
        with contextlib.suppress(ImportError):  # some formats need other packages
            importlib.import_module(f"{NAME}.{plugin}")
    return tuple((name, *image.OPEN[name]) for name in image.ID)


def _instance() -> Any:  # Any: of this module a private function is replaced
    """The module `Image` of the private copy, imported when it is first needed."""
    with LOCK:
        if NAME not in sys.modules:
            spec = importlib.util.find_spec("PIL")
            assert spec is not None
            assert spec.origin is not None
            spec = importlib.util.spec_from_file_location(
                NAME, spec.origin, submodule_search_locations=spec.submodule_search_locations
            )
            assert spec is not None
            assert spec.loader is not None
            package = sys.modules[NAME] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(package)
        image: Any = importlib.import_module(f"{NAME}.Image")
        image._decompression_bomb_check = LIMIT.check
        return image
