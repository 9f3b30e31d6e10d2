"""Arguments of transforms. Each is declared once, with its kind, unit, range, default and one sentence.

    span    a range from which a number is drawn for every picture
    field   a number, the same for every picture
    choice  one of a few words
    switch  True or False
    custom  anything else, parsed by a function

Each declaration is a `Field`: it parses and checks a value, and describes which values are valid. To type checkers the
functions that declare return `Any`, so that `angle: Span = span(...)` has the type that its annotation says.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.transforms.names import suggest

if TYPE_CHECKING:
    from random import Random

__all__ = [
    "ANY",
    "REQUIRED",
    "Field",
    "Span",
    "accepts",
    "choice",
    "chosen",
    "cure_of",
    "custom",
    "field",
    "limits",
    "number",
    "plain",
    "span",
    "switch",
    "whole_number",
]

Span = float | tuple[float, float]
"""A range to draw from: a pair (low, high), or a single number, from which the field makes a range."""

REQUIRED = inspect.Parameter.empty
ANY = (-math.inf, math.inf)
NO_LIMIT = 1 << 20
"""A highest value this large only prevents overflow, so texts leave it out: "1 or more"."""


class Field(NamedTuple):
    """One argument of a transform: its parser, its valid values, its description."""

    parse: Callable[[object], object]
    doc: str
    default: object  # `inspect.Parameter.empty` if it is required
    samples: Callable[[Random], object]  # a valid value, for property tests
    within: tuple[float, float] | tuple[str, ...] | None = None  # (lowest, highest), or the valid words: to document
    kind: str = ""  # the type in words, unless `doc` says it
    kw_only: bool = False
    same_as: str | None = None  # the earlier argument whose value replaces None

    def __repr__(self) -> str:
        return f"<{self.doc}>"


def plain(value: object) -> str:
    """A number, a word or a tuple of them as short text: 150, 0.003922, (0.75, 1.333)."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"({', '.join(map(plain, value))})" if isinstance(value, tuple) else str(value)


def limits(within: tuple[float, float] | tuple[str, ...]) -> str:
    """A range or a list of words as text: "-360 .. 360", "1 or more", "stretch, fit"."""
    low, high = within[0], within[-1]
    if isinstance(low, str) or isinstance(high, str):
        return ", ".join(map(str, within))
    return f"{low:g} or more" if high >= NO_LIMIT else f"{low:g} .. {high:g}"


def _beyond(within: tuple[float, float]) -> str:
    return f"which must be {limits(within)}" if within[1] >= NO_LIMIT else f"outside {limits(within)}"


def number(value: Any, within: tuple[float, float] = ANY, what: str = "a number") -> float:  # Any: what float() accepts
    """A float within the range; `ValueError` for anything else. Text is refused even if float() could read it, and so
    are True and False: in a policy file they are mistakes, a needless quote or a word that YAML reads as a truth
    value."""
    if isinstance(value, (str, bytes)):
        raise ValueError(f"{value!r} is not {what}{cure_of(str(value))}")
    try:
        found = math.nan if isinstance(value, (bool, np.bool_)) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if math.isnan(found):
        raise ValueError(f"{value!r} is not {what}")
    if found > within[1] >= NO_LIMIT:
        raise ValueError(f"{value!r} is too large; give at most {within[1]:.0f}")
    if not within[0] <= found <= within[1]:
        huge = within[1] >= NO_LIMIT
        raise ValueError(f"{value!r} is {f'too small; give {limits(within)}' if huge else _beyond(within)}")
    return found


def whole_number(value: object, within: tuple[float, float] = ANY) -> int:
    """An integer within the range."""
    found = number(value, within, "a whole number")
    if not found.is_integer():
        raise ValueError(f"{value!r} is not a whole number")
    return int(found)


def cure_of(text: str) -> str:
    """The cure, such as "; write 40", for text that states a number: "40", "1/255", "0o10", or 1e-3, which YAML reads
    as text. Empty for other text."""
    above, _, below = text.partition("/")
    try:
        found = float(int(text, 0)) if text.lstrip("+-")[:2].lower() in ("0o", "0x", "0b") else float(above)
        found /= float(below or 1)
    except (ValueError, ZeroDivisionError):
        return ""
    return f"; write {str(found).removesuffix('.0')}" if math.isfinite(found) else ""


PAIR = "a number or a pair (low, high)"


def _spanned(value: object, within: tuple[float, float], around: float) -> tuple[float, float]:
    """The range for which a single number stands: around - value .. around + value."""
    amount = number(value, what=PAIR)
    low, high = around - amount, around + amount
    if within[0] <= low <= high <= within[1]:
        return low, high
    fault = "which runs backwards" if low > high else _beyond(within)
    most = min(around - within[0], within[1] - around)
    cure = f"give {-amount:g}, or" if low > high and -amount <= most else f"give at most {most:g}, or"
    fits = within[0] <= amount <= within[1] and amount != around
    such = f" such as ({min(around, amount):g}, {max(around, amount):g})" if fits else f" within {limits(within)}"
    raise ValueError(
        f"{value!r} means ({low:g}, {high:g}), {fault}; {cure if most > 0 else 'give'} a pair (low, high){such}"
    )


def span(
    doc: str,
    *,
    within: tuple[float, float],
    around: float | None = 0.0,
    default: object = REQUIRED,
    reach: float = 0.9,
    kw_only: bool = False,
) -> Any:
    """A range to draw from, uniformly unless its transform says otherwise; a number a means around - a .. around + a.

    around: None: a number a means a .. a.
    default: None: the argument may be left out, or given as None.
    reach: the greatest distance from `around` (from 0, if that is None) of the samples for property tests.
    """
    centre = around or 0.0

    def parse(value: object) -> tuple[float, float] | None:
        if value is None and default is None:
            return None
        if isinstance(value, (list, tuple)):
            if len(value) != 2:
                raise ValueError(f"{value!r} has {len(value)} entries; give a number or a pair (low, high)")
            low, high = (number(v, within) for v in value)
            if low > high:
                raise ValueError(f"{value!r} runs backwards; give (low, high)")
            return low, high
        return (number(value, within, what=PAIR),) * 2 if around is None else _spanned(value, within, around)

    def samples(random: Random) -> tuple[float, float]:
        low, high = max(within[0], centre - reach), min(within[1], centre + reach)
        one, other = (round(random.uniform(low, high), 3) for _ in range(2))
        return min(one, other), max(one, other)

    return Field(parse, doc, default, samples, within=within, kind=PAIR, kw_only=kw_only)


def field(
    doc: str,
    *,
    within: tuple[float, float] = ANY,
    default: object = REQUIRED,
    whole: bool = False,
    samples: tuple[float, float] | None = None,
    kw_only: bool = False,
) -> Any:
    """A number, the same for every picture. whole: an integer.

    default: a number, or the name of an earlier argument, whose value then replaces None.
    samples: the range of the samples of property tests.

    A whole number in the range 0 .. 1 may also be given as False or True.
    """

    same_as = default if isinstance(default, str) else None
    yes_or_no = whole and list(within) == [0, 1]

    def parse(value: object) -> float | int | None:
        if value is None and same_as:
            return None
        if yes_or_no and isinstance(value, bool):
            return int(value)
        return whole_number(value, within) if whole else number(value, within)

    def draw(random: Random) -> float:
        low, high = samples or (max(within[0], -1.0), min(within[1], 2.0))
        return random.randint(int(low), int(high)) if whole else random.uniform(low, high)

    kind, shown = "a whole number" if whole else "a number", None if within == ANY else within
    return Field(parse, doc, None if same_as else default, draw, shown, kind, kw_only, same_as)


def choice(doc: str, options: tuple[str, ...], *, default: object = REQUIRED, kw_only: bool = False) -> Any:
    """One of a few words."""

    def parse(value: object) -> str:
        return chosen(value, options)

    def draw(random: Random) -> str:
        return random.choice(options)

    return Field(parse, doc, default, draw, within=options, kind="a word", kw_only=kw_only)


def chosen(value: object, options: tuple[str, ...]) -> str:
    """The word itself if it is one of the options."""
    if value not in options:
        suggestion = suggest(value, options)
        raise ValueError(f"{value!r} is not one of {', '.join(options)}{suggestion and f' ({suggestion})'}")
    return str(value)


def switch(doc: str, *, default: object = REQUIRED, kw_only: bool = False) -> Any:
    """True or False."""

    def parse(value: object) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{value!r} is neither True nor False")
        return bool(value)

    return Field(parse, doc, default, lambda random: random.random() < 0.5, kind="True or False", kw_only=kw_only)


def custom(
    doc: str,
    parse: Callable[[object], object],
    *,
    default: object = REQUIRED,
    samples: Callable[[Random], object] | None = None,
    within: tuple[str, ...] | None = None,
    kw_only: bool = False,
) -> Any:
    """An argument that `parse` converts, or refuses by `ValueError`; `parse` must also accept its own results.

    samples: (random) -> a valid value, for property tests; None: the default.
    within: the valid words, if the argument is a word.
    """
    draw = samples or (lambda random: default)
    return Field(parse, doc, default, draw, within=within, kw_only=kw_only)


def accepts(fields: list[Field], values: Iterable[object]) -> bool:
    """Is each of these values valid for the field at its place? False if there are no values."""
    try:
        return bool([field.parse(value) for field, value in zip(fields, values, strict=False)])
    except (TypeError, ValueError, OverflowError):
        return False
