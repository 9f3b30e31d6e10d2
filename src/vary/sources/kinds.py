"""What the pictures of a source are: encoded files, or arrays of one dtype and number of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.codecs.wide import file_dtype
from vary.elements import DTYPES, MOST_CHANNELS
from vary.errors import DecodeError, InputError, SourceError, brief
from vary.sample import check_dtype
from vary.sources.base import Encoded
from vary.sources.checked import item_of

if TYPE_CHECKING:
    from vary.sources.base import Indexed

__all__ = ["FILES", "Kind", "array_kind", "asked_kind", "files_kind", "stated_kind"]

CURE = 'set kind = "files" for encoded pictures, or kind = (dtype, channels) for arrays, such as ("uint8", 3)'


class Kind(NamedTuple):
    """encoded: whether they are encoded files. dtype: of arrays, or of what files are decoded to.

    channels: 1 to 1024; None: of encoded files, as the stream's `channels=` says.
    """

    encoded: bool
    dtype: str
    channels: int | None


FILES = Kind(True, "uint8", None)


def files_kind(source: object) -> Kind:
    """The kind of a source of encoded files; its `file_dtype` says as what they are read, uint8 if it has none."""
    stated: object = getattr(source, "file_dtype", FILES.dtype)
    return FILES._replace(dtype=file_dtype(stated, f"{type(source).__name__}.file_dtype"))


def stated_kind(source: Indexed) -> Kind | None:
    """The attribute `kind` of the source; None if it has none. No sample is read. `InputError` for another value."""
    kind: object = getattr(source, "kind", None)
    if kind is None or isinstance(kind, Kind):
        return kind
    if isinstance(kind, str) and kind == "files":
        return files_kind(source)
    if isinstance(kind, tuple | list) and len(kind) == 2:
        dtype, channels = _dtype_name(kind[0]), kind[1]
        whole = isinstance(channels, int | np.integer) and not isinstance(channels, bool)
        if dtype in DTYPES and whole and 1 <= channels <= MOST_CHANNELS:
            return Kind(False, dtype, int(channels))
    raise InputError(
        f"{type(source).__name__}.kind is {brief(kind)}; {CURE}; dtype is one of {', '.join(DTYPES)}, channels 1 "
        f"to {MOST_CHANNELS}. Without kind, sample 0 is read to find out"
    )


def asked_kind(source: Indexed) -> Kind:
    """The kind of sample 0, which is read. If it cannot be read, or the source is empty, encoded files are assumed.
    `InputError` if sample 0 is not a picture."""
    files = files_kind(source)
    if not len(source):
        return files
    try:
        image: object = item_of(source, 0).image
    except (DecodeError, SourceError):  # reported, or skipped, when a batch needs this sample
        return files
    if isinstance(image, Encoded):
        return files
    if isinstance(image, np.ndarray):
        channels, dtype = array_kind(image, 0)
        return Kind(False, dtype, channels)
    raise InputError(f"sample 0 is a {type(image).__name__}; give NumPy arrays or vary.sources.Encoded")


def array_kind(image: np.ndarray, index: int) -> tuple[int, str]:
    """(channels, dtype) of a picture in an array; `InputError`, with the sample's index, for any other array."""
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.ndim not in (2, 3) or not 1 <= channels <= MOST_CHANNELS or image.size == 0:
        raise InputError(
            f"sample {index} has shape {image.shape}; give height x width x channels, of which 1 to {MOST_CHANNELS}"
        )
    check_dtype(f"sample {index}", image.dtype)
    return channels, image.dtype.name


def _dtype_name(dtype: Any) -> str:  # Any: np.dtype refuses what is none
    try:
        return str(np.dtype(dtype).name)
    except TypeError:
        return ""
