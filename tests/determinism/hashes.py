"""Policies x pictures whose bytes are pinned: the same on every machine, instruction set and day.

python tests/determinism/hashes.py           prints the hashes made here, and on what
python tests/determinism/hashes.py --write   stores them in hashes.json: only when bytes are meant to change
                                             (a new VERSION in plan/program.py, told in the changelog)
"""

import hashlib
import io
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

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
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)
from vary.codecs.decode import read_image
from vary.plan.machine import target
from vary.transforms import REGISTRY, FieldTransform

STORED = Path(__file__).with_name("hashes.json")


class Waves(FieldTransform):
    rows, columns = 6, 9

    def field(self, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-1, 1, 2) / 8 + rng.uniform(-1, 1, (6, 9, 2)) / 32


del REGISTRY["Waves"]  # other tests list it


def turned(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[::-1])


ISSUE = [HorizontalFlip(), Affine(rotate=40, translate_x=0.2, translate_y=0.2, shear=11, zoom=0.2)]
POLICIES = {
    "flip and affine": Policy([*ISSUE, Rescale(1 / 255)]),
    "flip and affine, uint8": Policy(ISSUE),
    "inception": Policy(
        [RandomResizedCrop(32, 40), HorizontalFlip(), ColorJitter(0.4, 0.4, 0.4, 0.1), Normalize(0.5, 0.2)]
    ),
    "evaluation": Policy([Resize(30, 30, "cover"), CenterCrop(24, 36), Normalize(0.4, 0.3)]),
    "strict": Policy(
        [Brightness(0.3), Rotate(30), Saturation(0.5), Shear(20, 10), Contrast(0.4), Resize(20, 50)], strict=True
    ),
    "nearest": Policy([Rotate(180), Zoom((0.5, 2)), Shear(30)], interpolation="nearest", fill=(17,)),
    "constant": Policy([Translate(0.6, 0.6), Rotate(45), Pad(3, 0, 5, 1)], fill=200),
    "reflect": Policy([Zoom((0.2, 0.6)), Rotate(90)], fill="reflect", antialias=False),
    "reflect101": Policy([Zoom((0.2, 0.6)), Rotate(90)], fill="reflect101", antialias=False),
    "wrap": Policy([Translate(2, 2), Rotate(10)], fill="wrap"),
    "reduced": Policy([Rotate(90), Resize(11, 13), Shear(10)]),
    "smoothed": Policy([Rotate(90), Zoom((0.6, 0.95)), Shear(10)], fill="reflect101"),
    "boxes": Policy([Rotate(90), Resize(3, 2), Zoom((0.6, 0.95))], fill="constant"),
    "letterbox": Policy([Resize(50, 40, "letterbox"), VerticalFlip(), RandomCrop(45, 45)], fill="reflect"),
    "turns": Policy([Transpose(), RandomRotate90(), Resize(40, 40)]),
    "colour": Policy([Hue(0.5), ChannelShift(0.2), Saturation(0.9), Contrast(0.9), Brightness(0.5), Rescale(0.01, -1)]),
    "choices": Policy(
        [
            OneOf([Rotate(40), Zoom(0.4)]),
            SomeOf((1, 2), [Hue(0.2), Contrast(0.3), Brightness(0.3)]),
            Sometimes(ISSUE),
        ]
    ),
    "filters": Policy([GaussianBlur(1.5), Perspective(0.3), Solarize(0.6), GaussNoise(0.1), Contrast(0.4)]),
    "fields": Policy([Rotate(20), Waves(), HorizontalFlip(), Resize(50, 50), Waves(), Contrast(0.4)], fill="reflect"),
    "function": Policy([Rotate(40), Lambda(turned), Zoom(0.3), Contrast(0.4)]),
}


def waves(height: int, width: int, channels: int) -> np.ndarray:
    """A picture from integers alone, with slopes, edges and noise."""
    y, x, c = np.ogrid[:height, :width, :channels]
    noise = (y * 7919 + x * 104729 + c * 1299709) % 1009 % 31
    return ((x * x * 3 + y * x + y * 5 + c * 57) // 7 % 200 + noise + 40 * (x > width // 2)).astype(np.uint8)


def from_png(pixels: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return np.asarray(read_image(file.getvalue()))


def pictures() -> dict[str, np.ndarray]:
    return {
        "rgb": waves(61, 47, 3),
        "rgba": waves(40, 41, 4),
        "grey": waves(33, 200, 1),
        "float": waves(50, 64, 3).astype(np.float32) * np.float32(1 / 256),
        "png": from_png(waves(45, 37, 3)),
    }


def outputs(policy: Policy, image: np.ndarray) -> Iterator[np.ndarray]:
    """One policy on one picture, as the samples 0 .. 3 of two seeds."""
    for seed in (0, 0xDEADBEEF12345678):
        for index in range(4):
            yield policy(image, seed=seed, epoch=index % 2, index=index * 1_000_003)


def compute() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, policy in POLICIES.items():
        row = found[name] = {}
        for kind, image in pictures().items():
            digest = hashlib.sha256()
            for out in outputs(policy, image):
                digest.update(repr((out.shape, str(out.dtype))).encode() + out.tobytes())
            row[kind] = digest.hexdigest()[:16]
    return found


def machine() -> dict[str, object]:
    """What a parent process may want proof of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        features = np._core._multiarray_umath.__cpu_features__  # type: ignore[attr-defined]
    return {"target": target(), "features": sorted(name for name, on in features.items() if on)}


if __name__ == "__main__":
    if "--write" in sys.argv:
        STORED.write_text(json.dumps(compute(), indent=1) + "\n")
    else:
        print(json.dumps({"hashes": compute(), **machine()}))
