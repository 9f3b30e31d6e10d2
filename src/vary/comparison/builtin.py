"""The policies that a comparison knows by name, and those of files."""

from __future__ import annotations

import os
from pathlib import Path

from vary.errors import InputError
from vary.guidance import close
from vary.policy import Policy

__all__ = ["BUILT_IN", "named_policies"]

FOLDER = Path(__file__).with_name("policies")
BUILT_IN = ("none", "light", "medium", "strong", "keras-book")
"""Names of the policies in the folder `policies`, from the weakest on. None of them fixes the size of the result."""


def named_policies(given: object) -> dict[str, Policy]:
    """name -> policy, in the order given.

    given: names and paths of policy files, as one text with commas or a list; or {name: policy or path or name}. A file
        is named as it is without its suffix.
    `InputError` for a name that is neither, and for two of one name; the errors of `Policy.load` for a file.
    """
    if isinstance(given, str):
        given = [one.strip() for one in given.split(",") if one.strip()]
    rows = list(given.items()) if isinstance(given, dict) else [(None, one) for one in _listed(given)]
    found: dict[str, Policy] = {}
    for place, (name, one) in enumerate(rows):
        called = str(name) if name is not None else _name_of(place, one)
        if called in found:
            raise InputError(
                f"policies has two of the name {called!r}; give them other names: policies={{name: policy}}"
            )
        found[called] = one if isinstance(one, Policy) else _loaded(one)
    if not found:
        raise InputError(
            f"policies is empty; give names ({', '.join(BUILT_IN)}), paths of files, or vary.Policy objects"
        )
    return found


def _listed(given: object) -> list[object]:
    if isinstance(given, Policy):
        raise InputError("policies is one policy, and a comparison needs several; give a list or {name: policy}")
    if not isinstance(given, list | tuple):
        raise InputError(
            f"policies is a {type(given).__name__}; give 'none,medium,my.yaml', a list, or {{name: policy}}"
        )
    return list(given)


def _name_of(place: int, one: object) -> str:
    if isinstance(one, Policy):
        return f"policy {place}"
    return one if isinstance(one, str) and one in BUILT_IN else Path(str(one)).stem


def _loaded(one: object) -> Policy:
    if isinstance(one, str) and one in BUILT_IN:
        return Policy.load(FOLDER / f"{one}.yaml")
    if isinstance(one, str | os.PathLike) and Path(one).exists():
        return Policy.load(Path(one))
    similar = close(one, list(BUILT_IN)) if isinstance(one, str) else ""
    said = f"policies: {one!r} is no file, and no built-in policy{similar and f'; {similar}'}"
    raise InputError(f"{said}; those are {', '.join(BUILT_IN)}")
