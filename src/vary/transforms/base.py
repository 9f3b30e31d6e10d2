"""What a transform is: frozen fields, declared once, and a `lower` that states its map.

The declared fields (`fields.py`) are the only list of a transform's arguments: construction, validation, errors,
signatures, docstrings, YAML and JSON, the command line's table and the tests' random policies all read it.

    class Rotate(Transform):
        \"\"\"Rotate about the centre of the canvas; positive is counter-clockwise as seen.\"\"\"
        angle: Span = span("degrees; a number a means (-a, a)", within=(-360, 360))

        def lower(self, to: Lowering) -> None:
            to.emit("rotate", to.uniform(self.angle))
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol, dataclass_transform

from vary.errors import PolicyError, brief
from vary.guidance import argument_hint, hint, word_hint
from vary.transforms.describe import Documentation, by_place, declaration, signature, undeclared
from vary.transforms.fields import (
    REQUIRED,
    Field,
    Span,
    accepts,
    choice,
    chosen,
    custom,
    field,
    number,
    span,
    switch,
    whole_number,
)
from vary.transforms.names import suggest

__all__ = [
    "REGISTRY",
    "REQUIRED",
    "Column",
    "Declared",
    "Field",
    "Lowering",
    "Number",
    "Span",
    "Transform",
    "choice",
    "chosen",
    "custom",
    "field",
    "suggest",
    "number",
    "span",
    "switch",
    "whole_number",
]

REGISTRY: dict[str, type[Transform]] = {}
"""Class name -> transform. Policy files and the command line find transforms here."""


class Column(int):
    """A parameter that is drawn: its column in the parameter array."""


Number = float | Column


class Lowering(Protocol):
    """The argument of `Transform.lower`: it draws numbers and records instructions. Implemented in plan/lower.py."""

    channels: int
    value_range: tuple[float, float] | None  # of the picture at this place; None after Normalize

    def uniform(self, span: Span) -> Number: ...
    def log_uniform(self, span: Span) -> Number: ...
    def integer(self, count: int) -> Number: ...
    def computed(
        self, function: Callable[..., object], shape: tuple[int, ...], fault: Callable[..., str] = ...
    ) -> list[Column]: ...
    def key(self) -> tuple[Number, Number]: ...
    def one_of(self, weights: list[float]) -> list[Column]: ...
    def some_of(self, count: tuple[int, int], among: int) -> list[Column]: ...
    def emit(self, op: str, *args: Number) -> None: ...
    def call(self, function: Callable[..., object]) -> None: ...
    def child(self, transform: Transform, gate: Column | None = None) -> None: ...
    def clip(self) -> tuple[float, float]: ...


class _Signature:
    """`__signature__` of a class, computed on access. Instances have none, so that `inspect` reads their `__call__`."""

    def __get__(self, instance: object, kind: type[Declared]) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        if kind.__init__ is not Declared.__init__:  # a user's subclass with its own constructor
            own = inspect.signature(kind.__init__)
            return own.replace(parameters=list(own.parameters.values())[1:])
        return signature(kind)


@dataclass_transform(frozen_default=True, field_specifiers=(span, field, choice, switch, custom))
class Declared:
    """Base of classes with declared fields: construction, comparison, hash, copies, signature and docstring.

    Type checkers derive the constructors of subclasses from their fields. They ignore fields of the decorated class
    itself (typing specification, "The dataclass_transform decorator"), so it has none.
    """

    fields: ClassVar[Mapping[str, Field]] = {}
    __signature__ = _Signature()

    def __init_subclass__(cls) -> None:
        declared = {**cls.fields, **{name: value for name, value in vars(cls).items() if isinstance(value, Field)}}
        cls.fields = {name: declared[name] for name in sorted(declared, key=lambda name: name == "p")}
        placed = by_place(cls.fields)
        for name, before in pairwise(placed[::-1]):
            if cls.fields[name].default is REQUIRED is not cls.fields[before].default:
                raise PolicyError(f"{cls.__name__}: declare {name!r}, which is required, before those with a default")
        cls.__doc__ = Documentation(vars(cls).get("__doc__"))  # type: ignore[assignment]

    def __init__(self, *args: object, **kwargs: object) -> None:
        kind = type(self)
        places = by_place(kind.fields)
        given = self._given(places, args, kwargs)
        for name, declared in kind.fields.items():
            if name not in given and declared.default is REQUIRED:
                self._refuse(f"needs {name!r}: {declared.doc}{self._if_missing(name, given)}")
            value = given.get(name, declared.default)
            if value is None and declared.same_as:
                value = getattr(self, declared.same_as)
            if hasattr(value, "tolist"):  # NumPy's numbers and arrays
                value = value.tolist()
            try:
                object.__setattr__(self, name, declared.parse(value))
            except (TypeError, ValueError, OverflowError) as error:
                cure = word_hint(name, value) or (self._regrouped(args, places) if name in places[: len(args)] else "")
                doc = declared.doc
                meaning = f"{name}: {doc[len(name) + 2 :]}" if doc.startswith(f"{name}; ") else f"{name} is {doc}"
                meaning = "" if str(error).endswith(doc) else f"; {meaning}"
                raise PolicyError(f"{kind.__name__}({name}={brief(value)}): {error}{meaning}{cure}") from None
        self.check()

    def check(self) -> None:
        """Raise through `_refuse` when fields do not go together."""

    def _given(self, places: list[str], args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
        """The arguments by name."""
        fields = type(self).fields
        if len(args) > len(places):
            self._refuse_by_place(args, places)
        given = dict(zip(places, args, strict=False))
        for name, value in kwargs.items():
            if name not in fields:
                suggestion = undeclared(type(self), [name]) or argument_hint(name, fields) or suggest(name, fields)
                suggestion = suggestion or hint(name, (), "keywords" if "transforms" in fields else "none")
                start = f"{suggestion}{'.'[: suggestion[-1] != '?']} It" if suggestion else "it"
                self._refuse(f"has no argument {name!r}; {start} has {', '.join(fields)}")
            if name in given:
                self._refuse(f"was given {name!r} twice")
            given[name] = value
        return given

    def _if_missing(self, name: str, given: Mapping[str, object]) -> str:  # noqa: ARG002
        """Text to add to the error for a missing required argument."""
        return ""

    def _refuse(self, why: str) -> NoReturn:
        raise PolicyError(f"{type(self).__name__} {why}")

    def _refuse_by_place(self, args: tuple[object, ...], places: list[str]) -> NoReturn:
        named = f"{len(places)} argument{'s'[: len(places) != 1]} by place ({', '.join(places)})"
        takes = named if places else "no argument by place"
        # Probably p: the last one, or one that is not valid at its position: Rotate(40, 0.5), Sometimes(0.5, [...]).
        odd = [arg for place, arg in zip(places, args, strict=False) if not accepts([self.fields[place]], [arg])]
        chances = [arg for arg in (args[-1], *odd) if accepts([self.fields["p"]], [arg])]
        chance = chances[0] if chances and len(args) == len(places) + 1 else None
        cure = "p goes by name" if chance is None else f"write p={chance}, in a file {{p: {chance}}}"
        cure = undeclared(type(self)) or f"{cure}{self._regrouped(args, places)}"
        self._refuse(f"takes {takes}, not {len(args)}; {cure}")

    def _regrouped(self, args: tuple[object, ...], places: list[str]) -> str:
        """The cure if brackets are missing, as in Rotate(-10, 10), or too many, as in Resize((150, 150))."""
        name, fields = type(self).__name__, [self.fields[place] for place in places]
        inner = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else ()
        if len(args) > 1 and "transforms" in places and any(isinstance(arg, Transform) for arg in args):
            return "; put the transforms in a list: [...]"
        if len(args) > 1 and accepts(fields[:1], [args]):
            return f"; as one argument: {name}(({', '.join(map(str, args))}))"
        if 1 < len(inner) <= len(places) and accepts(fields, inner):
            return f"; without the inner brackets: {name}({', '.join(map(str, inner))})"
        if len(args) == len(places) == 2 and accepts(fields, args[::-1]):
            return f"; the other way round: {name}({', '.join(places)})"
        if 1 < len(args) <= len(places) and accepts([self.fields["p"]], args[-1:]):
            return f"; a probability goes by name: p={args[-1]}"
        return ""

    def values(self) -> dict[str, object]:
        """The required fields and those that differ from their defaults, as the constructor accepts them."""
        out = {}
        for name, declared in type(self).fields.items():
            value = getattr(self, name)
            if declared.default is REQUIRED or value != declared.parse(declared.default):
                out[name] = value
        return out

    def __setattr__(self, name: str, value: object) -> NoReturn:
        cure = f"make a new one with the {name} you want"
        if name not in type(self).fields and not type(self).__module__.startswith("vary."):
            cure = f"declare the argument in the class, {declaration(name)}, and define no __init__"
        self._refuse(f"is immutable; {cure}")

    def __delattr__(self, name: str) -> NoReturn:
        self._refuse(f"is immutable; it keeps its {name}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.values().items())})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._all()))

    def _all(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in type(self).fields)

    def __reduce__(self) -> tuple[object, ...]:
        fields, others = type(self).fields, vars(self)
        kept = {name: value for name, value in others.items() if name not in fields and name[0] != "_"}
        return _rebuild, (type(self), {name: getattr(self, name) for name in fields}), kept or None


class Transform(Declared):
    """Base of all transforms: immutable, comparable, hashable, picklable. Values are drawn anew for every picture."""

    p: float = field("probability of being applied", within=(0, 1), default=1.0, kw_only=True)

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """abstract: a base class of other transforms, which no policy can hold."""
        super().__init_subclass__()
        if abstract:
            return
        known = REGISTRY.setdefault(cls.__name__, cls)
        if known.__module__ != cls.__module__:  # both would draw the same values, and have the same name in files
            raise PolicyError(
                f"{cls.__module__}.{cls.__name__}: {known.__module__} has a transform of this name; rename this one"
            )
        REGISTRY[cls.__name__] = cls

    def lower(self, to: Lowering) -> None:
        """State the map: ask `to` for draws, and emit instructions of `vary.ops`."""
        raise NotImplementedError

    def children(self) -> Iterator[Transform]:
        """The transforms that it contains."""
        yield from ()

    if not TYPE_CHECKING:  # so that type checkers refuse the call

        def __call__(self, *_: object, **__: object) -> NoReturn:
            kind = type(self).__name__
            raise TypeError(f"{kind} is a transform and cannot be called; a policy can: Policy([{self!r}])(image)")


def _rebuild(kind: type[Declared], values: dict[str, object]) -> Declared:
    """An instance with these field values, made without the constructor, which a user's class may replace."""
    made = kind.__new__(kind)
    Declared.__init__(made, **values)
    return made
