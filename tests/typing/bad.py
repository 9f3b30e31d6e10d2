"""Mistakes of users: both type checkers refuse the lines that end in `# wrong`, and no others. Checked, never run."""

import numpy as np

import vary
from vary import (
    CenterCrop,
    HorizontalFlip,
    Lambda,
    Normalize,
    OneOf,
    Policy,
    RandomCrop,
    Rescale,
    Resize,
    Rotate,
    SomeOf,
    Sometimes,
    Transform,
    Zoom,
)
from vary.transforms import Lowering, Span, field, span


class Swing(Transform):
    angle: Span = span("degrees", within=(-45, 45))
    steps: int = field("how many", whole=True, default=4)
    scale: float = field("factor", default=1.0, kw_only=True)

    def lower(self, to: Lowering) -> None:
        to.emit("rotate", to.uniform(self.angle))


image = np.zeros((9, 9, 3), np.uint8)
policy = Policy([Rotate(40)])

Rotate()  # wrong
Rotate("40")  # wrong
Rotate(40, 0.5)  # wrong
Rotate(-10, 10)  # wrong
Rotate(angel=3)  # wrong
Rotate((1, 2, 3))  # wrong
Rotate(None)  # wrong
Rotate(40, p="often")  # wrong
HorizontalFlip(0.5)  # wrong
HorizontalFlip(q=0.5)  # wrong
Zoom(0.2, 0.2, 0.2)  # wrong
Resize(150)  # wrong
Resize((150, 150))  # wrong
Resize(150, 150, "fill")  # wrong
Resize("150", 150)  # wrong
Resize(150.5, 150)  # wrong
CenterCrop()  # wrong
CenterCrop(224, 224, 224)  # wrong
RandomCrop("224")  # wrong
Rescale()  # wrong
Rescale("1/255")  # wrong
Normalize("grey")  # wrong
Normalize(mean=["0.5"])  # wrong
Lambda()  # wrong
Lambda(5)  # wrong
OneOf()  # wrong
OneOf(Rotate(40), Zoom(0.2))  # wrong
OneOf(["Rotate"])  # wrong
OneOf([Rotate])  # wrong
OneOf([Rotate(40)], weights="1")  # wrong
SomeOf([Rotate(40)])  # wrong
SomeOf(0.5, [Rotate(40)])  # wrong
SomeOf((1, 2, 3), [Rotate(40)])  # wrong
Sometimes([Rotate(40)], 0.3)  # wrong
Swing()  # wrong
Swing(5, 4, 2)  # wrong
Swing(5, steps="4")  # wrong
Transform(3)  # wrong
Policy()  # wrong
Policy(3)  # wrong
Policy(Rotate(40))  # wrong
Policy([Rotate(40), "Zoom"])  # wrong
Policy([Rotate(40)], fill="edge")  # wrong
Policy([Rotate(40)], fil="wrap")  # wrong
Policy([Rotate(40)], interpolation="bicubic")  # wrong
Policy([Rotate(40)], antialias="on")  # wrong
Policy([Rotate(40)], value_range="255")  # wrong

Rotate(40).angle = 3  # wrong
policy("cat.jpg")  # wrong
policy(image, 7)  # wrong
policy(image, seed="7")  # wrong
policy(image, seed=0.5)  # wrong
policy(image, layout="NHCW")  # wrong
policy(image, dtype="int64")  # wrong
policy.batch(image, indices=0)  # wrong
policy.batch([image], index=[0])  # wrong
policy.batch(["cat.jpg"])  # wrong
policy.explain(375, 500)  # wrong
policy.save(3)  # wrong

vary.stream("folder")  # wrong
vary.stream("folder", [Rotate(40)])  # wrong
vary.stream("folder", "mine.yaml")  # wrong
vary.stream("folder", policy, 8)  # wrong
vary.stream("folder", policy, batch_size="8")  # wrong
vary.stream("folder", policy, batchsize=8)  # wrong
vary.stream("folder", policy, layout="NHCW")  # wrong
vary.stream("folder", policy, dtype="float64")  # wrong
vary.stream("folder", policy, shuffle="yes")  # wrong
vary.stream("folder", policy, on_error="ignore")  # wrong
vary.stream("folder", policy, cache="ram")  # wrong
vary.stream("folder", policy, shard=1)  # wrong
vary.stream("folder", policy, uneven="cut")  # wrong
vary.stream("folder", {"large": (policy, "2")})  # wrong
vary.stream("folder", policy, target_size=(150, 150))  # wrong
_ = vary.stream("folder", policy).batch_size  # wrong
vary.Folder("folder", shuffle=True)  # wrong
vary.Files(["a.jpg"], label=[1])  # wrong
vary.table("pets.csv", "file", missing="ignore")  # wrong
vary.table("pets.csv", "file", label="breed")  # wrong
vary.Arrays(image[None], label=[1])  # wrong
policy(image, target_size=(150, 150))  # wrong
policy.batch([image], num_workers=2)  # wrong
policy.transform(image)  # wrong
vary.DataLoader("folder")  # wrong
vary.mix(["a", "b"])  # wrong
vary.mix([], weights=[1])  # wrong
vary.mix([policy])  # wrong
vary.RandomRotation(40)  # wrong
