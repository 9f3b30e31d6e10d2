"""Policies as data: {"Rotate": {"angle": [-40, 40]}} and back, for YAML, JSON and the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import NamedTuple

from vary.errors import PolicyError
from vary.transforms.base import REGISTRY, REQUIRED, Transform, suggest
from vary.transforms.corrections import correction
from vary.transforms.describe import by_place
from vary.transforms.user import Lambda

__all__ = ["Place", "argument_of", "from_data", "line_of", "to_data"]


def to_data(value: object) -> object:
    """A transform or a field's value as plain lists, dicts, numbers and strings."""
    if isinstance(value, Lambda):
        return {"Lambda": to_data(value.values() | {"function": value.spelled})}
    if isinstance(value, Transform):
        return {type(value).__name__: to_data(value.values())}
    if isinstance(value, dict):
        return {key: to_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_data(item) for item in value]
    return value


class Place(NamedTuple):
    """A place in a policy, for errors: its path, such as policy.transforms[1].OneOf[0], and its line in a file."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}" if self.line else self.path

    def item(self, container: object, key: object, name: str) -> Place:
        return Place(f"{self.path}{name}", line_of(container, key) or self.line)


def line_of(container: object, key: object) -> int | None:
    """The line of an entry of a mapping or list; None if it was not read from a file that has lines."""
    lines: Mapping[object, int] = getattr(container, "lines", {})
    return lines.get(key)


def from_data(data: object, where: Place | str = "policy") -> Transform:
    """The transform that `to_data` wrote. A name alone, or a name with a list of arguments, is accepted as well.

    where: its place in the policy; every error begins with it.
    """
    where = Place(where) if isinstance(where, str) else where
    if isinstance(data, str):
        data = {data: None}
    if not isinstance(data, dict) or len(data) != 1:
        cure = correction(data) or "it as Name: {argument: value}"
        raise PolicyError(f"{where}: {data!r} is not a transform; write {cure}")
    (name, arguments), *_ = data.items()
    kind = REGISTRY.get(str(name))
    if kind is None:
        corrected = correction(name)
        raise PolicyError(f"{where}: there is no transform {name!r}; {_cure(name, corrected)}")
    placed: list[object] = []
    named: dict[str, object] = {}
    if isinstance(arguments, dict):
        for key, value in arguments.items():
            named[str(key)] = _read(kind, str(key), value, where.item(arguments, key, f".{name}"))
    elif arguments is not None:
        placed = _positional(kind, arguments, where.item(data, name, f".{name}"))
    make: Callable[..., Transform] = kind
    try:
        return make(*placed, **named)
    except PolicyError as error:
        corrected = "" if "; write" in str(error) else correction(data)
        name, places = argument_of(error), by_place(kind.fields)
        at = where.item(arguments, places.index(name) if isinstance(arguments, list) and name in places else name, "")
        raise PolicyError(f"{at}.{error}{corrected and f'; write {corrected}'}") from None


def _cure(name: object, corrected: str) -> str:
    """Of an unknown name: a correction, the name here of another library's transform, or all that it may be."""
    known = suggest(name, REGISTRY)
    if corrected:
        return f"write {corrected}"
    if not str(name).isidentifier() or (known and not known.endswith("?")):
        return known or "see `vary transforms`"
    own = (
        "if it is your own, import the module that defines it before; the command line cannot know your own transforms"
    )
    return f"{known} Or {own}" if known else f"see `vary transforms`; {own}"


def argument_of(error: PolicyError) -> str | None:
    """The argument that a constructor's error names, as in "Rotate(angle=...): ..."; None if it names none."""
    found = re.match(r"\w+\((\w+)=", str(error))
    return found and found[1]


def _positional(kind: type[Transform], arguments: object, here: Place) -> list[object]:
    """A list has the arguments in order; for a transform with a single one, it is its value: Rotate: [-10, 40]."""
    places = by_place(kind.fields)
    if not isinstance(arguments, list) or places[:1] == ["transforms"] or len(places) == 1 < len(arguments):
        return [_read(kind, next(iter(places), None), arguments, here)]
    return [
        _read(kind, name, value, here.item(arguments, number, ""))
        for number, (name, value) in enumerate(zip_longest(places[: len(arguments)], arguments))
    ]


def _read(kind: type[Transform], name: str | None, value: object, here: Place) -> object:
    if name == "transforms":
        items = value if isinstance(value, list) else [value]
        return [from_data(item, here.item(items, i, f"[{i}]")) for i, item in enumerate(items)]
    field = kind.fields.get(name or "")
    if value is None and field is not None and field.default is not None:
        cure = "write one" if field.default is REQUIRED else f"write one, or leave {name} out"
        raise PolicyError(f"{here}: {name} has no value (null, ~ or nothing at all); {name} is {field.doc}; {cure}")
    return value
