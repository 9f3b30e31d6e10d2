"""Signature and docstring of a transform's class, computed from its fields on access, for `help()`, notebooks and the
command line. The docstring is the author's, with a list of the arguments added.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, get_type_hints

from vary.transforms.fields import REQUIRED, Field, limits, plain

__all__ = [
    "Documentation",
    "by_place",
    "declaration",
    "documentation",
    "limits",
    "own_words",
    "plain",
    "signature",
    "undeclared",
]


class Fields(Protocol):
    """A class with declared fields: `base.Declared`."""

    fields: ClassVar[Mapping[str, Field]]


def by_place(fields: Mapping[str, Field]) -> list[str]:
    """The arguments that may be given by position, in order; `p` is never among them."""
    return [name for name, field in fields.items() if not field.kw_only and name != "p"]


def signature(kind: type[Fields]) -> inspect.Signature:
    """The constructor's signature: it accepts the same arguments as the constructor."""
    try:
        types = get_type_hints(kind)
    except Exception:  # noqa: BLE001  a user's annotations may use names that only a type checker sees
        types = {}
    placed, parameters = by_place(kind.fields), []
    for name, field in kind.fields.items():
        how = inspect.Parameter.POSITIONAL_OR_KEYWORD if name in placed else inspect.Parameter.KEYWORD_ONLY
        annotation = types.get(name, REQUIRED)
        if field.same_as and annotation is not REQUIRED:
            annotation |= None
        parameters.append(inspect.Parameter(name, how, default=field.default, annotation=annotation))
    return inspect.Signature(sorted(parameters, key=lambda one: one.kind))


def declaration(name: str, default: object = REQUIRED) -> str:
    """How an argument of a transform is declared, for errors."""
    given = "" if default is REQUIRED else f", default={default!r}"
    kind, whole = ("int", ", whole=True") if type(default) is int else ("float", "")
    return f'`{name}: {kind} = vary.transforms.field("what it is"{given}{whole})`'


def undeclared(kind: type[Fields], names: Sequence[str] = ()) -> str:
    """The cure if a class has attributes of these names that are no arguments; empty if it has none.

    names: those to search for; none: all that the user's classes annotate, such as `k: float = 2.0`.
    """
    known = {name for name in names if isinstance(getattr(kind, name, None), int | float)}
    for one in kind.__mro__:
        written = inspect.get_annotations(one) if not one.__module__.startswith("vary.") else {}
        known.update(name for name in written if not name.startswith("_") and (not names or name in names))
    found = [declaration(name, getattr(kind, name, REQUIRED)) for name in sorted(known - set(kind.fields))]
    return f"declare it as an argument: {', '.join(found)}" if found else ""


def documentation(kind: type[Fields]) -> str:
    """The author's docstring, then the arguments: meaning and unit, type, range, default."""
    parts = [own_words(kind)] if own_words(kind) else []
    lines = [_argument(name, field) for name, field in kind.fields.items()]
    return "\n\n".join([*parts, "\n".join(["Arguments:", *lines])]) + "\n"


def own_words(kind: type[Fields]) -> str:
    """The docstring as its author wrote it, without indentation; empty if there is none."""
    found = vars(kind).get("__doc__")
    return inspect.cleandoc((found.own if isinstance(found, Documentation) else found) or "")


def _argument(name: str, field: Field) -> str:
    sentences = [field.doc, _given(field), "Required" if field.default is REQUIRED else f"Default: {_default(field)}"]
    if field.kw_only or name == "p":
        sentences.append("By name only")
    text = f"{name}: {'. '.join(filter(None, sentences))}."
    return textwrap.fill(text, 100, initial_indent="    ", subsequent_indent="        ")


def _given(field: Field) -> str:
    """Type and range of an argument, such as "A number, 0 .. 1"."""
    if field.within and isinstance(field.within[0], str):
        return f"{'One of' if field.kind else 'The words'}: {', '.join(map(repr, field.within))}"
    text = ", ".join(filter(None, [field.kind, limits(field.within) if field.within else ""]))
    return text[:1].upper() + text[1:]


def _default(field: Field) -> str:
    if field.same_as:
        return f"as {field.same_as}"
    return repr(field.default) if isinstance(field.default, str) else plain(field.default)


class Documentation:
    """`__doc__` of a class and its instances, computed on access. own: the docstring that the author wrote."""

    def __init__(self, own: str | None) -> None:
        self.own = own

    def __get__(self, instance: object, kind: type[Fields]) -> str:
        return documentation(kind)
