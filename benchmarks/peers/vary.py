"""vary, by its public API; the case "execute" alone reaches behind it, for the native call without draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import vary
from benchmarks.peers import MEAN, STD, Batch, Build, Check, Image, Step, classic, slots
from vary.keras import ImageDataGenerator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def versions() -> dict[str, str]:
    return {"vary": vary.__version__, "numpy": np.__version__}


def warp() -> list[Any]:
    return [vary.HorizontalFlip(), vary.Rotate(40), vary.Translate(x=0.2, y=0.2), vary.Shear(11), vary.Zoom(0.2)]


def step_of(policy: vary.Policy, images: Sequence[Image], **options: Any) -> Step:
    """The batch of the last step is dropped before the next is asked for, as a training loop does."""
    indices = range(len(images))

    def step(epoch: int) -> Batch:
        return np.asarray(policy.batch(images, seed=7, epoch=epoch, indices=indices, **options))

    return step


def warped(**options: Any) -> Build:
    """Flip and affine map alone, with the options of `policy.batch`."""

    def build(images: Sequence[Image], threads: int) -> Step:
        return step_of(vary.Policy(warp(), fill="nearest"), images, threads=threads, **options)

    return build


def affine(images: Sequence[Image], threads: int) -> Step:
    policy = vary.Policy([*warp(), vary.Rescale(1 / 255)], fill="nearest")
    return step_of(policy, images, threads=threads, dtype="float32", layout="NCHW")


def normalize(images: Sequence[Image], threads: int) -> Step:
    policy = vary.Policy([*warp(), vary.Normalize(mean=MEAN, std=STD)], fill="nearest")
    return step_of(policy, images, threads=threads, dtype="float32", layout="NHWC")


def strict(images: Sequence[Image], threads: int) -> Step:
    policy = vary.Policy(warp(), fill="nearest", strict=True)
    return step_of(policy, images, threads=threads, dtype="uint8", layout="NHWC")


def crop(images: Sequence[Image], threads: int) -> Step:
    transforms = [
        vary.RandomResizedCrop(224, 224),
        vary.HorizontalFlip(),
        vary.ColorJitter(0.4, 0.4, 0.4, 0.1),
        vary.Normalize(mean=MEAN, std=STD),
    ]
    policy = vary.Policy(transforms, fill="nearest")
    return step_of(policy, images, threads=threads, dtype="float32", layout="NHWC")


def calls(images: Sequence[Image], _threads: int) -> Step:
    """`policy(image)`, once an image; the last picture is handed back as a batch of one."""
    policy = vary.Policy([*warp(), vary.Rescale(1 / 255)], fill="nearest")

    def step(epoch: int) -> Batch:
        for index, image in enumerate(images):
            one = policy(image, seed=7, epoch=epoch, index=index)
        return np.ascontiguousarray(np.asarray(one).transpose(2, 0, 1)[None])

    return step


def execute(images: Sequence[Image], threads: int) -> Step:
    """The native call alone: rows drawn and slots allocated beforehand, for 64 epochs in turn."""
    from vary.plan.request import Address, Decode

    policy = vary.Policy([*warp(), vary.Normalize(mean=MEAN, std=STD)], fill="nearest")
    runner, sources, indices = policy.runner_for(images[0]), list(images), np.arange(len(images))
    rows = [runner.rows(Address(7, epoch, 0, indices)) for epoch in range(64)]
    out, plan = slots(len(images), images[0].shape[:2]), runner.plans[-1]

    def step(epoch: int) -> Batch:
        plan.run(sources, rows[epoch % len(rows)], out, (True, 1, threads, *Decode()))
        return out

    return step


def main_policy(size: int) -> vary.Policy:
    transforms = [vary.Rotate(40), vary.Translate(x=0.2, y=0.2), vary.Shear(11), vary.Zoom(0.2), vary.HorizontalFlip()]
    return vary.Policy([vary.Resize(size, size), *transforms, vary.Rescale(1 / 255)], fill="nearest")


def streamed(policy: vary.Policy, **options: Any) -> Build:
    """An epoch from files, as batches of 32; the last one is handed back."""

    def build(files: Sequence[Any], threads: int) -> Step:
        root = Path(files[0]).parent.parent
        train = vary.stream(root, policy, batch_size=32, seed=7, threads=threads, layout="NCHW", **options)

        def step(epoch: int) -> Batch:
            train.set_epoch(epoch)
            for batch in train:
                images = batch[0]
            return images.reshape(-1, *images.shape[-3:])

        return step

    return build


CROPS = vary.Policy([vary.RandomResizedCrop(224, 224), vary.HorizontalFlip(), vary.Normalize(mean=MEAN, std=STD)])


def fixed_affine(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    angle, shear, zoom = spec["angle"], spec["shear"], spec["zoom"]
    (x, y), flip = spec["shift"], [vary.HorizontalFlip(p=1)] if spec["flip"] else []
    policy = vary.Policy(
        [
            *flip,
            vary.Rotate((angle, angle)),
            vary.Translate(x=(x, x), y=(y, y)),
            vary.Shear((shear, shear)),
            vary.Zoom((zoom, zoom)),
            vary.Rescale(1 / 255),
        ],
        fill="nearest",
    )
    return np.asarray(policy(image, seed=7, epoch=0, index=0)) * 255


def resized(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    transforms = [vary.Resize(*spec["resize"]), vary.CenterCrop(*spec["crop"]), vary.Normalize(mean=MEAN, std=STD)]
    return np.asarray(vary.Policy(transforms)(image, seed=7, epoch=0, index=0))


CASES: dict[str, Build] = {"affine": affine, "normalize": normalize, "crop": crop, "calls": calls, "execute": execute}
CASES |= {
    "warped": warped(dtype="uint8", layout="NHWC"),
    "warped_floats": warped(dtype="float32", layout="NHWC"),
    "warped_planes": warped(dtype="float32", layout="NCHW"),
    "strict": strict,
    "files150": streamed(main_policy(150), cache=None),
    "files224": streamed(main_policy(224), cache=None),
    "views": streamed(main_policy(224), cache=None, views=4),
    "crops": streamed(CROPS, cache=None),
    "cached": streamed(main_policy(150), cache="memory"),
    "cached224": streamed(main_policy(224), cache="memory"),
    "process224": streamed(main_policy(224), cache="memory", process=True),
    **classic.cases(ImageDataGenerator),
}
UNITS_AN_IMAGE = {"views": 4, **classic.UNITS_AN_IMAGE}  # pictures
CHECKS: dict[str, Check] = {"affine": fixed_affine, "resize": resized}
