"""Random policies, pictures and settings, made from the transforms' declarations, so new transforms are included."""

from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from vary import OneOf, Policy, PolicyError, SomeOf, Sometimes
from vary.elements import ELEMENTS, MEANINGS
from vary.plan.program import FILLS
from vary.transforms import REGISTRY, Transform
from vary.transforms.base import REQUIRED, Field


def names(*modules: str) -> list[str]:
    return sorted(
        name for name, kind in REGISTRY.items() if kind.__module__.removeprefix("vary.transforms.") in modules
    )


GEOMETRIC, COLOURS, FILTERS = names("geometry", "crop"), names("colour"), names("filter", "noise")
SIMPLE = GEOMETRIC + COLOURS + FILTERS
EVERY = SIMPLE + names("user")
CHANNELS = (1, 2, 3, 4, 5, 7, 16)
DTYPES = st.sampled_from([*ELEMENTS])


def fitting(chosen: list[str], channels: int) -> list[str]:
    """Those that take pictures of so many channels, whose meaning may not be known."""
    coloured = ("ChannelShift", "ColorJitter", "Contrast", "Hue", "Saturation")
    return [name for name in chosen if channels in MEANINGS or name not in coloured]


def build(name: str, seed: int) -> Transform:
    """A transform with random arguments; those with defaults are left out half of the time, some ranges are a point."""
    kind, random = REGISTRY[name], Random(seed)

    def sample(field: Field) -> Any:
        value = field.samples(random)
        if isinstance(value, tuple) and len(value) == 2 and random.random() < 0.3:
            unit = 15 if abs(value[0]) > 15 else 0.25
            return (round(value[0] / unit) * unit,) * 2
        return value

    while True:
        names = [n for n, field in kind.fields.items() if field.default is REQUIRED or random.random() < 0.5]
        try:
            return kind(**{n: sample(kind.fields[n]) for n in names if n != "p"}, p=random.choice((1.0, 1.0, 0.5)))
        except PolicyError:  # arguments that do not go together
            continue


def leaves(chosen: list[str] = SIMPLE) -> st.SearchStrategy[Transform]:
    return st.builds(build, st.sampled_from(chosen), st.integers(0, 2**32 - 1))


def nested(chosen: list[str] = SIMPLE) -> st.SearchStrategy[Transform]:
    """A transform, or transforms within `Sometimes`, `OneOf` and `SomeOf`, two deep."""

    def within(inner: st.SearchStrategy[Transform]) -> st.SearchStrategy[Transform]:
        lists = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            st.builds(Sometimes, lists, p=st.sampled_from((0.0, 0.3, 1.0))),
            st.builds(OneOf, lists),
            lists.flatmap(
                lambda ts: st.builds(OneOf, st.just(ts), st.lists(st.just(2.0), min_size=len(ts), max_size=len(ts)))
            ),
            lists.flatmap(lambda ts: st.builds(SomeOf, st.sampled_from([0, len(ts), (0, len(ts))]), st.just(ts))),
        )

    return st.recursive(leaves(chosen), within, max_leaves=4)


def fills(dtype: str = "uint8") -> st.SearchStrategy[Any]:
    low, high = ELEMENTS[dtype].low, ELEMENTS[dtype].high
    values = [low, low + 0.3 * (high - low), high]
    return st.sampled_from([*(fill for fill in FILLS if fill != "constant"), *values])


@st.composite
def policies(draw: st.DrawFn, chosen: list[str] = SIMPLE, dtype: str = "uint8", **fixed: Any) -> Policy:
    """One to six transforms under random settings; `fixed` settings are given as they are."""
    free = {
        "fill": fills(dtype),
        "interpolation": st.sampled_from(("bilinear", "bilinear", "nearest")),
        "antialias": st.booleans(),
        "strict": st.booleans(),
    }
    settings = {key: draw(strategy) for key, strategy in free.items() if key not in fixed}
    return Policy(draw(st.lists(nested(chosen), min_size=1, max_size=6)), **settings, **fixed)


def in_range(values: np.ndarray, dtype: str) -> np.ndarray:
    """Whole numbers 0 .. 255 as pictures that use the whole range of this dtype."""
    low, high = ELEMENTS[dtype].low, ELEMENTS[dtype].high
    return (low + values / 255 * (high - low)).round(0 if ELEMENTS[dtype].whole else 7).astype(dtype)


@st.composite
def pictures(draw: st.DrawFn, dtype: str = "uint8", channels: tuple[int, ...] = CHANNELS, side: int = 40) -> np.ndarray:
    """height x width x channels of noise, one value, a ramp or pure colours; perhaps a view that no copy would make."""
    height, width = draw(st.integers(1, side)), draw(st.integers(1, side))
    c = draw(st.sampled_from(channels))
    height = max(height, 4) if c > 4 else height  # one row, or three, of many channels might be (C, H, W)
    steps = draw(st.sampled_from(((1, 1), (-1, 1), (1, -1), (2, 3), (-2, -1))))
    shape = (height * abs(steps[0]), width * abs(steps[1]), c)
    kind = draw(st.sampled_from(("noise", "noise", "ramp", "flat", "pure")))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind == "noise":
        values = random.integers(0, 256, shape)
    elif kind == "ramp":
        values = np.add(*np.ogrid[: shape[0], : shape[1]])[..., None] * 3 % 256 + np.zeros(c, int)
    elif kind == "flat":
        values = np.full(shape, random.integers(0, 256))
    else:
        values = np.where(random.random(shape) < random.random(c), 255, 0)
    image = in_range(values, dtype)
    return (np.asfortranarray(image) if draw(st.booleans()) else image)[:: steps[0], :: steps[1]]
