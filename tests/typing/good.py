"""What the documents show, as users write it: both type checkers accept every line. Checked, never run."""

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import numpy as np

import vary
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
    Transform,
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)
from vary.transforms import Lowering, Span, field, span


class HalfTurn(Transform):
    """Turn by 180 degrees, exactly."""

    p: float = field("probability of being applied", within=(0, 1), default=0.5, kw_only=True)

    def lower(self, to: Lowering) -> None:
        to.emit("rotate90", 2)


class Swing(Transform):
    """Turn a little, in steps."""

    angle: Span = span("degrees; a number a means (-a, a)", within=(-45, 45))
    steps: int = field("how many", within=(1, 1 << 20), whole=True, default=4)
    scale: float = field("factor", default=1.0, kw_only=True)

    def lower(self, to: Lowering) -> None:
        to.emit("rotate", to.uniform(self.angle))


def darker(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[::-1])


def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, image.shape, np.uint8)


transforms: list[Transform] = [
    HalfTurn(),
    HalfTurn(p=1),
    Swing(5),
    Swing((-5, 5), 3, scale=2, p=0.5),
    Rotate(40),
    Rotate(40, p=0.5),
    Rotate((-10, 40)),
    Rotate((-10.0, 40)),
    Rotate(angle=3),
    Translate(x=0.2, y=0.2),
    Translate(0.2, (0, 0.1), p=0.8),
    Shear(11),
    Shear(portion=0.2),
    Shear(portion=(-0.1, 0.2), portion_y=None),
    Zoom(0.2),
    Zoom((0.8, 1.2), 0.1),
    Affine(rotate=40, translate_x=0.1, translate_y=0.1, shear=11, zoom=0.2),
    HorizontalFlip(),
    HorizontalFlip(p=0.3),
    VerticalFlip(),
    Transpose(p=1),
    RandomRotate90(),
    Resize(150, 150),
    Resize(150, 150, "fit"),
    Resize(150, 150, mode="cover"),
    Resize(height=150, width=150, p=0.5),
    CenterCrop(224),
    CenterCrop(224, 200),
    RandomCrop(224),
    RandomCrop(height=224, width=200),
    RandomResizedCrop(224),
    RandomResizedCrop(224, scale=(0.5, 1)),
    RandomResizedCrop(224, 200, (0.5, 1), (1, 1)),
    Pad(4),
    Pad(1, 2, 3, 4),
    Rescale(1 / 255),
    Rescale(1 / 127.5, -1),
    Normalize(),
    Normalize(0.5, 0.5),
    Normalize((0.4, 0.5, 0.6), [0.2, 0.2, 0.2]),
    Normalize(np.array([0.4, 0.5, 0.6]), std=np.ones(3)),
    Brightness(0.3),
    Brightness((0.5, 1.5)),
    Contrast(0.3),
    Saturation((0, 0), p=0.1),
    Hue(0.05),
    ColorJitter(0.2, 0.2, 0.2, 0.05),
    ColorJitter(brightness=0.2, hue=0.05),
    ChannelShift(0.1),
    ChannelShift(0.1, joint=1),
    ChannelShift(0.1, joint=True),
    Lambda(darker),
    Lambda(noisy, p=0.5),
    Lambda(np.fliplr),
    Lambda(lambda image: image[::-1]),
    Lambda("numpy:fliplr"),
    OneOf([Rotate(40), HorizontalFlip()]),
    OneOf([Rotate(40), HorizontalFlip()], weights=[1, 2]),
    OneOf((Rotate(40), HorizontalFlip()), (1, 2.5), p=0.5),
    SomeOf(2, [Rotate(40), HorizontalFlip(), Zoom(0.2)]),
    SomeOf((1, 3), [Rotate(40), HorizontalFlip(), Zoom(0.2)]),
    Sometimes([Rotate(40)], p=0.3),
    Sometimes([Rotate(40), OneOf([Zoom(0.2), Shear(11)])]),
    Policy([Rotate(40)]),
]

Policy([])
Policy(transforms)
Policy([Rotate(40)], fill="reflect")
Policy([Rotate(40)], fill=(0, 0, 0))
Policy([Rotate(40)], fill=127.5)
Policy([Rotate(40)], "constant", "nearest")
Policy([Rotate(40)], interpolation="nearest", antialias=False, strict=True)
Policy([Rotate(40)], value_range=255)
Policy([Rotate(40)], value_range=(-1, 1))
policy = Policy([Resize(150, 150), Rotate(40), Rescale(1 / 255)], fill="nearest")

image = vary.read_image("cat.jpg")
assert_type(policy(image), np.ndarray)
policy(image, seed=7)
policy(image, seed=7, epoch=0, index=0, view=1)
policy(image, seed=np.int64(7), index=np.arange(3)[0])
policy(image, dtype="float32", layout="NCHW")
policy(image, dtype=np.float32)
policy(image, dtype=np.dtype("uint8"))
assert_type(policy.batch([image, image]), np.ndarray)
policy.batch(np.stack([image, image]), seed=7, indices=[0, 1])
policy.batch((image, image), seed=7, epoch=3, view=1, indices=np.arange(2), threads=2)
policy.batch([image], out=np.empty((1, 150, 150, 3), np.float32), layout="NHWC")
policy.batch(vary.read_image(path) for path in ("a.jpg", "b.jpg"))
assert_type(policy.explain((375, 500, 3)), str)
policy.explain(image.shape, seed=7, epoch=1, index=2, dtype="float32")
policy.program((375, 500)).text()
policy.save("mine.yaml")
policy.save(Path("mine.json"))
assert_type(Policy.load("mine.yaml"), Policy)
assert_type(Policy.from_dict(policy.to_dict()), Policy)
hash(policy), policy == Policy([]), repr(policy)

train = vary.stream("folder", policy, batch_size=8)
for images, labels in train:
    images.mean(), labels.mean()
for (pictures,) in vary.stream("flat", policy):
    pictures.mean()
for batch in train:
    batch.images.mean(), batch.labels, batch.indices, batch.epoch, batch.paths[0]
len(train), len(train.classes), train.fields
state = train.state_dict()
train.load_state_dict(state)
print(train.report())
train.set_epoch(3)
assert_type(train.peek(), vary.Batch)
train.replay(3, epoch=1, view=0)
with vary.stream("folder", policy, process=True) as stream:
    next(iter(stream))

vary.stream(Path("folder"), policy, seed=7, shuffle=False, frozen=True, drop_last=True, threads=2, prefetch=0)
vary.stream((np.zeros((8, 9, 9, 3), np.uint8), np.arange(8)), policy, layout="NCHW", dtype="float32")
vary.stream([image, image], policy, labels=[0, 1], weights=[1, 2], repeat=2)
vary.stream("folder", policy, weights="balanced", shuffle_block_size=32, shard=(0, 2), uneven="drop")
vary.stream("folder", policy, on_error="replace", max_errors=20, cache="disk", cache_bytes=1 << 30, channels=1)
vary.stream("folder", policy, views=2, full_decode=True, allow_truncated=True, max_pixels=1 << 28)
vary.stream("folder", {"large": (policy, 2), "small": (Policy([]), 8), "plain": policy}, batch_size=8)
vary.stream(vary.Folder("folder", classes=["cat", "dog"], listing="saved"), policy)
vary.stream(vary.Arrays(np.zeros((8, 9, 9, 3), np.uint8)), policy)
pets = vary.table("pets.csv", images="file", labels={"age": "years", "seen": ["cat", "dog"]}, missing="skip")
vary.stream(pets.split(0.2, groups="owner", by="name")[0], policy, one_hot=True)

mixed = vary.mix([train, train], ratios=[3, 1])
for images, labels in mixed:
    images.mean(), labels.mean()
for batch in vary.mix((train, train)):
    batch.streams.tolist(), batch.epochs.tolist()
vary.average_views(np.zeros((10, 3)), 5)
vary.testing.check_resume(lambda: vary.stream("folder", policy))


class Pictures:
    """A data set of the user's own."""

    epoch = 0

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def __getitem__(self, i: int) -> np.ndarray:
        return policy(vary.read_image(self.paths[i]), seed=7, epoch=self.epoch, index=i)


def forever(stream: vary.Stream) -> Iterator[vary.Batch]:
    while True:
        yield from stream


try:
    Policy.load("mine.yaml")
except vary.PolicyError as error:
    print(error)
except (vary.InputError, vary.SourceError, vary.DecodeError, vary.VaryError):
    raise
