"""What is known about the outputs in advance: `element_spec` of a stream, and errors before memory is allocated."""

from typing import Any

import numpy as np
import pytest

from vary import (
    CenterCrop,
    HorizontalFlip,
    Lambda,
    Normalize,
    Pad,
    Policy,
    PolicyError,
    RandomCrop,
    RandomResizedCrop,
    RandomRotate90,
    Rescale,
    Resize,
    Rotate,
    Sometimes,
    Transform,
    Transpose,
    Zoom,
    stream,
)
from vary.plan.infer import check_bytes

HIGH, WIDE = 10, 12
UNKNOWN = (None, None)


def spec(*transforms: Transform, side: int = WIDE, given: Any = np.uint8, **keywords: Any) -> Any:
    images = np.zeros((4, HIGH, side, 3), given)
    return stream(images, Policy(list(transforms)), batch_size=4, **keywords).element_spec.images


@pytest.mark.parametrize(
    ("transforms", "size"),
    [
        ([], (10, 12)),
        ([Rotate(9), Rescale(2), HorizontalFlip()], (10, 12)),
        ([Resize(7, 5)], (7, 5)),
        ([Resize(7, 5, "letterbox")], (7, 5)),
        ([Resize(7, 5, "fit")], UNKNOWN),
        ([Resize(7, 5, "cover")], UNKNOWN),
        ([Resize(7, 5, "cover"), CenterCrop(4, 3)], (4, 3)),
        ([RandomCrop(4, 3)], (4, 3)),
        ([RandomResizedCrop(4, 3)], (4, 3)),
        ([Pad(1, 2, 3, 4)], (14, 18)),
        ([Transpose(p=1)], (12, 10)),
        ([Transpose(p=1), Pad(1, 2, 3, 4)], (16, 16)),
        ([Transpose()], UNKNOWN),
        ([Sometimes([Pad(1, 1, 1, 1)])], UNKNOWN),
        ([Sometimes([Pad(0)])], (10, 12)),
        ([Sometimes([Resize(10, 12)])], (10, 12)),
        ([Sometimes([Pad(1, 1, 1, 1)]), Resize(3, 3)], (3, 3)),
        ([Sometimes([Rotate(9)]), Sometimes([Pad(1, 1, 1, 1)])], UNKNOWN),
        ([RandomRotate90()], UNKNOWN),
        ([RandomRotate90(), Resize(3, 4)], (3, 4)),
        ([Lambda(np.ascontiguousarray)], UNKNOWN),
        ([Lambda(np.ascontiguousarray), Resize(3, 4)], (3, 4)),
    ],
    ids=str,
)
def test_sizes(transforms: list[Transform], size: tuple[int | None, int | None]) -> None:
    assert spec(*transforms).shape == (4, *size, 3)


def test_the_size_of_squares() -> None:
    assert spec(RandomRotate90(), side=HIGH).shape == (4, 10, 10, 3)
    assert spec(Transpose(), side=HIGH).shape == (4, 10, 10, 3)


@pytest.mark.parametrize("given", ["uint8", "float32"])
def test_dtypes(given: str) -> None:
    assert spec(Rotate(9), given=given).dtype == given
    assert spec(Rotate(9), given=given, dtype="uint8").dtype == "uint8"
    assert spec(Rotate(9), given=given, dtype="float32").dtype == "float32"
    for floats in (Rescale(1 / 255), Normalize(0.5, 0.2), Sometimes([Rescale(0.5)])):
        assert spec(floats, given=given).dtype == "float32"
        assert spec(floats, given=given, dtype="float32").dtype == "float32"
        with pytest.raises(PolicyError, match="dtype='uint8' cannot hold what Rescale or Normalize"):
            spec(floats, given=given, dtype="uint8")


@pytest.mark.parametrize(
    ("transforms", "channels", "dtype", "says"),
    [
        ([Resize(50_000, 50_000)], 1, "uint8", r"Resize\(.*makes pictures of 50000 x 50000 x 1 uint8, over 2 GiB"),
        ([Resize(30_000, 30_000)], 3, "uint8", "30000 x 30000 x 3 uint8"),
        ([Resize(30_000, 30_000), Rescale(2)], 1, "uint8", r"Resize\(.*30000 x 30000 x 1 float32"),
        ([Resize(4, 4), Pad(0, 40_000, 60_000, 0), Zoom(0.5)], 1, "uint8", r"^Zoom\(.*60004 x 40004"),
        ([Resize(50_000, 50_000), Lambda(np.ascontiguousarray)], 1, "uint8", r"^Resize\(.*50000 x 50000"),
        ([Resize(50_000, 50_000), Lambda(np.ascontiguousarray), Rotate(9)], 1, "uint8", r"^Resize\(.*50000 x 50000"),
    ],
    ids=str,
)
def test_a_picture_over_2_gib_is_refused(transforms: list[Transform], channels: int, dtype: str, says: str) -> None:
    """The error comes before memory is allocated, and names the last transform that moves pixels."""
    with pytest.raises(PolicyError, match=says):
        Policy(transforms)(np.zeros((5, 5, channels), dtype))


@pytest.mark.parametrize(
    ("channels", "dtype", "each"),
    [
        (1, "uint8", 1),
        (9, "uint8", 9),
        (1, "float32", 4),
        (4, "float32", 16),
        (9, "float32", 36),
        (1, "uint16", 4),  # values are float32 while they are sampled, of at most four channels at a time
        (3, "float16", 12),
        (5, "int16", 16),
        (9, "uint16", 18),
    ],
)
def test_the_most_bytes_of_a_picture(channels: int, dtype: str, each: int) -> None:
    """A pixel of `each` bytes; no picture that fits is refused."""
    template = Policy([]).runner(channels, dtype).template
    most = ((1 << 31) - 65) // each  # native/size_limits.h
    for size in ((1, most), (most, 1), (2, most // 2), (most // 2, 2)):
        check_bytes(template, size, dtype)
    for size in ((1, most + 1), (most + 1, 1), (2, most // 2 + 1), (most // 2 + 1, 2)):
        with pytest.raises(
            PolicyError, match=f"^the policy makes pictures of {size[0]} x {size[1]} x {channels} {dtype}"
        ):
            check_bytes(template, size, dtype)
