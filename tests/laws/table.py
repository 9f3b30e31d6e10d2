"""One row for each transform: a strong example of it, and arguments under which it changes nothing.

A new transform adds its row here and is then held to every law of this folder.
"""

from typing import NamedTuple

import numpy as np

from vary import (
    Affine,
    Brightness,
    CenterCrop,
    ChannelShift,
    ColorJitter,
    Contrast,
    GaussianBlur,
    GaussNoise,
    HorizontalFlip,
    Hue,
    Lambda,
    Normalize,
    OneOf,
    Pad,
    Perspective,
    Policy,
    RandomCrop,
    RandomResizedCrop,
    RandomRotate90,
    Rescale,
    Resize,
    Rotate,
    Saturation,
    Shear,
    Solarize,
    SomeOf,
    Sometimes,
    Transform,
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)

HEIGHT, WIDTH = 12, 18  # of every picture that the identities are true for


class Row(NamedTuple):
    example: Transform
    identity: Transform


def same(image: np.ndarray) -> np.ndarray:
    return image


def inverted(image: np.ndarray) -> np.ndarray:
    return image.max() - image


GEOMETRY = {
    "HorizontalFlip": Row(HorizontalFlip(), HorizontalFlip(p=0)),
    "VerticalFlip": Row(VerticalFlip(), VerticalFlip(p=0)),
    "Transpose": Row(Transpose(), Transpose(p=0)),
    "RandomRotate90": Row(RandomRotate90(), RandomRotate90(p=0)),
    "Rotate": Row(Rotate(180), Rotate((360, 360))),
    "Translate": Row(Translate(0.7, 0.4), Translate()),
    "Shear": Row(Shear(40, 30), Shear()),
    "Zoom": Row(Zoom((0.2, 3), (0.3, 2)), Zoom((1, 1))),
    "Affine": Row(Affine(90, 0.3, 0.3, 30, (0.2, 1.5)), Affine()),
    "Resize": Row(Resize(5, 31), Resize(HEIGHT, WIDTH, "letterbox")),
    "CenterCrop": Row(CenterCrop(5, 23), CenterCrop(HEIGHT, WIDTH)),
    "RandomCrop": Row(RandomCrop(15, 7), RandomCrop(HEIGHT, WIDTH)),
    "RandomResizedCrop": Row(RandomResizedCrop(9, 9), RandomResizedCrop(HEIGHT, WIDTH, (1, 1), (1.5, 1.5))),
    "Perspective": Row(Perspective(0.33), Perspective(0)),
    "Pad": Row(Pad(7, 0, 3, 30), Pad(0)),
}
COLOUR = {
    "Rescale": Row(Rescale(0.01, 3), Rescale(1)),
    "Normalize": Row(Normalize(0.4, 0.2), Normalize(0, 1)),
    "Brightness": Row(Brightness(0.5), Brightness((1, 1))),
    "Contrast": Row(Contrast(0.5), Contrast((1, 1))),
    "Saturation": Row(Saturation(0.9), Saturation((1, 1))),
    "Hue": Row(Hue(0.5), Hue((0, 0))),
    "ColorJitter": Row(ColorJitter(0.4, 0.4, 0.4, 0.1), ColorJitter()),
    "ChannelShift": Row(ChannelShift(0.5), ChannelShift(0)),
    "Solarize": Row(Solarize(0.5), Solarize(0.5, p=0)),
}
FILTERS = {
    "GaussianBlur": Row(GaussianBlur(2), GaussianBlur(0)),
    "GaussNoise": Row(GaussNoise(0.3), GaussNoise(0)),
}
OTHERS = {
    "Lambda": Row(Lambda(inverted), Lambda(same)),
    "Sometimes": Row(Sometimes([Rotate(90), Brightness(0.5)]), Sometimes([Rotate(90)], p=0)),
    "OneOf": Row(OneOf([Rotate(90), Brightness(0.5)]), OneOf([Rotate(0), Shear(0)])),
    "SomeOf": Row(SomeOf(1, [Rotate(90), Brightness(0.5)]), SomeOf(0, [Rotate(90)])),
    "Policy": Row(Policy([Rotate(90), Brightness(0.5)]), Policy([])),
}
TABLE = GEOMETRY | COLOUR | FILTERS | OTHERS
