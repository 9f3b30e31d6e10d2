"""Arguments of transforms. Each is declared once, with its kind, unit, range, default and one sentence.

    span    a range to draw from, afresh for every picture
    field   a number, the same for every picture
    choice  one of a few words
    switch  True or False
    custom  anything else, parsed by a function

Each declaration is a `Field`: it parses and checks a value, and describes which values are valid.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from vary.transforms.names import suggest

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
"""A highest value this large only protects the arithmetic, so texts leave it out: "1 or more"."""


class Field:
    """One argument of a transform: its parser, its valid values, its description."""

    __slots__ = ("default", "doc", "kind", "kw_only", "parse", "same_as", "samples", "within")

    def __init__(
        self,
        parse: Callable[[Any], Any],
        doc: str,
        default: Any,
        samples: Callable[[Any], Any],
        *,
        within: tuple[Any, ...] | None = None,
        kind: str = "",
        kw_only: bool = False,
        same_as: str | None = None,
    ) -> None:
        self.parse = parse
        self.doc = doc
        self.default = default  # `inspect.Parameter.empty` if it is required
        self.samples = samples  # (random) -> a valid value, for property tests
        self.within = within  # (lowest, highest), or the valid words: for documentation
        self.kind = kind  # the type in words, unless `doc` says it
        self.kw_only = kw_only
        self.same_as = same_as  # the earlier argument whose value replaces None

    def __repr__(self) -> str:
        return f"<{self.doc}>"


def plain(value: Any) -> str:
    """A number, a word or a tuple of them as short text: 150, 0.003922, (0.75, 1.333)."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"({', '.join(map(plain, value))})" if isinstance(value, tuple) else str(value)


def limits(within: tuple[Any, ...]) -> str:
    """A range or a list of words as text: "-360 .. 360", "1 or more", "stretch, fit"."""
    if isinstance(within[0], str):
        return ", ".join(within)
    return f"{within[0]:g} or more" if within[1] >= NO_LIMIT else f"{within[0]:g} .. {within[1]:g}"


def _beyond(within: tuple[float, float]) -> str:
    return f"which must be {limits(within)}" if within[1] >= NO_LIMIT else f"outside {limits(within)}"


def number(value: Any, within: tuple[float, float] = ANY, what: str = "a number") -> float:
    """A float within the range. Text is refused even if float() could read it, and so are True and False, because in a
    policy file they are mistakes: a needless quote, or a word that YAML reads as a truth value."""
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


def whole_number(value: Any, within: tuple[float, float] = ANY) -> int:
    """An integer within the range."""
    found = number(value, within, "a whole number")
    if not found.is_integer():
        raise ValueError(f"{value!r} is not a whole number")
    return int(found)


def cure_of(text: str) -> str:
    """Text such as "; write 40" for text that is a number: "40", "1/255", "0o10", or 1e-3, which YAML reads as text."""
    above, _, below = text.partition("/")
    try:
        found = float(int(text, 0)) if text.lstrip("+-")[:2].lower() in ("0o", "0x", "0b") else float(above)
        found /= float(below or 1)
    except (ValueError, ZeroDivisionError):
        return ""
    return f"; write {str(found).removesuffix('.0')}" if math.isfinite(found) else ""


PAIR = "a number or a pair (low, high)"


def _spanned(value: Any, within: tuple[float, float], around: float) -> tuple[float, float]:
    """The range that a number means: around - value .. around + value."""
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
    around: float = 0.0,
    default: Any = REQUIRED,
    optional: bool = False,
    reach: float = 0.9,
    exact: bool = False,
    kw_only: bool = False,
) -> Any:
    """A range to draw from, uniformly unless its transform says otherwise; a number a means around - a .. around + a.

    exact: a number a means a .. a.
    reach: how far from `around` the samples of property tests may be.
    """

    def parse(value: Any) -> tuple[float, float] | None:
        if value is None and optional:
            return None
        if isinstance(value, (list, tuple)):
            if len(value) != 2:
                raise ValueError(f"{value!r} has {len(value)} entries; give a number or a pair (low, high)")
            low, high = (number(v, within) for v in value)
            if low > high:
                raise ValueError(f"{value!r} runs backwards; give (low, high)")
            return low, high
        return _spanned(value, within, around) if not exact else (number(value, within, what=PAIR),) * 2

    def samples(random: Any) -> tuple[float, float]:
        low, high = max(within[0], around - reach), min(within[1], around + reach)
        one, other = (round(random.uniform(low, high), 3) for _ in range(2))
        return min(one, other), max(one, other)

    return Field(parse, doc, default, samples, within=within, kind=PAIR, kw_only=kw_only)


def field(
    doc: str,
    *,
    within: tuple[float, float] = ANY,
    default: Any = REQUIRED,
    whole: bool = False,
    samples: tuple[float, float] | None = None,
    kw_only: bool = False,
    same_as: str | None = None,
) -> Any:
    """A number, the same for every picture. whole: an integer. same_as: the argument whose value replaces None.

    A whole number in the range 0 .. 1 may also be given as False or True.
    """

    yes_or_no = whole and list(within) == [0, 1]

    def parse(value: Any) -> float | int | None:
        if value is None and same_as:
            return None
        if yes_or_no and isinstance(value, bool):
            return int(value)
        return whole_number(value, within) if whole else number(value, within)

    def draw(random: Any) -> Any:
        low, high = samples or (max(within[0], -1.0), min(within[1], 2.0))
        return random.randint(int(low), int(high)) if whole else random.uniform(low, high)

    kind, within_or_none = "a whole number" if whole else "a number", None if within == ANY else within
    return Field(parse, doc, default, draw, within=within_or_none, kind=kind, kw_only=kw_only, same_as=same_as)


def choice(doc: str, options: tuple[str, ...], *, default: Any = REQUIRED, kw_only: bool = False) -> Any:
    """One of a few words."""

    def parse(value: Any) -> str:
        return chosen(value, options)

    def draw(random: Any) -> Any:
        return random.choice(options)

    return Field(parse, doc, default, draw, within=options, kind="a word", kw_only=kw_only)


def chosen(value: Any, options: tuple[str, ...]) -> str:
    """The word itself if it is one of the options."""
    if value not in options:
        suggestion = suggest(value, options)
        raise ValueError(f"{value!r} is not one of {', '.join(options)}{suggestion and f' ({suggestion})'}")
    return str(value)


def switch(doc: str, *, default: Any = REQUIRED, kw_only: bool = False) -> Any:
    """True or False."""

    def parse(value: Any) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{value!r} is neither True nor False")
        return bool(value)

    return Field(parse, doc, default, lambda random: random.random() < 0.5, kind="True or False", kw_only=kw_only)


def custom(
    doc: str,
    parse: Callable[[Any], Any],
    *,
    default: Any = REQUIRED,
    samples: Callable[[Any], Any] | None = None,
    within: tuple[str, ...] | None = None,
    kw_only: bool = False,
) -> Any:
    """An argument that `parse` converts, or refuses by `ValueError`; `parse` must also accept its own results.

    samples: (random) -> a valid value, for property tests; None: the default. within: the valid words, if it is a word.
    """
    draw = samples or (lambda random: default)
    return Field(parse, doc, default, draw, within=within, kw_only=kw_only)


def accepts(fields: list[Field], values: Iterable[Any]) -> bool:
    """Are these values valid for these fields, one by one? False if there are none."""
    try:
        return bool([field.parse(value) for field, value in zip(fields, values, strict=False)])
    except (TypeError, ValueError, OverflowError):
        return False
