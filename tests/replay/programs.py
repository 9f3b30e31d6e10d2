"""Fixed policies x addresses, lowered and stored as text: what a refactor must leave alone, to the byte.

python tests/replay/programs.py --write    stores them beside this file: only when draws or meanings are to change
                                           (a new VERSION in plan/program.py, told in the changelog)
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vary import (
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
    Policy,
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
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)

FOLDER = Path(__file__).parent
ADDRESSES = [
    {},
    {"seed": 1},
    {"epoch": 1},
    {"index": 1},
    {"view": 1},
    {"seed": 2**64 - 1, "epoch": 2**32 - 1, "index": 2**63 - 1, "view": 2**20 - 1},
]
POLICIES = {
    "geometry": Policy(
        [
            HorizontalFlip(),
            VerticalFlip(),
            Transpose(),
            RandomRotate90(),
            Rotate(40),
            Shear(11),
            Shear(portion=(0, 0.2)),
            Zoom(0.2),
            Zoom((0.5, 1), (1, 2)),
            Translate(0.2, (-0.1, 0.3)),
            Affine(40, 0.2, 0.2, 11, 0.2),
        ]
    ),
    "crops": Policy(
        [Resize(48, 64, "cover"), RandomCrop(40, 50), Pad(1, 2, 3, 4), CenterCrop(30, 30), RandomResizedCrop(24, 20)],
        fill=(1, 2, 3),
        interpolation="nearest",
        antialias=False,
    ),
    "colour": Policy(
        [
            Brightness(0.3),
            ColorJitter(0.4, 0.4, 0.4, 0.1),
            Contrast(0.3),
            Saturation(0.3),
            Hue(0.1),
            ChannelShift(0.1),
            ChannelShift(0.1, joint=1),
            Rescale(1 / 255),
            Normalize(),
        ]
    ),
    "choices": Policy(
        [
            OneOf([Rotate(10), Rotate(20), Hue(0.1)], [1, 2, 3]),
            SomeOf(2, [Zoom(0.1), Shear(5), Contrast(0.1, p=0.5)]),
            SomeOf((0, 2), [Zoom(0.1), OneOf([Rotate(1), HorizontalFlip()])]),
            Sometimes([Sometimes([Hue(0.2)]), ColorJitter(0.1, 0.2, p=0.5)], p=0.8),
        ]
    ),
    "strict": Policy(
        [Rotate(10), Brightness(0.1), Shear(5, p=0.5), Rescale(2), Affine(5), Lambda(np.fliplr), Zoom(0.1), Zoom(0.1)],
        strict=True,
        fill="reflect",
    ),
}


def texts() -> Iterator[tuple[Path, str]]:
    for name, policy in POLICIES.items():
        reported = []
        for address in ADDRESSES:
            program = policy.program((60, 80, 3), **address)
            reported.append(f"# {' '.join(f'{k}={v}' for k, v in address.items()) or 'seed=0'}\n{program.text()}")
        yield FOLDER / f"{name}.txt", "\n".join(reported)


if __name__ == "__main__":
    for path, text in texts():
        if "--write" in sys.argv:
            path.write_text(text, encoding="utf-8")
        else:
            print(path.name, "same" if path.exists() and path.read_text(encoding="utf-8") == text else "DIFFERENT")
