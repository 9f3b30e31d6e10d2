"""vary streams varied images straight into training."""

from vary.errors import DecodeError, InputError, PolicyError, SourceError, VaryError
from vary.policy import Policy
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
