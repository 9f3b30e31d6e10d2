"""torchvision transforms v2 on tensors (optional: its environment weighs gigabytes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torchvision
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

from benchmarks.peers import MEAN, STD, Batch, Build, Check, Image, Step, slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def versions() -> dict[str, str]:
    return {
        "torchvision": torchvision.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def tensor(image: Image) -> Any:
    return torch.from_numpy(image).permute(2, 0, 1)


def crop(images: Sequence[Image], threads: int) -> Step:
    torch.set_num_threads(threads)
    pipeline = v2.Compose(
        [
            v2.RandomResizedCrop((224, 224), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    out = slots(len(images), (224, 224), "NHWC")

    def step(epoch: int) -> Batch:
        torch.manual_seed(epoch)
        for image, slot in zip(images, out, strict=True):
            slot[:] = pipeline(tensor(image)).permute(1, 2, 0).numpy()
        return out

    return step


class Files(torch.utils.data.Dataset[Any]):
    """Files decoded, resized and varied one by one, in the workers of a data loader."""

    def __init__(self, files: Sequence[Any]) -> None:
        self.files = list(files)
        self.pipeline = v2.Compose(
            [
                v2.Resize((150, 150), antialias=True),
                v2.RandomAffine(40, (0.2, 0.2), (0.8, 1.2), 11, v2.InterpolationMode.BILINEAR),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        return self.pipeline(decode_image(self.files[index], ImageReadMode.RGB)), 0


def loader(files: Sequence[Any], threads: int) -> Step:
    """An epoch of batches of 32; workers live on from epoch to epoch."""
    batches = torch.utils.data.DataLoader(Files(files), 32, shuffle=True, num_workers=threads, persistent_workers=True)

    def step(_epoch: int) -> Batch:
        for images, _ in batches:
            last = images
        return np.ascontiguousarray(last.numpy())

    return step


def resized(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    """Resize (antialiased), CenterCrop, Normalize; handed back HWC and normalised."""
    pipeline = v2.Compose(
        [
            v2.Resize(spec["resize"], antialias=True),
            v2.CenterCrop(spec["crop"]),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    return np.asarray(pipeline(tensor(image)).numpy().transpose(1, 2, 0))


CASES: dict[str, Build] = {"crop": crop, "loader": loader}
CHECKS: dict[str, Check] = {"resize": resized}
