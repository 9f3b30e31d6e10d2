"""Where programs are cut, as their text form shows."""

import numpy as np
import pytest
from conftest import name_of

from vary import (
    Affine,
    Brightness,
    GaussianBlur,
    GaussNoise,
    HorizontalFlip,
    Lambda,
    Policy,
    Rescale,
    Rotate,
    Sometimes,
    Transform,
    Zoom,
)
from vary.transforms import REGISTRY, Lowering

BLUR, NOISE, TURN, LIGHT = GaussianBlur(1), GaussNoise(0.1), Rotate(9), Brightness(0.1)


def same(image: np.ndarray) -> np.ndarray:
    return image


def listed(*transforms: Transform, dtype: str = "uint8", strict: bool = False, index: int = 0) -> str:
    """The instructions of a picture's program, one a line: names, and the arguments of cuts."""
    program = Policy(list(transforms), strict=strict).program((9, 9, 3), dtype=dtype, index=index)  # type: ignore[arg-type]
    lines = program.text().splitlines()[3:]
    return ", ".join(line if line.startswith("cut") else line.split()[0] for line in lines)


@pytest.mark.parametrize(
    ("transforms", "found"),
    [
        ([TURN, LIGHT, Zoom(0.1)], "rotate, brightness, zoom"),
        ([BLUR, LIGHT], "gaussian_blur, brightness"),
        ([BLUR, TURN], "gaussian_blur, cut 0, rotate"),
        ([NOISE, TURN], "gauss_noise, cut 0, rotate"),
        ([BLUR, TURN, Zoom(0.1)], "gaussian_blur, cut 0, rotate, zoom"),
        ([BLUR, BLUR, TURN], "gaussian_blur, gaussian_blur, cut 0, rotate"),
        ([BLUR, TURN, BLUR, TURN], "gaussian_blur, cut 0, rotate, gaussian_blur, cut 0, rotate"),
        ([TURN, BLUR, LIGHT, TURN], "rotate, gaussian_blur, brightness, cut 0, rotate"),
        ([BLUR, Lambda(same), TURN], "gaussian_blur, call, rotate"),
        ([Lambda(same), BLUR, TURN], "call, gaussian_blur, cut 0, rotate"),
        ([BLUR, Rescale(0.5), TURN], "gaussian_blur, rescale, cut 1, rotate"),
        ([BLUR, TURN, Rescale(0.5)], "gaussian_blur, cut 0, rotate, rescale"),
        ([Rescale(0.5), BLUR, LIGHT, TURN], "rescale, gaussian_blur, brightness, cut 1, rotate"),
    ],
    ids=name_of,
)
def test_look_through(transforms: list[Transform], found: str) -> None:
    assert listed(*transforms) == found
    assert listed(*transforms, dtype="float32") == found.replace("cut 0", "cut 1")


@pytest.mark.parametrize(
    ("transforms", "found"),
    [
        ([TURN], "rotate"),
        ([TURN, LIGHT, BLUR], "rotate, brightness, gaussian_blur"),
        ([TURN, Zoom(0.1)], "rotate, cut 0, zoom"),
        ([LIGHT, TURN], "brightness, cut 0, rotate"),
        ([BLUR, TURN], "gaussian_blur, cut 0, rotate"),
        ([TURN, LIGHT, TURN], "rotate, brightness, cut 0, rotate"),
        ([TURN, TURN, TURN], "rotate, cut 0, rotate, cut 0, rotate"),
        ([TURN, Lambda(same), TURN], "rotate, call, rotate"),
        ([Lambda(same), TURN, LIGHT, TURN], "call, rotate, brightness, cut 0, rotate"),
        ([TURN, Rescale(0.5), TURN], "rotate, rescale, cut 1, rotate"),
    ],
    ids=name_of,
)
def test_strict(transforms: list[Transform], found: str) -> None:
    assert listed(*transforms, strict=True) == found
    assert listed(*transforms, strict=True, dtype="float32") == found.replace("cut 0", "cut 1")


def test_maps_of_one_transform_are_not_cut_apart() -> None:
    one = listed(Affine(9, 0.1, 0.1, 5, 0.1), strict=True)
    assert "cut" not in one
    assert listed(Affine(9, 0.1, 0.1, 5, 0.1), HorizontalFlip(p=1), strict=True) == f"{one}, cut 0, flip_horizontal"


def test_maps_around_a_part_of_their_own_transform_are_cut_apart() -> None:
    """In a strict policy: each has the transform that emitted it."""

    class TurnsAround(Transform):
        def lower(self, to: Lowering) -> None:
            to.emit("rotate", 10)
            to.child(Zoom(0.1))
            to.emit("rotate", -10)

    REGISTRY.pop("TurnsAround")
    assert listed(TurnsAround(), strict=True) == "rotate, cut 0, zoom, cut 0, rotate"
    assert listed(TurnsAround()) == "rotate, zoom, rotate"


def test_a_cut_is_skipped_with_the_instruction_that_needs_it() -> None:
    """The cut has the gate of the blur in look-through, of the map in a strict policy; blurs have one each."""
    perhaps = [Sometimes([BLUR]), Sometimes([NOISE]), TURN]
    seen = {listed(*perhaps, index=index) for index in range(40)}
    assert seen == {
        "rotate",
        "gaussian_blur, cut 0, rotate",
        "gauss_noise, cut 0, rotate",
        "gaussian_blur, gauss_noise, cut 0, cut 0, rotate",
    }
    assert {listed(BLUR, Sometimes([TURN]), index=index) for index in range(20)} == {
        "gaussian_blur, cut 0",
        "gaussian_blur, cut 0, rotate",
    }
    assert {listed(LIGHT, Sometimes([TURN]), strict=True, index=index) for index in range(20)} == {
        "brightness",
        "brightness, cut 0, rotate",
    }


def test_a_user_function_sees_the_picture_as_it_is_there() -> None:
    """Stages: instructions before a function run before it, those after it run after it."""
    seen: list[np.ndarray] = []

    def look(image: np.ndarray) -> np.ndarray:
        seen.append(image.copy())
        return image[:, ::-1] // 2

    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    flip = HorizontalFlip(p=1)
    out = Policy([Brightness((2, 2)), Lambda(look), Lambda(look), flip])(image)
    assert len(seen) == 2
    assert np.array_equal(seen[0], image * 2)
    assert np.array_equal(seen[1], image[:, ::-1])
    assert np.array_equal(out, (image[:, ::-1][:, ::-1] // 2)[:, ::-1])
