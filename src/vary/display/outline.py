"""A policy with one transform a line: as text that Python can evaluate, and as HTML with units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vary.display.page import block, heading, lines, muted, safe
from vary.display.text import counted, short
from vary.transforms.compose import several

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.transforms.base import Field, Transform

__all__ = ["policy_html", "policy_text"]

WIDE = 80  # characters of a policy's text that stay in one line
INNER = "transforms"  # the field that holds others


def policy_text(policy: Transform) -> str:
    """What `repr` gives: in one line if it is short, else with one transform a line."""
    whole = _written(policy)
    return whole if len(whole) <= WIDE else "\n".join(_broken(policy, 0, ""))


def _written(transform: Transform) -> str:
    values = transform.values()
    if INNER not in values:
        return repr(transform)
    before, inner, after = _parts(values, list(type(transform).fields))
    return f"{type(transform).__name__}({before}[{', '.join(map(_written, inner))}]{after})"


def _broken(transform: Transform, depth: int, end: str) -> Iterator[str]:
    indent = "    " * depth
    values = transform.values()
    if INNER not in values:
        yield f"{indent}{transform!r}{end}"
        return
    before, inner, after = _parts(values, list(type(transform).fields))
    yield f"{indent}{type(transform).__name__}({before}["
    for child in inner:
        yield from _broken(child, depth + 1, ",")
    yield f"{indent}]{after}){end}"


def _parts(values: dict[str, object], order: list[str]) -> tuple[str, tuple[Transform, ...], str]:
    """The arguments before the list of transforms, the list, and the arguments after it."""
    place = order.index(INNER)
    before = "".join(f"{values[name]!r}, " for name in order[:place])
    after = "".join(f", {name}={value!r}" for name, value in values.items() if name in order[place + 1 :])
    return before, several(values[INNER]), after


def policy_html(policy: Transform) -> str:
    """One transform a line with its arguments and units, nested ones indented; the sampling settings at the end."""
    names = [name for name in type(policy).fields if name not in (INNER, "p")]
    settings = muted("sampling: " + ", ".join(f"{name} {safe(_value(getattr(policy, name)))}" for name in names))
    inner = several(policy.values()[INNER])
    body = lines(_lines(inner, 0)) if inner else muted("no transforms: pictures come out as they are")
    title = f"<b>{type(policy).__name__}</b> {muted(counted(len(inner), 'transform'))}"
    return block(heading(title), body, f'<div style="margin-top:4px">{settings}</div>')


def _lines(transforms: tuple[Transform, ...], depth: int) -> Iterator[tuple[int, str]]:
    for one in transforms:
        said = [_argument(name, getattr(one, name), field) for name, field in _worth_showing(one)]
        doc = (type(one).__doc__ or "").strip().split("\n")[0]
        name = f'<b title="{safe(doc)}">{type(one).__name__}</b>'
        yield depth, f"{name}  {',  '.join(said)}".rstrip()
        yield from _lines(tuple(one.children()), depth + 1)


def _worth_showing(transform: Transform) -> list[tuple[str, Field]]:
    """The arguments to show: those that were given, or all if none was given; and p, if it is below 1."""
    given = [name for name in transform.values() if name not in (INNER, "p")]
    names = [name for name in type(transform).fields if name not in (INNER, "p")]
    all_of_them = not given and INNER not in type(transform).fields
    names_shown = [name for name in names if name in given or (all_of_them and getattr(transform, name) is not None)]
    return [(name, type(transform).fields[name]) for name in (*names_shown, *(["p"] if transform.p < 1 else []))]


def _argument(name: str, value: object, field: Field) -> str:
    unit = field.doc.partition(";")[0].partition(",")[0] if _has_unit(field) else ""
    said = [muted(safe(name)), safe(_range(value) if unit and isinstance(value, tuple) else _value(value))]
    said += [muted(safe(unit))] if unit not in ("", name) and name != "p" and not unit[:1].isdigit() else []
    return f'<span title="{safe(field.doc)}">{" ".join(said)}</span>'


def _has_unit(field: Field) -> bool:
    """Is it a number, or a range to draw from?"""
    return field.within is not None and all(isinstance(end, int | float) for end in field.within)


def _range(value: tuple[object, ...]) -> str:
    low, high = map(_value, value)
    return low if low == high else f"{low} .. {high}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return short(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))})"
    if value is None:
        return "by dtype"
    return getattr(value, "__qualname__", None) or str(value)
