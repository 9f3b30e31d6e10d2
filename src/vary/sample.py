"""The shapes and dtypes of images and masks, in and out, and `Sample`, which holds an image with its mask.

An image is height x width x channels, of a type in `elements.py`, with 1 to 1024 channels; height x width means one
channel. A mask has a whole number or a truth value for each pixel: height x width, or height x width x 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

import numpy as np

from vary.elements import DTYPES, listed_dtypes
from vary.errors import InputError, counted
from vary.guidance import word_hint
from vary.maps import Map

__all__ = [
    "Array",
    "LAYOUTS",
    "Dtype",
    "Layout",
    "Leaf",
    "Sample",
    "batch_shape",
    "channels_first",
    "check_dtype",
    "check_many",
    "check_mask",
    "check_pairs",
    "unequal",
    "dtype_name",
    "how_to_open",
    "is_one_picture",
    "layout_name",
    "many",
    "maybe_one",
    "not_an_array",
    "sample_of",
]

Array = np.ndarray
"""An array of any shape and dtype."""

Leaf = Any
"""An array of a sample, or what a library for trees of arrays puts in its place, which may be anything: `Any`."""

Layout = Literal["NHWC", "NCHW"]
DtypeName = Literal["uint8", "float32", "uint16", "int16", "float16"]
Scalar = np.uint8 | np.float32 | np.uint16 | np.int16 | np.float16
Dtype = DtypeName | type[Scalar] | np.dtype[Scalar]
LAYOUTS = get_args(Layout)

MASK_CURES = {
    "f": "mask.astype('uint8') if it holds class numbers, mask > 0.5 if it holds probabilities of one class",
    "c": "mask.real.astype('uint8')",
    "O": "one array of integers for each mask",
}


def dtype_name(dtype: object) -> str:
    """`dtype` (a name, NumPy type or dtype) as one of `DTYPES`; `InputError` if it is not."""
    if dtype in DTYPES:
        return str(dtype)
    try:
        name = np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError:
        name = repr(dtype)
    if name not in DTYPES:
        cure = word_hint("dtype", dtype if isinstance(dtype, str) else name)
        raise InputError(f"dtype={name} is not offered; choose one of {', '.join(DTYPES)} and convert afterwards{cure}")
    return str(name)


def layout_name(layout: object) -> str:
    """`layout` as one of `LAYOUTS`; `InputError` if it is not."""
    if layout not in LAYOUTS:
        cure = f"choose one of {', '.join(LAYOUTS)}{word_hint('layout', layout)}"
        raise InputError(f"layout={layout!r} is not offered; {cure}")
    return str(layout)


def batch_shape(count: int, size: tuple[int, int], channels: int, layout: str) -> tuple[int, int, int, int]:
    """The shape of a batch of `count` pictures of (height, width) `size`."""
    return (count, *size, channels) if layout == "NHWC" else (count, channels, *size)


def is_one_picture(shape: Sequence[int]) -> bool:
    """Is this probably one picture (H, W, up to 4), rather than H grey pictures that are up to 4 pixels wide?"""
    return len(shape) == 3 and 1 <= shape[2] <= 4 and min(shape[:2]) > 4


def channels_first(shape: Sequence[int], sides: int = 16) -> bool:
    """Is this probably one picture (C, H, W), with sides above `sides`, rather than 1 or 3 rows of many channels?"""
    return len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) > sides


def maybe_one(name: str, shape: Sequence[int]) -> str:
    """The text of a warning if an array of three grey pictures may be one picture (3, H, W); empty for other shapes."""
    if not channels_first(shape, 4) or shape[0] != 3:
        return ""
    return (
        f"{name} has shape {tuple(shape)} and is read as 3 grey pictures; if it is one picture (C, H, W), write "
        f"np.moveaxis({name}, 0, -1)[None]; if it is not, {name}[..., None] avoids this warning"
    )


def check_dtype(name: str, dtype: np.dtype[Any]) -> None:
    """`InputError`, with the cure, if vary does not accept pictures of this dtype. name: of the picture."""
    if dtype.name not in DTYPES:
        raise InputError(f"{name} is {dtype}; give {listed_dtypes()}: {_cast_for(dtype)}")
    if not dtype.isnative:
        raise InputError(f"{name} is {dtype}, in the other byte order; give image.astype('{dtype.name}')")


def _cast_for(dtype: np.dtype[Any]) -> str:
    if dtype.kind == "b":
        return "image * numpy.uint8(255)"
    if dtype.kind not in "iu":
        return "image.astype('float32'), with value_range= if it is not 0 .. 1"
    signed = ", astype('int16') if they are -32768 .. 32767" if dtype.kind == "i" else ""
    return f"image.astype('uint8') if its values are 0 .. 255, astype('uint16') if they are 0 .. 65535{signed}"


def how_to_open(image: object) -> str:
    """For messages: the call that makes a NumPy array of this object, a path or anything else."""
    return "vary.read_image(path)" if isinstance(image, str | PurePath) else "numpy.asarray(image)"


def not_an_array(name: str, image: object, also: str = "") -> str:
    """For messages: what was found in place of a picture's array, and what makes an array of it.

    also: another cure.
    """
    if image is None:
        return f"{name} is None, not a NumPy array: perhaps a file was not read; vary.read_image(path) says why{also}"
    return f"{name} is of type {type(image).__name__}, not a NumPy array; {how_to_open(image)} makes one{also}"


def check_many(name: str, images: np.ndarray | Sequence[object]) -> None:
    """`InputError` if `images`, an array or a list of arrays, is probably one picture, or a list of its rows."""
    if isinstance(images, np.ndarray):
        shape, what = images.shape, f"has shape {images.shape},"
    else:
        shapes = {getattr(row, "shape", ()) for row in images}
        shape = (len(images), *shapes.pop()) if len(shapes) == 1 else ()
        what = f"is a list of {len(images)} arrays of shape {shape[1:]}, the rows of"
    if is_one_picture(shape):
        height, width, channels = shape
        raise InputError(
            f"{name} {what} one picture (H, W, {channels}). Several come as a list [first, second] or an array "
            f"(N, H, W, C), one as images[None] or [image]; policy(image) varies one alone. If these are {height} grey "
            f"pictures of {width} x {channels} pixels, write numpy.asarray({name})[..., None]"
        )


def check_mask(name: str, mask: object) -> Array:
    """The mask, unchanged; `InputError` unless it is (H, W) or (H, W, 1) of whole numbers or truth values."""
    if not isinstance(mask, np.ndarray):
        raise InputError(not_an_array(name, mask))
    if mask.dtype.kind not in "bui":
        cure = MASK_CURES.get(mask.dtype.kind, "an array of integers")
        raise InputError(f"{name} is {mask.dtype}; a mask holds whole numbers or truth values: give {cure}")
    if mask.ndim != 2 and (mask.ndim != 3 or mask.shape[2] != 1):
        cure = "give one number for each pixel: (height, width) or (height, width, 1)"
        if mask.ndim == 3:
            cure += "; from one channel for each class, mask.argmax(-1) makes it"
        raise InputError(f"{name} has shape {mask.shape}; {cure}")
    return mask


def unequal(images: int, masks: int) -> InputError:
    """The error of more or fewer masks than images."""
    are = "is" if images == 1 else "are"
    found = f"there {are} {counted(images, 'image')} and {counted(masks, 'mask')}"
    return InputError(f"{found}; give one mask for each image")


def check_pairs(images: Sequence[object] | Array, masks: Sequence[object] | Array) -> None:
    """`InputError` if these arrays are not images with a mask each, of the same height and width."""
    if len(images) != len(masks):
        raise unequal(len(images), len(masks))
    for number, (image, mask) in enumerate(zip(images, masks, strict=True)):
        image_name, name = ("image", "mask") if len(masks) == 1 else (f"image {number}", f"mask {number}")
        found = check_mask(name, mask)
        if isinstance(image, np.ndarray) and image.ndim > 1 and image.shape[:2] != found.shape[:2]:
            raise InputError(
                f"{image_name} has shape {image.shape}, and {name} has shape {found.shape}: height and width must be "
                "the same; a mask belongs to the picture as it is, before the policy"
            )


def many(images: object) -> np.ndarray | list[object]:
    """Pictures as an array, which is returned unchanged, or as a list, which any other iterable becomes.

    `InputError` if `images` is no collection, or is a single picture.
    """
    if isinstance(images, str | bytes | PurePath | dict) or not isinstance(images, Iterable):
        one = isinstance(images, str | PurePath) or hasattr(images, "__array_interface__")
        cure = f"; of one picture: [{how_to_open(images)}]" if one else ""
        raise InputError(f"images is of type {type(images).__name__}; give a list of NumPy arrays or one array{cure}")
    if not isinstance(images, np.ndarray):
        images = list(images)
    check_many("images", images)
    return images


def _named(name: str) -> property:
    def get(sample: Sample) -> np.ndarray:
        if name not in sample.fields:
            raise AttributeError(f"this sample has no {name!r}; it has {', '.join(sample.fields)}")
        found: np.ndarray = tuple.__getitem__(sample, sample.fields.index(name))
        return found

    return property(get)


class Sample(tuple[Leaf, ...]):  # noqa: SLOT001  the maps are in a dict
    """An image and its mask, varied: a named tuple whose arrays are also found by name, `sample["image"]`.

    image, mask: of `policy(image=..., mask=...)`.
    images, masks: of `policy.batch(images, masks=...)`.
    map: how points of the image move (`vary.Map`); maps: the same for each image of a batch.

    `fields` are the names of the arrays. Libraries for trees of arrays, and torch's `default_collate`, make new samples
    from the arrays of others; those have no maps.
    """

    fields: ClassVar[tuple[str, ...]] = ()
    _fields: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:
        image: np.ndarray
        mask: np.ndarray
        images: np.ndarray
        masks: np.ndarray
    else:
        image, mask, images, masks = map(_named, ("image", "mask", "images", "masks"))

    def __new__(cls, /, *arrays: Leaf) -> Self:
        if not cls.fields or len(arrays) != len(cls.fields):
            raise TypeError(f"a sample of {', '.join(cls.fields) or 'no fields'} cannot hold {len(arrays)} arrays")
        return super().__new__(cls, arrays)

    @classmethod
    def _make(cls, arrays: Iterable[Leaf]) -> Self:
        return cls(*arrays)

    def _asdict(self) -> dict[str, Leaf]:
        return dict(zip(self.fields, self, strict=True))

    def _replace(self, **named: Leaf) -> Self:
        """The same sample with other arrays in some fields."""
        other = type(self)(*[named.pop(name, array) for name, array in zip(self.fields, self, strict=True)])
        if named:
            raise TypeError(f"this sample has no {', '.join(map(repr, named))}; it has {', '.join(self.fields)}")
        other.__dict__.update(self.__dict__)
        return other

    def keys(self) -> tuple[str, ...]:
        """The names of its arrays, so that `dict(sample)` and `{**sample}` work."""
        return self.fields

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, str):
            if which not in self.fields:
                raise KeyError(f"{which!r}: this sample has {', '.join(self.fields)}")
            which = self.fields.index(which)
        return super().__getitem__(which)

    @property
    def maps(self) -> tuple[Map, ...]:
        found: tuple[Map, ...] | None = self.__dict__.get("maps")
        if found is None:
            raise AttributeError(
                "this sample was made from arrays alone and has no maps; read those of the policy's sample"
            )
        return found

    @property
    def map(self) -> Map:
        if "images" in self.fields:
            raise AttributeError("samples of a batch have maps, one for each image: sample.maps[0]")
        return self.maps[0]

    def __reduce__(self) -> tuple[object, ...]:
        return sample_of, (self.fields, tuple(self), self.__dict__.get("maps"))

    def __repr__(self) -> str:
        fields = (f"{name} {array.dtype} {array.shape}" for name, array in zip(self.fields, self, strict=True))
        return f"Sample({', '.join(fields)})"


def sample_of(fields: tuple[str, ...], arrays: Iterable[Leaf], maps: tuple[Map, ...] | None) -> Sample:
    """A sample with these fields."""
    made = _sample_class(fields)(*arrays)
    if maps is not None:
        made.__dict__["maps"] = maps
    return made


@cache
def _sample_class(fields: tuple[str, ...]) -> type[Sample]:
    """One class for each list of fields, as libraries for trees of arrays expect of named tuples."""
    return type("Sample", (Sample,), {"fields": fields, "_fields": fields, "__doc__": Sample.__doc__})
