"""Transforms: each states a map and touches no pixel, so image, masks, boxes and points can follow the same map.

`base` says what a transform is; `geometry`, `crop` and `colour` hold one short frozen class each; `compose` the ones
made of others; `user` the caller's own function; `text` writes and reads them as data; `foreign.yaml` holds what other
libraries call them.
"""

from vary.transforms.base import REGISTRY, Transform
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
    "Transform",
    "Translate",
    "Transpose",
    "VerticalFlip",
    "Zoom",
]
