"""Policies as data: {"Rotate": {"angle": [-40, 40]}} and back, for YAML, JSON and the command line."""

from __future__ import annotations

from typing import Any

from vary.errors import PolicyError
from vary.transforms.base import REGISTRY, Transform
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
    """The transform that `to_data` wrote; a bare name, or a name with a list of arguments, is read too."""
    if isinstance(data, str):
        data = {data: None}
    if not isinstance(data, dict) or len(data) != 1:
        raise PolicyError(f"{where}: {data!r} is not a transform; write it as Name: {{argument: value}}")
    (name, arguments), *_ = data.items()
    kind = REGISTRY.get(str(name))
    if kind is None:
        import difflib

        near = difflib.get_close_matches(str(name), REGISTRY, 1)
        cure = f"did you mean {near[0]}?" if near else "see `vary transforms`"
        raise PolicyError(f"{where}: there is no transform {name!r}; {cure}")
    here = f"{where}.{name}"
    if arguments is None:
        return kind()
    if not isinstance(arguments, dict):
        return kind(*_positional(kind, arguments, here))
    return kind(**{str(key): _read(str(key), value, here) for key, value in arguments.items()})


def _positional(kind: type[Transform], arguments: Any, here: str) -> list[Any]:
    names = list(kind.fields)
    values = arguments if isinstance(arguments, list) and names[0] != "transforms" else [arguments]
    if len(values) > len(names):
        raise PolicyError(f"{here}: {len(values)} arguments for {', '.join(names)}; write them as name: value")
    return [_read(name, value, here) for name, value in zip(names, values, strict=False)]


def _read(name: str, value: Any, here: str) -> Any:
    if name != "transforms":
        return value
    items = value if isinstance(value, list) else [value]
    return [from_data(item, f"{here}[{i}]") for i, item in enumerate(items)]
