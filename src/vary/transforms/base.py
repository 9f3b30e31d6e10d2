"""What a transform is: frozen fields, declared once, and a `lower` that states its map.

A field is declared with its kind, unit, range, default and one sentence. The declaration is the only list there is:
construction, validation, errors, YAML and JSON, the command line's table and the tests' random policies all read it.

    class Rotate(Transform):
        \"\"\"Turn about the centre of the canvas; positive is counter-clockwise as seen.\"\"\"
        angle: Span = span("degrees; a number a means (-a, a)", within=(-360, 360))

        def lower(self, to: Lowering) -> None:
            to.emit("rotate", to.uniform(self.angle))
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Protocol, dataclass_transform

from vary.errors import PolicyError

__all__ = [
    "REGISTRY",
    "Column",
    "Field",
    "Lowering",
    "Number",
    "Span",
    "Transform",
    "choice",
    "chosen",
    "field",
    "near",
    "number",
    "span",
]

Span = float | tuple[float, float]
"""A range to draw from: a pair (low, high) is the range itself; what a single number means, the field says."""

REGISTRY: dict[str, type[Transform]] = {}
"""Every transform by class name: what policy files and the command line can name."""


class Column(int):
    """A parameter that is drawn: its column in the parameter array."""


Number = float | Column


class Lowering(Protocol):
    """What a transform may ask and say while it lowers; plan/lower.py answers."""

    channels: int
    value_range: tuple[float, float] | None  # of the picture at this place; None once Normalize has run

    def uniform(self, span: Span) -> Number: ...
    def log_uniform(self, span: Span) -> Number: ...
    def integer(self, count: int) -> Number: ...
    def one_of(self, weights: list[float]) -> list[Column]: ...
    def some_of(self, count: tuple[int, int], among: int) -> list[Column]: ...
    def emit(self, op: str, *args: Number) -> None: ...
    def call(self, function: Callable[..., Any]) -> None: ...
    def child(self, transform: Transform, gate: Column | None = None) -> None: ...
    def clip(self) -> tuple[float, float]: ...
    def rescaled(self, scale: float, offset: float) -> None: ...
    def normalized(self) -> None: ...


Parse = Callable[[Any], Any]


class Field:
    """One argument of a transform: how it is read, what it may be, what it says of itself."""

    __slots__ = ("default", "doc", "parse", "samples", "within")

    def __init__(
        self, parse: Parse, doc: str, default: Any, samples: Callable[..., Any], within: tuple[Any, ...] | None = None
    ) -> None:
        self.parse = parse
        self.doc = doc
        self.default = default  # `inspect.Parameter.empty` when it must be given
        self.samples = samples  # (random) -> a valid value: what property tests draw from
        self.within = within  # (lowest, highest), or the words to choose from: what the command line's table shows


REQUIRED = inspect.Parameter.empty
ANY = (-math.inf, math.inf)


def near(name: Any, known: Iterable[str]) -> str:
    """For the end of an error: how vary writes what another library calls by this name, or the known name that it may
    be a slip of; empty if there is neither."""
    import difflib

    if meant := _foreign(str(name)):
        return meant
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f"did you mean {close[0]}?" if close else ""


def _foreign(name: str) -> str:
    import yaml

    table = yaml.safe_load(Path(__file__).with_name("foreign.yaml").read_text(encoding="utf-8"))
    told = []
    for own, libraries in table.items():
        whose = " and ".join(f"{one}'{'s'[: one[-1] != 's']}" for one, names in libraries.items() if name in names)
        if whose:
            kind, bracket, _ = own.partition("(")
            told.append(f"{whose} {name} is {kind} here: {own}" if bracket else f"{whose} {name} is not there yet")
    return "; ".join(told)


def number(value: Any, within: tuple[float, float] = ANY, what: str = "a number") -> float:
    """A float within the range. Text is refused even where float() reads it: a quote too many in a file is a slip."""
    if isinstance(value, str):
        raise ValueError(f"{value!r} is not {what}{_meant(value)}")
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if math.isnan(found):
        raise ValueError(f"{value!r} is not {what}")
    if not within[0] <= found <= within[1]:
        raise ValueError(f"{value!r} is outside {within[0]:g} .. {within[1]:g}")
    return found


def _meant(text: str) -> str:
    """The number to write for "40", "1/255", or 1e-3, which YAML takes for text."""
    above, _, below = text.partition("/")
    try:
        return f"; write {str(float(above) / float(below or 1)).removesuffix('.0')}"
    except (ValueError, ZeroDivisionError):
        return ""


def span(
    doc: str,
    *,
    within: tuple[float, float],
    around: float = 0.0,
    default: Any = REQUIRED,
    optional: bool = False,
    reach: float = 0.9,
) -> Any:
    """A range to draw from, uniformly unless its transform says otherwise; a number a means around - a .. around + a.

    `reach` says how far from `around` property tests go: far enough to see everything, near enough to see the picture.
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
        amount = number(value, what="a number or a pair (low, high)")
        low, high = around - amount, around + amount
        if within[0] <= low <= high <= within[1]:
            return low, high
        fault = "which runs backwards" if low > high else f"outside {within[0]:g} .. {within[1]:g}"
        fits = within[0] <= amount <= within[1] and amount != around
        such = f" such as ({min(around, amount):g}, {max(around, amount):g})" if fits else ""
        raise ValueError(f"{value!r} means ({low:g}, {high:g}), {fault}; give a pair (low, high){such}")

    def samples(random: Any) -> tuple[float, float]:
        low, high = max(within[0], around - reach), min(within[1], around + reach)
        one, other = (round(random.uniform(low, high), 3) for _ in range(2))
        return min(one, other), max(one, other)

    return Field(parse, doc, default, samples, within)


def field(
    doc: str,
    *,
    within: tuple[float, float] = ANY,
    default: Any = REQUIRED,
    whole: bool = False,
    samples: tuple[float, float] | None = None,
    kw_only: bool = False,  # noqa: ARG001  for type checkers: dataclass_transform reads it
) -> Any:
    """A number, the same for every picture."""

    def parse(value: Any) -> float | int:
        found = number(value, within, "a whole number" if whole else "a number")
        if whole and found != int(found):
            raise ValueError(f"{value!r} is not a whole number")
        return int(found) if whole else found

    def draw(random: Any) -> Any:
        low, high = samples or (max(within[0], -1.0), min(within[1], 2.0))
        return random.randint(int(low), int(high)) if whole else random.uniform(low, high)

    return Field(parse, doc, default, draw, None if within == ANY else within)


def choice(doc: str, options: tuple[str, ...], default: Any = REQUIRED) -> Any:
    """One of a few words."""

    def parse(value: Any) -> str:
        return chosen(value, options)

    return Field(parse, doc, default, lambda random: random.choice(options), options)


def chosen(value: Any, options: tuple[str, ...]) -> str:
    """The word itself if it is one of the options."""
    if value not in options:
        slip = near(value, options)
        raise ValueError(f"{value!r} is not one of {', '.join(options)}{slip and f' ({slip})'}")
    return str(value)


@dataclass_transform(frozen_default=True, field_specifiers=(span, field, choice, Field))
class Transform:
    """Base of all transforms: immutable, comparable, hashable, picklable; drawn afresh for every picture."""

    fields: ClassVar[Mapping[str, Field]] = {}
    p: float = field("probability of being applied", within=(0, 1), default=1.0, kw_only=True)

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        inherited = {name: value for name, value in cls.fields.items() if name not in own and name != "p"}
        cls.fields = {**inherited, **own, "p": own.pop("p", cls.fields.get("p", Transform.__dict__["p"]))}
        known = REGISTRY.setdefault(cls.__name__, cls)
        if known.__module__ != cls.__module__:  # it would share its draws, and its name in policy files
            raise PolicyError(
                f"{cls.__module__}.{cls.__name__}: {known.__module__} has a transform of this name; rename"
            )
        REGISTRY[cls.__name__] = cls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kind = type(self)
        places = [name for name in kind.fields if name != "p"]
        if len(args) > len(places):
            self._refuse_by_place(args, places)
        given = dict(zip(places, args, strict=False))
        for name, value in kwargs.items():
            if name not in kind.fields:
                slip = near(name, kind.fields)
                start = f"{slip}{'.'[: slip[-1] != '?']} It" if slip else "it"
                self._refuse(f"has no argument {name!r}; {start} has {', '.join(kind.fields)}")
            if name in given:
                self._refuse(f"was given {name!r} twice")
            given[name] = value
        for name, declared in kind.fields.items():
            if name not in given and declared.default is REQUIRED:
                self._refuse(f"needs {name!r}: {declared.doc}")
            value = given.get(name, declared.default)
            if hasattr(value, "tolist"):  # NumPy's numbers and arrays
                value = value.tolist()
            try:
                object.__setattr__(self, name, declared.parse(value))
            except (TypeError, ValueError, OverflowError) as error:
                meant = self._regrouped(args, places) if name in places[: len(args)] else ""
                raise PolicyError(
                    f"{kind.__name__}({name}={value!r}): {error}; {name} is {declared.doc}{meant}"
                ) from None
        self.check()

    def check(self) -> None:
        """Raise through `_refuse` when fields do not go together."""

    def lower(self, to: Lowering) -> None:
        raise NotImplementedError

    def children(self) -> Iterator[Transform]:
        yield from ()

    def _refuse(self, why: str) -> NoReturn:
        raise PolicyError(f"{type(self).__name__} {why}")

    def _refuse_by_place(self, args: tuple[Any, ...], places: list[str]) -> NoReturn:
        named = f"{len(places)} argument{'s'[: len(places) != 1]} by place ({', '.join(places)})"
        takes = named if places else "no argument by place"
        chance = len(args) == len(places) + 1 and _takes([self.fields["p"]], args[-1:])
        cure = f"write p={args[-1]}, in a file {{p: {args[-1]}}}" if chance else "p goes by name"
        self._refuse(f"takes {takes}, not {len(args)}; {cure}{self._regrouped(args, places)}")

    def _regrouped(self, args: tuple[Any, ...], places: list[str]) -> str:
        """The cure where brackets are missing, Rotate(-10, 10), or too many, Resize((150, 150))."""
        name, fields = type(self).__name__, [self.fields[place] for place in places]
        inner = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else ()
        if len(args) > 1 and "transforms" in places and any(isinstance(arg, Transform) for arg in args):
            return "; put the transforms in a list: [...]"
        if len(args) > 1 and _takes(fields[:1], [args]):
            return f"; as one argument: {name}(({', '.join(map(str, args))}))"
        if 1 < len(inner) <= len(places) and _takes(fields, inner):
            return f"; without the inner brackets: {name}({', '.join(map(str, inner))})"
        return ""

    def values(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as given to the constructor."""
        out = {}
        for name, declared in type(self).fields.items():
            value = getattr(self, name)
            if declared.default is REQUIRED or value != declared.parse(declared.default):
                out[name] = value
        return out

    def __setattr__(self, name: str, value: object) -> NoReturn:
        self._refuse(f"is immutable; make a new one with the {name} you want")

    def __delattr__(self, name: str) -> NoReturn:
        self._refuse(f"is immutable; it keeps its {name}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.values().items())})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._all()))

    def _all(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in type(self).fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), {name: getattr(self, name) for name in type(self).fields})


def _takes(fields: list[Field], values: Iterable[Any]) -> bool:
    """Would these fields, of which there is at least one, read these values?"""
    try:
        return bool([field.parse(value) for field, value in zip(fields, values, strict=False)])
    except (TypeError, ValueError, OverflowError):
        return False


def _rebuild(kind: type[Transform], values: dict[str, Any]) -> Transform:
    return kind(**values)


def signature(kind: type[Transform]) -> inspect.Signature:
    """The constructor's signature, made from the fields: for help() and the command line's table."""
    place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(n, place, default=f.default) for n, f in kind.fields.items()])
