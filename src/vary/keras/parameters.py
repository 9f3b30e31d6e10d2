"""The parameters of ImageDataGenerator: defaults, meanings, checks and traps, as one table.

`Parameters` has the names and the defaults. `RULES` has, for each name, its meaning with the unit, what is wrong with a
value, and what value is a trap: allowed, but probably not what was intended. The signature and the documentation of
ImageDataGenerator are made from the two.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from vary.errors import InputError, brief
from vary.guidance import close
from vary.keras.faces import Compat, face_of
from vary.keras.sampling import FILL_MODES
from vary.keras.traps import warn_of_trap

__all__ = ["BY_DATA", "BY_IMAGE", "RULES", "Parameters", "Rule", "checked", "described", "signature", "without"]

Shift = float | Sequence[float]


class Parameters(NamedTuple):
    """The values of an ImageDataGenerator. After `checked`, `zoom_range` is a pair."""

    featurewise_center: bool = False
    samplewise_center: bool = False
    featurewise_std_normalization: bool = False
    samplewise_std_normalization: bool = False
    zca_whitening: bool = False
    zca_epsilon: float = 1e-6
    rotation_range: float = 0
    width_shift_range: Shift = 0.0
    height_shift_range: Shift = 0.0
    brightness_range: Sequence[float] | None = None
    shear_range: float = 0.0
    zoom_range: float | Sequence[float] = 0.0
    channel_shift_range: float = 0.0
    fill_mode: str = "nearest"
    cval: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    rescale: float | None = None
    preprocessing_function: Callable[[np.ndarray], np.ndarray] | None = None
    data_format: str | None = "channels_last"
    validation_split: float = 0.0
    interpolation_order: int = 1
    dtype: str = "float32"


def _nothing(_: object) -> str:
    return ""


class Rule(NamedTuple):
    """meaning: a sentence with the unit. wrong, trap: what is wrong with a value, with the cure, or "".

    always: the old versions refuse such values too; else they are refused only without `compat=`.
    """

    meaning: str
    wrong: Callable[[object], str]
    trap: Callable[[object], str] = _nothing
    always: bool = False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and bool(np.isfinite(value))


def _numbers(value: object) -> list[float] | None:
    """The numbers of a list, tuple or array; None if it is something else."""
    listed = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(listed, list | tuple) or not all(map(_is_number, listed)):
        return None
    return [float(one) for one in listed]


def _flag(value: object) -> str:
    return "" if isinstance(value, bool | np.bool_) or value in (0, 1) else "give True or False"


def _number(low: float, high: float) -> Callable[[object], str]:
    def wrong(value: object) -> str:
        fits = _is_number(value) and low <= float(value) <= high  # type: ignore[arg-type]
        return "" if fits else f"give a number from {low:g} to {high:g}"

    return wrong


def _optional(wrong: Callable[[object], str]) -> Callable[[object], str]:
    return lambda value: "" if value is None else wrong(value)


def _one_of(*words: object) -> Callable[[object], str]:
    listed = ", ".join(map(repr, words))
    return lambda value: "" if value in words else f"give one of {listed}"


def _shift(value: object) -> str:
    if _is_number(value):
        return "" if float(value) >= 0 else "give 0 or more; shifts go both ways"  # type: ignore[arg-type]
    return "" if _numbers(value) else "give a number, or a list of numbers to choose from"


def _shift_trap(value: object) -> str:
    numbers = _numbers(value)
    if numbers is not None:
        if sorted(numbers) == sorted(-one for one in numbers):
            return ""
        return "shifts are chosen as listed, while old versions gave each a random sign; list both, such as [-3, 3]"
    if isinstance(value, int | np.integer) and value == 1:
        return "a whole number n means -(n - 1) .. n - 1 pixels, so 1 never shifts; 0.1 is a tenth of the picture"
    if value == 1:
        return "this is one pixel, not the whole picture: fractions are below 1, such as 0.99"
    return ""


def _brightness(value: object) -> str:
    numbers = _numbers(value)
    if numbers is None or len(numbers) != 2:
        return "give a pair of factors, such as (0.8, 1.2)"
    return "" if 0 <= numbers[0] <= numbers[1] else "factors are 0 or more, the lower one first; 1 changes nothing"


def _is_pair(value: object) -> str:
    numbers = _numbers(value)
    return "" if numbers is not None and len(numbers) == 2 else "give a pair of numbers, such as (0.8, 1.2)"


def _zoom(value: object) -> str:
    low, high = _zoom_pair(value) or (0.0, 0.0)
    if not _zoom_pair(value):
        return "give a number below 1, or a pair (low, high), such as (0.8, 1.2)"
    return "" if 0 < low <= high else f"zooms would be {low:g} .. {high:g}, and must be above 0, the lower one first"


def _zoom_pair(value: object) -> tuple[float, float] | None:
    if _is_number(value):
        z = float(value)  # type: ignore[arg-type]
        return 1 - z, 1 + z
    numbers = _numbers(value)
    return (numbers[0], numbers[1]) if numbers is not None and len(numbers) == 2 else None


def _zoom_form(value: object) -> str:
    return "" if _zoom_pair(value) else "give a number, or a pair (low, high)"


def _small_angle(value: object) -> str:
    size = abs(float(value))  # type: ignore[arg-type]
    if not 0 < size < 1:
        return ""
    degrees = f"{np.rad2deg(size):.0f}"
    return f"the unit is degrees, so this changes almost nothing; as an angle in radians, it would be {degrees}"


def _rescale_trap(value: object) -> str:
    if not _is_number(value) or float(value) <= 1:  # type: ignore[arg-type]
        return ""
    return f"values are multiplied by it; to divide, write rescale=1/{float(value):g}"  # type: ignore[arg-type]


def _split(value: object) -> str:
    return "" if _is_number(value) and 0 <= float(value) < 1 else "give 0, or a fraction below 1, such as 0.2"  # type: ignore[arg-type]


def _dtype(value: object) -> str:
    if value is None:  # Keras 3: the default
        return ""
    try:
        return "" if np.dtype(value).kind in "fiu" else "give a dtype of numbers, such as 'float32'"  # type: ignore[call-overload]
    except TypeError:
        return "give a dtype of numbers, such as 'float32'"


def _function(value: object) -> str:
    return "" if callable(value) else "give a function of one image (height, width, channels)"


RULES: dict[str, Rule] = {
    "featurewise_center": Rule("subtract the mean of each channel over the data, which `fit` finds", _flag),
    "samplewise_center": Rule("subtract the image's own mean, over all channels", _flag),
    "featurewise_std_normalization": Rule("divide by the standard deviation of each channel, which `fit` finds", _flag),
    "samplewise_std_normalization": Rule("divide by the image's own standard deviation, over all channels", _flag),
    "zca_whitening": Rule("remove correlations between pixels, with the matrix that `fit` finds", _flag),
    "zca_epsilon": Rule("added to the eigenvalues of ZCA whitening", _number(0, 1e9)),
    "rotation_range": Rule("degrees; angles are -r .. r", _number(0, 360), _small_angle),
    "width_shift_range": Rule(
        "a number below 1: a fraction of the width; above: pixels; a whole number n: -(n - 1) .. n - 1 pixels; a list: "
        "the shifts to choose from",
        _shift,
        _shift_trap,
    ),
    "height_shift_range": Rule("as width_shift_range, of the height", _shift, _shift_trap),
    "brightness_range": Rule(
        "a pair of factors: 0 is black, 1 changes nothing, 2 is twice as bright", _optional(_brightness)
    ),
    "shear_range": Rule("degrees; angles are -s .. s", _number(0, 89), _small_angle),
    "zoom_range": Rule("z means 1 - z .. 1 + z, or a pair; above 1 shows more of the picture; both axes differ", _zoom),
    "channel_shift_range": Rule("levels of 0 .. 255; one number of -c .. c is added to all channels", _number(0, 1e9)),
    "fill_mode": Rule("what is seen beyond the edges", _one_of(*FILL_MODES)),
    "cval": Rule("the value beyond the edges with fill_mode='constant', before rescale", _number(-1e9, 1e9)),
    "horizontal_flip": Rule("mirror half of the images left and right", _flag),
    "vertical_flip": Rule("mirror half of the images top and bottom", _flag),
    "rescale": Rule(
        "a factor, after augmentation and preprocessing_function", _optional(_number(-1e9, 1e9)), _rescale_trap
    ),
    "preprocessing_function": Rule("called with each image after augmentation, before rescale", _optional(_function)),
    "data_format": Rule(
        "'channels_last' or 'channels_first'", _one_of("channels_last", "channels_first", None), always=True
    ),
    "validation_split": Rule("the fraction of the data that subset='validation' has", _split, always=True),
    "interpolation_order": Rule("0 nearest pixel, 1 bilinear; 2 to 5 are SciPy's splines", _one_of(*range(6))),
    "dtype": Rule("the dtype of the batches", _dtype),
}
OLD_FORMS: dict[str, Callable[[object], str]] = {"zoom_range": _zoom_form, "brightness_range": _optional(_is_pair)}
"""What the old versions check of a parameter, where that is less than its rule."""


def checked(given: dict[str, object], compat: Compat = None) -> Parameters:
    """The parameters, or `TypeError` for unknown names and `InputError` for wrong values.

    Warns of traps (`TrapWarning`), unless `compat` names an old version; most values that are wrong by the rules are
    allowed there, because the old versions allow them.
    """
    face_of(compat)
    for name in given:
        if name not in RULES:
            cure = close(name, RULES) or f"it has {', '.join(RULES)}"
            raise TypeError(f"ImageDataGenerator has no argument {name!r}; {cure}")
    for name, value in given.items():
        rule = RULES[name]
        wrong = rule.wrong if compat is None or rule.always else OLD_FORMS.get(name, _nothing)
        if problem := wrong(value):
            raise InputError(f"{name}={brief(value)}: {problem}. It is {rule.meaning}")
        if compat is None and (problem := rule.trap(value)):
            warn_of_trap(f"{name}={brief(value)}: {problem}")
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in given.items()}
    made = Parameters(**plain)  # type: ignore[arg-type]
    zoom = _zoom_pair(made.zoom_range)
    assert zoom is not None
    made = made._replace(
        zoom_range=zoom, data_format=made.data_format or "channels_last", dtype=made.dtype or "float32"
    )
    _check_together(given, made, compat)
    return _forced(made, compat)


def _check_together(given: dict[str, object], made: Parameters, compat: Compat) -> None:
    """Traps of several parameters together."""
    if compat is not None:
        return
    if given.get("cval") and made.fill_mode not in ("constant", "grid-constant"):
        warn_of_trap(f"cval={made.cval} has no effect with fill_mode={made.fill_mode!r}; pass fill_mode='constant'")
    fractions = (made.rescale is not None and 0 < abs(made.rescale) < 1) or made.featurewise_center
    if np.dtype(made.dtype).kind in "iu" and (fractions or made.samplewise_center):
        warn_of_trap(f"dtype={made.dtype!r} cuts off the fractions that rescale or normalisation gives; use 'float32'")


FORCED = (
    ("zca_whitening", "featurewise_center", True),
    ("zca_whitening", "featurewise_std_normalization", False),
    ("featurewise_std_normalization", "featurewise_center", True),
    ("samplewise_std_normalization", "samplewise_center", True),
)
"""If the first is set, the second has this value, in this order."""


def _forced(made: Parameters, compat: Compat) -> Parameters:
    values = made._asdict()
    for cause, name, value in FORCED:
        if values[cause] and bool(values[name]) != value:
            warn_of_trap(f"{cause}=True needs {name}={value}, which is set; pass it to end this warning", compat)
            values[name] = value
    return Parameters(**values)


BY_DATA = ("featurewise_center", "featurewise_std_normalization", "zca_whitening")
BY_IMAGE = ("samplewise_center", "samplewise_std_normalization")


def without(parameters: Parameters, *names: str) -> Parameters:
    """The parameters with these switched off."""
    return parameters._replace(**dict.fromkeys(names, False))  # type: ignore[arg-type]


def signature() -> inspect.Signature:
    """The signature of ImageDataGenerator: the parameters, and `compat` by name."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    listed = [inspect.Parameter(name, kind, default=value) for name, value in Parameters._field_defaults.items()]
    return inspect.Signature([*listed, inspect.Parameter("compat", inspect.Parameter.KEYWORD_ONLY, default=None)])


def described() -> str:
    """One line for each parameter, for the docstring."""
    defaults = Parameters._field_defaults
    return "\n".join(f"{name}={defaults[name]!r}: {rule.meaning}." for name, rule in RULES.items())
