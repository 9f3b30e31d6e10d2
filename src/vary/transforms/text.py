"""Policies as data: {"Rotate": {"angle": [-40, 40]}} and back, for YAML, JSON and the command line."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from vary.errors import PolicyError
from vary.transforms.base import REGISTRY, Transform, near
from vary.transforms.user import Lambda

__all__ = ["from_data", "to_data"]


def to_data(value: Any) -> Any:
    """A transform or a field's value as plain lists, dicts, numbers and strings."""
    if isinstance(value, Lambda):
        return {"Lambda": {**to_data(value.values() | {"function": value.spelled})}}
    if isinstance(value, Transform):
        return {type(value).__name__: to_data(value.values())}
    if isinstance(value, dict):
        return {key: to_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_data(item) for item in value]
    return value


def from_data(data: Any, where: str = "policy") -> Transform:
    """The transform that `to_data` wrote; a bare name, or a name with a list of arguments, is read too.

    `where` is the place in the file, for errors: what a constructor refuses comes out with it in front.
    """
    if isinstance(data, str):
        data = {data: None}
    if not isinstance(data, dict) or len(data) != 1:
        raise PolicyError(f"{where}: {data!r} is not a transform; write it as Name: {{argument: value}}")
    (name, arguments), *_ = data.items()
    kind = REGISTRY.get(str(name))
    if kind is None:
        raise PolicyError(f"{where}: there is no transform {name!r}; {near(name, REGISTRY) or 'see `vary transforms`'}")
    here = f"{where}.{name}"
    placed, named = [], {}
    if isinstance(arguments, dict):
        named = {str(key): _read(str(key), value, here) for key, value in arguments.items()}
    elif arguments is not None:
        placed = _positional(kind, arguments, here)
    try:
        return kind(*placed, **named)
    except PolicyError as error:
        raise PolicyError(f"{where}.{error}") from None


def _positional(kind: type[Transform], arguments: Any, here: str) -> list[Any]:
    """A list holds the arguments in order, unless there is only one: then it is that one, as in Rotate: [-10, 40]."""
    places = [name for name in kind.fields if name != "p"]
    one = not isinstance(arguments, list) or places[:1] == ["transforms"] or len(places) == 1 < len(arguments)
    values = [arguments] if one else arguments
    return [_read(name, value, here) for name, value in zip_longest(places[: len(values)], values)]


def _read(name: str | None, value: Any, here: str) -> Any:
    if name != "transforms":
        return value
    items = value if isinstance(value, list) else [value]
    return [from_data(item, f"{here}[{i}]") for i, item in enumerate(items)]
