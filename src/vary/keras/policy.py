"""Policies for `vary.keras`: the equivalent of an ImageDataGenerator's parameters, and the part of a policy that is for
validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from vary.errors import InputError
from vary.keras.parameters import BY_DATA, Parameters
from vary.keras.standardize import NOT_FITTED, SMALLEST, Statistics, standardize
from vary.plan.callback import wants_rng
from vary.plan.infer import output_size
from vary.policy import Policy
from vary.transforms.colour import Brightness, ChannelShift, Normalize, Rescale
from vary.transforms.compose import OneOf
from vary.transforms.crop import Resize
from vary.transforms.geometry import HorizontalFlip, Rotate, Shear, Translate, VerticalFlip, Zoom
from vary.transforms.user import Lambda

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.keras.parameters import Shift
    from vary.sample import Array
    from vary.transforms import Transform

__all__ = ["plain_policy", "policy_of", "samplewise_center", "samplewise_std"]

WHITE = 255.0
FILLS = {"mirror": "reflect101", "grid-mirror": "reflect", "grid-wrap": "wrap", "grid-constant": "constant"}
NO_POLICY = {
    "featurewise_center": "add vary.Normalize(mean, std), both divided by 255",
    "featurewise_std_normalization": "add vary.Normalize(mean, std), both divided by 255",
    "zca_whitening": "a policy has no whitening; apply the matrix to the batches",
}
"""Parameters that a policy cannot have without `fit`, and what to do instead."""


def policy_of(
    parameters: Parameters,
    size: tuple[int, int] | None = None,
    statistics: Statistics = NOT_FITTED,
    value_range: float | None = None,
) -> Policy:
    """The policy that does what an ImageDataGenerator with these parameters does, apart from five details.

    parameters: as `checked` returns them. size: (height, width), target_size; None: pictures keep theirs. It is needed
    for shifts in pixels. statistics: what `fit` found. value_range: of float images, as of `Policy`. The details: the
    magnification is uniform, not its inverse; a shear does not also stretch the other axis by the cosine; a channel
    shift is clipped to 0 .. 255, not to the range of each picture; a shift by whole pixels may lie between two of
    them; and a constant fill begins half a pixel beyond the outermost pixels, not at their centres.

    `InputError` for normalisation by `fit` without its statistics, splines, shifts in pixels without a size, and a size
    that is no pair.
    """
    if size is not None and not _is_size(size):
        raise InputError(f"target_size={size!r}: give a pair of whole numbers, (height, width), such as (150, 150)")
    for name, found in zip(BY_DATA, statistics, strict=True):
        if getattr(parameters, name) and found is None:
            raise InputError(
                f"{name}=True depends on `fit(images)`: call it before to_policy(), or leave it out, and "
                f"{NO_POLICY[name]}"
            )
    if parameters.interpolation_order > 1:
        order = parameters.interpolation_order
        raise InputError(f"interpolation_order={order}: policies have no splines; give 1 (bilinear) or 0 (nearest)")
    word = FILLS.get(parameters.fill_mode, parameters.fill_mode)
    settings: dict[str, object] = {"fill": float(parameters.cval) if word == "constant" else word}
    if parameters.interpolation_order == 0:
        settings["interpolation"] = "nearest"
    if value_range is not None:
        settings["value_range"] = value_range
    first = [] if size is None else [Resize(*size)]
    transforms = [*first, *_geometry(parameters, size), *_values(parameters), *_by_the_data(parameters, statistics)]
    return Policy(transforms, **settings)  # type: ignore[arg-type]


def _is_size(size: object) -> bool:
    whole = isinstance(size, tuple | list) and len(size) == 2
    return whole and all(isinstance(one, int | np.integer) and one > 0 for one in size)  # type: ignore[attr-defined]


def _geometry(p: Parameters, size: tuple[int, int] | None) -> Iterator[Transform]:
    """In the order in which ImageDataGenerator multiplies its matrices."""
    if p.rotation_range:
        yield Rotate(abs(p.rotation_range))  # with `compat`, ranges may be negative, which changes nothing
    x, y = _shift(p, "width_shift_range", size), _shift(p, "height_shift_range", size)
    if isinstance(x, float) and isinstance(y, float):
        if x or y:
            yield Translate(x=x, y=y)
    else:
        for axis, shift in (("x", x), ("y", y)):
            listed = shift if isinstance(shift, list) else [(-shift, shift)]
            if listed != [(0, 0)]:
                each = [Translate(**{axis: span}) for span in listed]  # type: ignore[arg-type]
                yield each[0] if len(each) == 1 else OneOf(each)
    if p.shear_range:
        yield Shear(abs(p.shear_range))
    low, high = cast("tuple[float, float]", p.zoom_range)
    if (low, high) != (1, 1):
        magnification = round(1 / high, 4), round(1 / low, 4)
        yield Zoom(magnification, y=magnification)
    if p.horizontal_flip:
        yield HorizontalFlip()
    if p.vertical_flip:
        yield VerticalFlip()


def _shift(p: Parameters, name: str, size: tuple[int, int] | None) -> float | list[tuple[float, float]]:
    """The largest shift, as a fraction of the side; of a list, each of its shifts, which move the content backwards."""
    given: Shift = getattr(p, name)
    listed = None if isinstance(given, int | float | np.number) else [float(one) for one in given]
    whole = isinstance(given, int | np.integer) and given > 0
    largest = abs(float(given)) - whole if listed is None else max(map(abs, listed))  # type: ignore[arg-type]
    side = 1.0
    if largest >= 1:
        if size is None:
            raise InputError(
                f"{name}={given!r} is in pixels, and a policy has fractions; give target_size, (height, width)"
            )
        side = float(size[1] if name == "width_shift_range" else size[0])
    if listed is not None:
        return [(-one / side, -one / side) for one in listed]
    return largest / side


def _values(p: Parameters) -> Iterator[Transform]:
    if p.channel_shift_range:
        yield ChannelShift(p.channel_shift_range / WHITE, joint=1)
    if p.brightness_range is not None:
        low, high = p.brightness_range
        yield Brightness((low, high))
    if p.preprocessing_function is not None:
        yield Rescale(1)  # to float32, of 0 .. 255, which these functions are written for
        yield Lambda(p.preprocessing_function)
    if p.rescale or (p.samplewise_center and p.preprocessing_function is None):
        yield Rescale(p.rescale or 1)
    if p.samplewise_center:
        yield Lambda(samplewise_center)
    if p.samplewise_std_normalization:
        yield Lambda(samplewise_std)


def _by_the_data(p: Parameters, statistics: Statistics) -> list[Transform]:
    """Normalisation by what `fit` found."""
    if not any(getattr(p, name) for name in BY_DATA):
        return []
    scale = float(p.rescale or 1)
    before = [] if p.rescale or p.samplewise_center or p.preprocessing_function is not None else [Rescale(1)]
    own = p.samplewise_center or p.samplewise_std_normalization or p.preprocessing_function is not None
    if own or p.zca_whitening or not p.featurewise_std_normalization or scale < 0:  # values of no known range
        return [*before, Lambda(_ByTheData(p, statistics).of)]
    unit = scale * WHITE
    mean, std = np.ravel(statistics.mean) / unit, (np.ravel(statistics.std) + SMALLEST) / unit  # type: ignore[arg-type]
    return [*before, Normalize((mean if p.featurewise_center else 0 * std).tolist(), std.tolist())]


class _ByTheData(NamedTuple):
    """The last steps of `standardize`, for images (H, W, C) float32."""

    parameters: Parameters
    statistics: Statistics

    def of(self, image: Array) -> Array:
        p, first = self.parameters, self.parameters.data_format == "channels_first"
        only = Parameters(**{name: getattr(p, name) for name in BY_DATA})
        x = np.moveaxis(image, -1, 0) if first else image  # the order of the values that the matrix is for
        x = standardize(only, x, self.statistics).astype(np.float32)
        return np.moveaxis(x, 0, -1) if first else x


def samplewise_center(image: Array) -> Array:
    """Minus its own mean, over all channels."""
    return np.asarray(image - image.mean(dtype=np.float64), image.dtype)


def samplewise_std(image: Array) -> Array:
    """Divided by its own standard deviation, over all channels, and 1e-6."""
    return np.asarray(image / (image.std(dtype=np.float64) + 1e-6), image.dtype)


def plain_policy(policy: Policy, size: tuple[int, int]) -> Policy:
    """What a policy does to every picture alike: the same policy without the transforms that draw random numbers.

    So validation pictures have the value range and the size that training has. size: (height, width) of the input. If
    a random crop set the size of the training pictures, the whole picture is resized to that size instead.
    """
    settings = policy.values()
    del settings["transforms"]
    kept = [one for one in policy.transforms if not _is_random(one)]
    found = Policy(kept, **settings)  # type: ignore[arg-type]
    before, after = (output_size(one.runner(3, "uint8").template, size) for one in (policy, found))
    if before is not None and before != after:
        found = Policy([Resize(*before), *kept], **settings)  # type: ignore[arg-type]
        if output_size(found.runner(3, "uint8").template, size) != before:  # another transform changes the size
            found = Policy([*kept, Resize(*before)], **settings)  # type: ignore[arg-type]
    return found


def _is_random(transform: Transform) -> bool:
    template = Policy([transform]).runner(3, "uint8").template
    return bool(template.draws or template.user_numbers) or any(map(wants_rng, template.functions))
