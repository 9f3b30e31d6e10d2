"""Transforms: each states a map and touches no pixel, so image, masks, boxes and points can follow the same map.

`base` says what a transform is, `fields` how its arguments are declared, `describe` how they are shown; `geometry`,
`crop` and `colour` hold one short frozen class each; `compose` the ones made of others; `user` the caller's own
function; `text` writes and reads them as data; `names` and `foreign.yaml` know what other libraries call them.
"""

from typing import TYPE_CHECKING

from vary.guidance import missing_name
from vary.transforms.base import REGISTRY, Lowering, Span, Transform, choice, custom, field, span, switch
from vary.transforms.colour import (
    Brightness,
    ChannelShift,
    ColorJitter,
    Contrast,
    Hue,
    Normalize,
    Rescale,
    Saturation,
)
from vary.transforms.compose import OneOf, SomeOf, Sometimes
from vary.transforms.crop import CenterCrop, Pad, RandomCrop, RandomResizedCrop, Resize
from vary.transforms.geometry import (
    Affine,
    HorizontalFlip,
    RandomRotate90,
    Rotate,
    Shear,
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)
from vary.transforms.user import Lambda

__all__ = [
    "REGISTRY",
    "Affine",
    "Brightness",
    "CenterCrop",
    "ChannelShift",
    "ColorJitter",
    "Contrast",
    "HorizontalFlip",
    "Hue",
    "Lambda",
    "Lowering",
    "Normalize",
    "OneOf",
    "Pad",
    "RandomCrop",
    "RandomResizedCrop",
    "RandomRotate90",
    "Rescale",
    "Resize",
    "Rotate",
    "Saturation",
    "Shear",
    "SomeOf",
    "Sometimes",
    "Span",
    "Transform",
    "Translate",
    "Transpose",
    "VerticalFlip",
    "Zoom",
    "choice",
    "custom",
    "field",
    "span",
    "switch",
]

if not TYPE_CHECKING:  # a type checker would take every name for one that exists

    def __getattr__(name: str) -> object:
        raise missing_name("vary.transforms", name, __all__)
