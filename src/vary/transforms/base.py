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
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NoReturn, Protocol, dataclass_transform

from vary.errors import PolicyError

__all__ = ["REGISTRY", "Column", "Field", "Lowering", "Number", "Span", "Transform", "choice", "field", "span"]

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

    __slots__ = ("default", "doc", "parse", "samples")

    def __init__(self, parse: Parse, doc: str, default: Any, samples: Callable[..., Any]) -> None:
        self.parse = parse
        self.doc = doc
        self.default = default  # `inspect.Parameter.empty` when it must be given
        self.samples = samples  # (random) -> a valid value: what property tests draw from


REQUIRED = inspect.Parameter.empty


def _number(value: Any, within: tuple[float, float], what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not {what}") from None
    if not (within[0] <= number <= within[1]):  # also refuses NaN
        raise ValueError(f"{value!r} is outside {within[0]:g} .. {within[1]:g}")
    return number


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
            low, high = (_number(v, within, "a number") for v in value)
            if low > high:
                raise ValueError(f"{value!r} runs backwards; give (low, high)")
            return low, high
        amount = _number(value, (0, math.inf), "a number or a pair (low, high)")
        return _number(around - amount, within, "a number"), _number(around + amount, within, "a number")

    def samples(random: Any) -> tuple[float, float]:
        low, high = max(within[0], around - reach), min(within[1], around + reach)
        one, other = (round(random.uniform(low, high), 3) for _ in range(2))
        return min(one, other), max(one, other)

    return Field(parse, doc, default, samples)


def field(
    doc: str,
    *,
    within: tuple[float, float] = (-math.inf, math.inf),
    default: Any = REQUIRED,
    whole: bool = False,
    samples: tuple[float, float] | None = None,
    kw_only: bool = False,  # noqa: ARG001  for type checkers: dataclass_transform reads it
) -> Any:
    """A number, the same for every picture."""

    def parse(value: Any) -> float | int:
        number = _number(value, within, "a whole number" if whole else "a number")
        if whole and number != int(number):
            raise ValueError(f"{value!r} is not a whole number")
        return int(number) if whole else number

    def draw(random: Any) -> Any:
        low, high = samples or (max(within[0], -1.0), min(within[1], 2.0))
        return random.randint(int(low), int(high)) if whole else random.uniform(low, high)

    return Field(parse, doc, default, draw)


def choice(doc: str, options: tuple[str, ...], default: Any = REQUIRED) -> Any:
    """One of a few words."""

    def parse(value: Any) -> str:
        if value not in options:
            raise ValueError(f"{value!r} is not one of {', '.join(options)}")
        return str(value)

    return Field(parse, doc, default, lambda random: random.choice(options))


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
            named = ", ".join(places)
            self._refuse(f"takes {len(places)} arguments by place ({named}), not {len(args)}; p goes by name")
        given = dict(zip(places, args, strict=False))
        for name, value in kwargs.items():
            if name not in kind.fields:
                self._refuse(f"has no argument {name!r}; it has {', '.join(kind.fields)}")
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
                raise PolicyError(f"{kind.__name__}({name}={value!r}): {error}; {name} is {declared.doc}") from None
        self.check()

    def check(self) -> None:
        """Raise through `_refuse` when fields do not go together."""

    def lower(self, to: Lowering) -> None:
        raise NotImplementedError

    def children(self) -> Iterator[Transform]:
        yield from ()

    def _refuse(self, why: str) -> NoReturn:
        raise PolicyError(f"{type(self).__name__} {why}")

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


def _rebuild(kind: type[Transform], values: dict[str, Any]) -> Transform:
    return kind(**values)


def signature(kind: type[Transform]) -> inspect.Signature:
    """The constructor's signature, made from the fields: for help() and the command line's table."""
    place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(n, place, default=f.default) for n, f in kind.fields.items()])
