"""Image files, Pillow's images and arrays, each from the others."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np

from vary.errors import InputError
from vary.keras.faces import Compat, face_of
from vary.keras.traps import warn_of_trap
from vary.plan.warp import Sampling, warp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import DTypeLike
    from PIL.Image import Image

__all__ = [
    "array_to_img",
    "img_to_array",
    "list_pictures",
    "load_img",
    "resized",
    "save_img",
    "smart_resize",
    "validate_filename",
]

COLOR_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
GREY = ("L", "I;16", "I")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
METHODS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
JPEG = ("jpg", "jpeg")


def validate_filename(filename: str, white_list_formats: Iterable[str]) -> bool:
    """Is it an existing file whose name ends with one of these words, in upper or lower case?"""
    return filename.lower().endswith(tuple(white_list_formats)) and Path(filename).is_file()


def list_pictures(
    directory: str | os.PathLike[str],
    ext: str | Iterable[str] = ("jpg", "jpeg", "bmp", "png", "ppm", "tif", "tiff"),
) -> list[str]:
    """The paths of all files in a folder and the folders in it whose names end with one of `ext`, sorted."""
    endings = tuple(f".{one}" for one in ([ext] if isinstance(ext, str) else ext))
    folders = os.walk(directory)
    return sorted(str(Path(at) / name) for at, _, names in folders for name in names if name.lower().endswith(endings))


def array_to_img(
    x: np.ndarray,
    data_format: str | None = "channels_last",
    scale: bool = True,
    dtype: DTypeLike = "float32",
    *,
    compat: Compat = None,
) -> Image:
    """A Pillow image of an array.

    x: (H, W, C), or (C, H, W) with data_format="channels_first", with 1, 3 or 4 channels. scale: stretch the values,
    computed in `dtype`, to 0 .. 255; else they must be 0 .. 255, or of one channel, where values above 255 make an
    image of 32 bits. Values are rounded and clipped; with `compat=` they are truncated.
    Raises `InputError` for other shapes and words.
    """
    truncated = face_of(compat).old_pixels
    _check_data_format(data_format)
    values = np.asarray(x, dtype)
    if values.ndim != 3:
        raise InputError(f"x has shape {values.shape}; give one image of three axes")
    values = np.moveaxis(values, 0, -1) if data_format == "channels_first" else values
    if values.shape[2] not in MODES:
        raise InputError(f"x has {values.shape[2]} channels, by data_format={data_format!r}; give 1, 3 or 4")
    if scale:
        values = values - np.min(values)
        high = np.max(values)
        values = values / high * 255 if high != 0 else values
    return _image(values, truncated)


def _image(values: np.ndarray, truncated: bool) -> Image:
    from PIL import Image

    deep = values.shape[2] == 1 and np.max(values) > 255
    if not truncated:
        values = np.rint(values) if deep else np.clip(np.rint(values), 0, 255)
    whole = values.astype(np.int32 if deep else np.uint8)
    return Image.fromarray(whole[..., 0] if whole.shape[2] == 1 else whole)


def img_to_array(img: Image, data_format: str | None = "channels_last", dtype: DTypeLike = "float32") -> np.ndarray:
    """The array of a Pillow image: (H, W, C), or (C, H, W) with data_format="channels_first", in `dtype`."""
    _check_data_format(data_format)
    x = np.array(img, dtype or "float32")
    if x.ndim not in (2, 3):
        raise InputError(f"img has shape {x.shape}; give one image of two or three axes")
    x = x[..., None] if x.ndim == 2 else x
    return np.ascontiguousarray(np.moveaxis(x, -1, 0)) if data_format == "channels_first" else x


def _check_data_format(data_format: str | None) -> None:
    if data_format not in (None, "channels_last", "channels_first"):
        raise InputError(f"data_format={data_format!r}; give 'channels_last' or 'channels_first'")


def load_img(
    path: str | bytes | os.PathLike[str] | IO[bytes],
    grayscale: bool = False,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
    *,
    compat: Compat = None,
) -> Image:
    """A Pillow image of a file, turned as its EXIF orientation says.

    path: a path, or an object with `read`. color_mode: "rgb", "rgba" or "grayscale", which keeps 16 and 32 bits; in
    the others, 16 bits become 8. `grayscale=True` is color_mode="grayscale". target_size: (height, width), or None.
    interpolation: nearest, bilinear, bicubic, hamming, box or lanczos, those of Pillow. keep_aspect_ratio: cut the
    picture to the target's aspect ratio first, about its centre. compat: the orientation is ignored, and values above
    255 become 255. Raises `InputError` for unknown words, and Pillow's or the system's errors for the file.
    """
    from PIL import Image, ImageOps

    old = face_of(compat).old_pixels
    color_mode = "grayscale" if grayscale else color_mode
    if color_mode not in COLOR_MODES:
        raise InputError(f"color_mode={color_mode!r}; give one of {', '.join(map(repr, COLOR_MODES))}")
    if target_size is not None and interpolation not in METHODS:
        raise InputError(f"interpolation={interpolation!r}; give one of {', '.join(METHODS)}")
    data = path.read() if hasattr(path, "read") else Path(os.fsdecode(path)).read_bytes()
    img: Image.Image = Image.open(BytesIO(data))
    img.load()
    img = img if old else ImageOps.exif_transpose(img)
    img = _in_mode(img, COLOR_MODES[color_mode], old)
    return img if target_size is None else resized(img, target_size, interpolation, keep_aspect_ratio, int(not old))


def resized(
    img: Image, target_size: tuple[int, int], interpolation: str, keep_aspect_ratio: bool, least: int = 1
) -> Image:
    """As by the arguments of `load_img`. least: see `_centre_box`."""
    from PIL import Image

    height, width = target_size
    if img.size == (width, height):
        return img
    box = _centre_box(img.height, img.width, (height, width), least) if keep_aspect_ratio else None
    method = getattr(Image.Resampling, interpolation.upper())
    return img.resize((width, height), method, box=box and (box[1], box[0], box[3], box[2]))


def _in_mode(img: Image, mode: str, old: bool) -> Image:
    from PIL import Image

    if img.mode == mode or (mode == "L" and img.mode in GREY):
        return img
    if img.mode.startswith("I") and not old:
        img = Image.fromarray(np.uint8(np.rint(np.clip(np.asarray(img), 0, 65535) / 257)))
    return img.convert(mode)


def _centre_box(height: int, width: int, size: tuple[int, int], least: int = 1) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of the largest part in the middle with the aspect ratio of `size`, in whole pixels.

    least: sides of a part that is less than a pixel; 0 in the old versions.
    """
    h = min(height, max(least, width * size[0] // size[1]))
    w = min(width, max(least, height * size[1] // size[0]))
    top, left = (height - h) // 2, (width - w) // 2
    return top, left, top + h, left + w


def save_img(
    path: str | os.PathLike[str] | IO[bytes],
    x: np.ndarray,
    data_format: str | None = "channels_last",
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: object,
) -> None:
    """Write an array as an image file. `file_format` and further arguments are those of Pillow's `Image.save`.

    The other arguments are those of `array_to_img`. JPEG files have no alpha: it is left out, with a `TrapWarning`.
    Values above 255 of one channel are written with 16 bits, up to 65535.
    """
    img = array_to_img(x, data_format, scale)
    ending = Path(path).suffix[1:] if isinstance(path, str | os.PathLike) else ""
    if img.mode == "RGBA" and (file_format or ending).lower() in JPEG:
        warn_of_trap(f"{path}: a JPEG file has no alpha, so it is left out; write a PNG to keep it")
        img = img.convert("RGB")
    if img.mode == "I" and cast("tuple[float, float]", img.getextrema())[1] < 1 << 16:
        img = img.convert("I;16")  # new versions of Pillow write no PNG of 32 bits
    img.save(path, format=file_format, **kwargs)


def smart_resize(
    x: np.ndarray,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    data_format: str | None = "channels_last",
    backend_module: object = None,
) -> np.ndarray:
    """Cut the images about their centre to the aspect ratio of `size`, then resize them. Returns float32.

    x: (H, W, C) or (N, H, W, C); or channels first, by `data_format`. size: (height, width). interpolation: "bilinear"
    or "nearest"; pixels are not averaged where the image shrinks, as in Keras. `backend_module` is ignored.
    """
    del backend_module
    _check_data_format(data_format)
    images = np.asarray(x, np.float32)
    if images.ndim not in (3, 4) or len(size) != 2:
        raise InputError(f"x has shape {images.shape} and size={size}; give 3 or 4 axes, and (height, width)")
    if interpolation not in ("bilinear", "nearest"):
        raise InputError(f"interpolation={interpolation!r}; give 'bilinear' or 'nearest'; load_img has others")
    first = data_format == "channels_first"
    images = np.moveaxis(images, -3, -1) if first else images
    batch = images if images.ndim == 4 else images[None]
    top, left, bottom, right = _centre_box(batch.shape[1], batch.shape[2], size)
    rows, columns = (bottom - top) / size[0], (right - left) / size[1]
    matrix = np.array([[rows, 0, (rows - 1) / 2], [0, columns, (columns - 1) / 2]])
    sampling = Sampling(nearest=interpolation == "nearest")
    made = [warp(one[top:bottom, left:right], matrix, (size[0], size[1]), sampling) for one in batch]
    result = np.stack(made) if images.ndim == 4 else made[0]
    return np.moveaxis(result, -1, -3) if first else result
