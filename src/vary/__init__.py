"""vary augments images while a network trains on them.

    policy = vary.Policy([vary.Resize(150, 150), vary.Rotate(40), vary.HorizontalFlip(), vary.Rescale(1 / 255)])
    for images, labels in vary.stream("cats_dogs/train", policy, batch_size=32, seed=7): ...

Files on disk never change, and the same seed gives the same bytes on every machine. This file is the door: public names
only; what is behind them, ARCHITECTURE.md tells.
"""

import typing as _typing

from vary import sources, testing, transforms
from vary.codecs.decode import read_image
from vary.display.preview import Preview
from vary.errors import DecodeError, InputError, PolicyError, SourceError, StreamTimeoutError, ValueWarning, VaryError
from vary.plan.machine import libjpeg_version, target, targets
from vary.plan.program import Program
from vary.policy import Policy
from vary.sources import Arrays, Files, Folder
from vary.streams import Batch, Mixed, Report, Stream, average_views, disk_cache, mix, stream
from vary.transforms import (
    Affine,
    Brightness,
    CenterCrop,
    ChannelShift,
    ColorJitter,
    Contrast,
    HorizontalFlip,
    Hue,
    Lambda,
    Normalize,
    OneOf,
    Pad,
    RandomCrop,
    RandomResizedCrop,
    RandomRotate90,
    Rescale,
    Resize,
    Rotate,
    Saturation,
    Shear,
    SomeOf,
    Sometimes,
    Transform,
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)

__version__ = "0.1.0"

__all__ = [
    "Affine",
    "Arrays",
    "Batch",
    "Brightness",
    "CenterCrop",
    "ChannelShift",
    "ColorJitter",
    "Contrast",
    "DecodeError",
    "Files",
    "Folder",
    "HorizontalFlip",
    "Hue",
    "InputError",
    "Lambda",
    "Mixed",
    "Normalize",
    "OneOf",
    "Pad",
    "Policy",
    "PolicyError",
    "Preview",
    "Program",
    "RandomCrop",
    "RandomResizedCrop",
    "RandomRotate90",
    "Report",
    "Rescale",
    "Resize",
    "Rotate",
    "Saturation",
    "Shear",
    "SomeOf",
    "Sometimes",
    "SourceError",
    "Stream",
    "StreamTimeoutError",
    "Transform",
    "Translate",
    "Transpose",
    "ValueWarning",
    "VaryError",
    "VerticalFlip",
    "Zoom",
    "__version__",
    "average_views",
    "disk_cache",
    "libjpeg_version",
    "mix",
    "read_image",
    "sources",
    "stream",
    "target",
    "targets",
    "testing",
    "transforms",
]

if not _typing.TYPE_CHECKING:  # a type checker would take every name for one that exists

    def __getattr__(name: str) -> object:
        from vary.guidance import missing_name

        raise missing_name("vary", name, __all__)

    def __dir__() -> list[str]:  # what completion offers: the public names
        return __all__
