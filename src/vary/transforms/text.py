"""Policies as data: {"Rotate": {"angle": [-40, 40]}} and back, for YAML, JSON and the command line."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

from vary.errors import PolicyError
from vary.transforms.base import REGISTRY, Transform, near
from vary.transforms.describe import by_place
from vary.transforms.slips import meant
from vary.transforms.user import Lambda

__all__ = ["from_data", "parsed", "to_data"]

NO_TEXT = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # what YAML does not take
FAULTS = (  # in what YAML's parser says -> what is wrong, and the cure
    (r"'\\t' that cannot", "a tab; YAML is indented by spaces, so write spaces"),
    (r"<block end>", "indented unlike its neighbours; begin all entries of a list or mapping in the same column"),
    (r"mapping values", "a ':' too many, or one missing in the line before; write Name: {argument: value}"),
    (r"another document", "a second document; a file holds one policy"),
    (r"<stream end>", "the file ends where a value is to come; close the brackets"),
)


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
        told = meant(data) or "it as Name: {argument: value}"
        raise PolicyError(f"{where}: {data!r} is not a transform; write {told}")
    (name, arguments), *_ = data.items()
    kind = REGISTRY.get(str(name))
    if kind is None:
        told = meant(name)
        cure = f"write {told}" if told else near(name, REGISTRY) or "see `vary transforms`"
        raise PolicyError(f"{where}: there is no transform {name!r}; {cure}")
    here = f"{where}.{name}"
    placed, named = [], {}
    if isinstance(arguments, dict):
        named = {str(key): _read(str(key), value, here) for key, value in arguments.items()}
    elif arguments is not None:
        placed = _positional(kind, arguments, here)
    try:
        return kind(*placed, **named)
    except PolicyError as error:
        told = "" if "; write" in str(error) else meant(data)
        raise PolicyError(f"{where}.{error}{told and f'; write {told}'}") from None


def _positional(kind: type[Transform], arguments: Any, here: str) -> list[Any]:
    """A list holds the arguments in order, unless there is only one: then it is that one, as in Rotate: [-10, 40]."""
    places = by_place(kind.fields)
    one = not isinstance(arguments, list) or places[:1] == ["transforms"] or len(places) == 1 < len(arguments)
    values = [arguments] if one else arguments
    return [_read(name, value, here) for name, value in zip_longest(places[: len(values)], values)]


def _read(name: str | None, value: Any, here: str) -> Any:
    if name != "transforms":
        return value
    items = value if isinstance(value, list) else [value]
    return [from_data(item, f"{here}[{i}]") for i, item in enumerate(items)]


def parsed(raw: bytes, json: bool = False) -> Any:
    """What a file says in YAML or JSON; `ValueError` with the line and column, what is wrong there, and the cure."""
    text = _text(raw)
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        example = '["HorizontalFlip", {"Rotate": 40}]' if json else "- Rotate: 40"
        raise ValueError(f"the file is empty; write a list of transforms, such as {example}")
    try:
        return _json(text) if json else _yaml(text)
    except RecursionError:
        raise ValueError("nested too deep; a policy is a list of transforms") from None


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before, seen = error.object[: error.start].decode(), f"byte 0x{error.object[error.start]:02x}"
    else:
        found = re.search(NO_TEXT, text)
        if found is None:
            return text
        before, seen = text[: found.start()], f"character {found[0]!r}"
    raise ValueError(f"{_place(before)}: {seen} is no text; a policy is YAML or JSON, saved as UTF-8")


def _json(text: str) -> Any:
    import json

    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"line {error.lineno}, column {error.colno}: {error.msg}; JSON has names and words in double quotes, and a "
            "comma between entries but none behind the last; YAML goes into a file named .yaml"
        ) from None
    seen: list[set[str]] = []  # the keys of each mapping that is open
    for token in re.finditer(r'("(?:[^"\\]|\\.)*")(\s*:)?|[{}]', text):
        if token[0] == "{":
            seen.append(set())
        elif token[0] == "}":
            seen.pop()
        elif token[2]:
            if (key := json.loads(token[1])) in seen[-1]:
                raise _twice(key, text[: token.start()])
            seen[-1].add(key)
    return found


def _twice(key: str, before: str) -> ValueError:
    """Readers of YAML and JSON take the last of several, which hides a slip. before: the text up to the second."""
    cure = "leave one out" if key.isidentifier() else "a list of values has square brackets: [150, 150]"
    cure = "give each an entry of its own" if key in REGISTRY else cure
    return ValueError(f"{_place(before)}: {key!r} stands twice in one mapping; {cure}")


def _place(before: str) -> str:
    """Where in a file what follows on this text stands."""
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return f"line {line}, column {column}"


def _yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_mapping_node(self, anchor: Any) -> Any:
            node, seen = super().compose_mapping_node(anchor), set[Any]()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in seen:
                    raise _twice(key.value, text[: key.start_mark.index])
                seen.add(key.value if isinstance(key, yaml.ScalarNode) else key)
            return node

    try:
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        said, begun = str(error.problem), error.context_mark
        mark = begun if "expected ':'" in said else error.problem_mark
        why = next((words for pattern, words in FAULTS if re.search(pattern, said)), "")
        if not why and begun and re.search(r"',' or|end of stream", said):
            why = f"{said}; close the bracket or quote of line {begun.line + 1}, column {begun.column + 1}"
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(where + (why or f"{said}; write Name, or Name: {{argument: value}}")) from None
