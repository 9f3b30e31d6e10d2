"""Corrections of transforms that are not written as policy files require, for error messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from itertools import zip_longest

from vary.errors import PolicyError
from vary.transforms.base import REGISTRY, Transform, number
from vary.transforms.describe import by_place

__all__ = ["correction", "list_correction"]

WORD = r"(?:(\w+)\s*[=:]\s*)?([^\s,=:]+)"
"""In "150, 150", "height=150 width=150" and the like: a value, perhaps with its name."""


def correction(data: object) -> str:
    """What was probably intended: `Resize: {height: 150, width: 150}` for "Resize(150, 150)"; empty if unknown."""
    name, given = _name_and_arguments(data)
    kind = REGISTRY.get(name) if isinstance(name, str) else None
    if kind is None or "transforms" in kind.fields:
        return ""
    make: Callable[..., Transform] = kind
    found = _named(kind, given)
    try:
        make(**found)
    except PolicyError:  # so this was not intended
        return ""
    inner = ", ".join(f"{key}: {value}" for key, value in found.items())
    return f"{name}: {{{inner}}}" if found else str(name)


def list_correction(data: object) -> str:
    """The cure if a mapping has transforms as its keys, instead of a list of them; empty if it has none."""
    if not isinstance(data, dict) or (name := next((key for key in data if key in REGISTRY), None)) is None:
        return ""
    item = correction({name: data[name]}) or f"{name}: ..."
    return f'begin each with a dash, - {item}, or in JSON: [{{"{name}": ...}}]'


def _name_and_arguments(data: object) -> tuple[object, object]:
    """The name and the arguments of a transform, in any of the forms that are recognised."""
    if isinstance(data, str) and (found := re.fullmatch(r"(\w+)\W?(.*)", data, re.DOTALL)):
        return found[1], found[2]
    if isinstance(data, list) and data:
        return data[0], data[1:]
    if isinstance(data, dict) and data:
        (key, value), *rest = data.items()
        if not rest:
            return key, value
        named = isinstance(value, str) and key not in REGISTRY  # name: Resize
        return (value if named else key) if named or value is None else None, dict(rest)
    return None, None


def _named(kind: type[Transform], given: object) -> dict[str, object]:
    """Arguments by name: of "150, 150", [150, 150], {150, 150} or [height: 150, width: 150]."""
    places = by_place(kind.fields)
    pairs: list[tuple[object, object]] = []
    if isinstance(given, str):
        text = re.sub(r"(?<=\d)\s*x\s*(?=\d)", ", ", given.strip("()[]{} "))
        pairs = [(name or None, _value(word)) for name, word in re.findall(WORD, text)]
    elif isinstance(given, dict):
        pairs = [(None, key) if value is None else (key, value) for key, value in given.items()]
    elif isinstance(given, list) and given and all(isinstance(one, dict) for one in given):
        pairs = [pair for one in given for pair in one.items()]
    elif given is not None:
        pairs = [(None, value) for value in (given if isinstance(given, list) else [given])]
    values, named = [value for name, value in pairs if name is None], [pair for pair in pairs if pair[0] is not None]
    if len(values) > 1 == len(places):
        values = [values]
    return {str(name): value for name, value in [*zip_longest(places[: len(values)], values), *named]}


def _value(word: str) -> object:
    with suppress(ValueError):
        found = number(float(word))
        return int(found) if found.is_integer() else found
    return word
