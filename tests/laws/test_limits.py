"""Sizes and maps beyond the limits of the core are errors that name the transform, before memory is allocated."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vary
from vary import (
    Affine,
    Brightness,
    CenterCrop,
    Contrast,
    Lambda,
    Normalize,
    Pad,
    Policy,
    PolicyError,
    Rescale,
    Resize,
    Rotate,
    Sometimes,
    VaryError,
    Zoom,
)

PICTURE = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
FLOATS = PICTURE.astype(np.float32)
WIDE = np.zeros((1, 1 << 20, 1), np.uint8)

CANVASES: dict[str, tuple[Callable[[], Policy], str]] = {
    "output": (lambda: Policy([Resize(47000, 47000)]), "Resize.* makes pictures of 47000 x 47000 x 1 uint8"),
    "float output": (lambda: Policy([Resize(30000, 20000), Rescale(1)]), "Resize.* makes pictures of .* float32"),
    "padded": (lambda: Policy([Pad(1 << 15)]), "Pad.* makes pictures of 65544 x 65544 x 1 uint8"),
    "cropped": (lambda: Policy([CenterCrop(1 << 20, 1 << 20)]), "CenterCrop.* makes pictures of"),
    "between": (
        lambda: Policy([Resize(47000, 47000), Rotate((5, 5)), Resize(9, 9)], strict=True),
        "Resize.* makes a picture of 47000 x 47000 x 1 uint8",
    ),
    "between, later": (
        lambda: Policy([Resize(9, 9), Pad(1 << 15), Rotate((5, 5)), Resize(9, 9)], strict=True),
        "Pad.* makes a picture of 65545 x 65545",
    ),
    "before a function": (lambda: Policy([Pad(1 << 15), Lambda(lambda x: x)]), "Pad.* makes pictures of"),
}


@pytest.mark.parametrize("name", CANVASES)
def test_pictures_over_2_gib_are_refused_before_they_are_made(name: str) -> None:
    make, words = CANVASES[name]
    with pytest.raises(VaryError, match=words) as caught:
        make()(PICTURE, seed=0)
    assert "over 2 GiB" in str(caught.value)
    assert "smaller size" in str(caught.value)


def test_a_large_canvas_that_is_never_made_is_no_error() -> None:
    assert Policy([Pad(1 << 15), CenterCrop(8, 8)])(PICTURE, seed=0).tolist() == PICTURE.tolist()
    assert Policy([Resize(47000, 47000), Resize(8, 8)], antialias=False)(PICTURE, seed=0).tolist() == PICTURE.tolist()


def test_views_of_huge_arrays_work() -> None:
    """Rows so far apart that their offsets need more than 32 bits."""
    rows = np.zeros((40, 1 << 26, 1), np.uint8)[:, :8]
    rows[...] = 7
    assert Policy([Rotate((5, 5))])(rows, seed=0).mean() == 7


ENDLESS = {
    "far away": ([Zoom((0.01, 0.01))] * 160, "Zoom.* stretches"),
    "far away, turned": ([*[Zoom((0.01, 0.01))] * 160, Rotate((30, 30))], "Zoom.* stretches"),
    "close": ([Zoom((100, 100))] * 160, "Zoom.* stretches"),
    "one axis": ([Zoom((100, 100), (1, 1))] * 160, "Zoom.* stretches"),
    "affine": ([Affine(rotate=(10, 10), shear=(80, 80), zoom=(0.01, 0.01))] * 160, "Affine.* stretches"),
    "padded": ([Pad(1 << 20)] * 1030, "Pad.* makes a canvas with a side over 268435456"),
    "cover": ([Resize(1, 1 << 20), Resize(1 << 10, 1, mode="cover")], "Resize.* makes a canvas with a side over"),
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("fill", ["nearest", "constant", "wrap"])
def test_maps_and_sides_that_are_too_large_are_refused(name: str, fill: str) -> None:
    transforms, words = ENDLESS[name]
    policy = Policy([*transforms, CenterCrop(4, 4)], fill=0 if fill == "constant" else fill)
    for call in (lambda: policy(PICTURE, seed=0), lambda: policy.explain((8, 8))):
        with pytest.raises(VaryError, match=words):
            call()


def test_one_picture_that_becomes_too_large_fails_alone() -> None:
    stream = vary.stream(
        np.stack([PICTURE] * 4), policy=Policy([*[Zoom((0.01, 0.01))] * 160, Resize(4, 4)]), batch_size=2
    )
    with pytest.raises(VaryError, match=r"Zoom.* stretches"):
        next(iter(stream))


RANGES: list[Any] = [
    *(1e-38, 1e-45, 1e-50, (0, 1e-40), (-1e-39, 1e-39)),
    *((1e8, 1e8 + 1), (1, 1 + 1e-6), 1e38, (-3e38, 3e38)),
]


@pytest.mark.parametrize("value_range", RANGES, ids=str)
def test_value_ranges_that_float32_does_not_hold_are_refused(value_range: Any) -> None:
    with pytest.raises(PolicyError, match=r"value_range=.*(too narrow for float32|too large for sums in float32)"):
        Policy([Contrast((1.5, 1.5))], value_range=value_range)


@pytest.mark.parametrize("value_range", [1, 255, 65535, (-1, 1), (1000, 1001), 1e-6, (-1e6, 1e6)], ids=str)
def test_usual_value_ranges_are_accepted(value_range: Any) -> None:
    out = Policy([Contrast((1.5, 1.5))], value_range=value_range)(FLOATS, seed=0)
    assert np.isfinite(out).all()


VANISHING = {
    "range moved away": ([Rescale(1, 1e6), Rescale(1e-3, 1e6)], "Rescale.* changes the value range: .* too narrow"),
    "factor": ([Rescale(1e6)] * 4, "Rescale makes the total factor"),
    "factor, no range": ([Normalize(), *[Rescale(1e6)] * 4], "Rescale makes the total factor"),
    "factor, sometimes": ([Sometimes([Rescale(1e-6)], p=0.5)] * 4, "Rescale makes the total factor"),
    "std that underflows": ([Normalize(0, 1e-320)], "Normalize makes the total factor"),
    "std that overflows": ([Normalize(0, 1e300)], "Normalize makes the total factor"),
    "mean that overflows": ([Normalize(1e39, 1)], "Normalize makes values up to"),
    "mean and std": ([Normalize(1e300, 1e-300)], "Normalize makes the total factor"),
}


@pytest.mark.parametrize("name", VANISHING)
def test_factors_that_float32_does_not_hold_are_refused(name: str) -> None:
    transforms, words = VANISHING[name]
    with pytest.raises(PolicyError, match=words):
        Policy(transforms)(np.zeros((4, 4, 3), np.float32), seed=0)


def test_rescale_may_not_bring_the_range_where_float32_does_not_hold_it() -> None:
    for scale, value_range, words in ((1e-6, 1e-28, "too narrow"), (1e6, 1e28, "too large")):
        with pytest.raises(PolicyError, match=rf"Rescale.* changes the value range: .* {words}"):
            Policy([Rescale(scale)], value_range=value_range)(FLOATS, seed=0)


def test_usual_factors_are_accepted() -> None:
    for scale, std in itertools.product((1 / 255, 255, 1e-6, 1e6), (1e-3, 1, 1e3)):
        policy = Policy([Rescale(scale), Brightness((1, 1)), Normalize(0.5, std)])
        assert np.isfinite(policy(PICTURE, seed=0)).all()


@pytest.mark.parametrize("fill", [1e39, -1e39, (0, 0, 3.5e38)], ids=str)
def test_fills_that_float32_does_not_hold_are_refused(fill: Any) -> None:
    with pytest.raises(PolicyError, match="that float32 holds"):
        Policy([Pad(1)], fill=fill)


def test_a_fill_that_rescale_carries_too_far_is_refused() -> None:
    most = float(np.finfo(np.float32).max)
    assert Policy([Pad(1)], fill=-most)(FLOATS, seed=0)[0, 0] == -most
    with pytest.raises(PolicyError, match="Rescale makes values up to -3"):
        Policy([Pad(1), Rescale(100)], fill=-most)(FLOATS, seed=0)


def test_extremes_do_not_crash() -> None:
    """In a separate process: all of these cases once crashed it, or were undefined behaviour."""
    code = """
import itertools, numpy as np, vary
wide = np.zeros((1, 1 << 20, 1), np.uint8)
ways = {}, {"antialias": False}, {"interpolation": "nearest"}
fills = "nearest", "reflect", "reflect101", "wrap", 9
for n, z, fill, how in itertools.product(range(1, 170, 7), (.01, 100), fills, ways):
    maps = [*[vary.Zoom((z, z))] * n, vary.Rotate((n, n)), vary.CenterCrop(3, 200)]
    try: vary.Policy(maps, fill=fill, **how)(wide, seed=0)
    except vary.VaryError: pass
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
