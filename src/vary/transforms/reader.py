"""Reads policy files, YAML or JSON, as plain data, with errors that name the place, the fault and the cure.

YAML 1.1 reads some numbers and words in unexpected ways: 010 is 8, 1:30 is 90, on is true, 1e-3 is text. These are
refused. The mappings and lists that are returned remember their line numbers (`Entries`, `Items`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vary.transforms.base import REGISTRY
from vary.transforms.fields import cure_of

if TYPE_CHECKING:
    import yaml

    Construct = Callable[[yaml.SafeLoader, yaml.ScalarNode], object]

__all__ = ["Entries", "Items", "parsed"]


class Entries(dict[object, object]):
    """A mapping in a file. lines: key -> its line number."""

    lines: Mapping[object, int] = {}


class Items(list[object]):
    """A list in a file. lines: place -> the line number where the item begins."""

    lines: Mapping[int, int] = {}


TAG = "tag:yaml.org,2002:"
SCALARS = {  # YAML type -> pattern of scalars that are accepted without a check in `_misread`; None: check all
    "int": r"[-+]?(0|[1-9][0-9]*)",
    "float": r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "timestamp": None,
    "str": None,
}
JSON_WORDS = {"True": "true", "False": "false", "None": "null"}
NUMERIC = r"[-+]?\.?[0-9]"  # the beginning of a number
NO_TEXT = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # characters that YAML forbids
FAULTS = (  # pattern of an error of YAML's parser -> what is wrong, and the cure
    (r"'\\t' that cannot", "a tab; YAML is indented by spaces, so write spaces"),
    (r"<block end>", "indented unlike its neighbours; begin all entries of a list or mapping in the same column"),
    (r"mapping values", "a ':' too many, or one missing in the line before; write Name: {argument: value}"),
    (r"another document", "a second document; a file holds one policy"),
    (r"<stream end>", "the file ends where a value is expected; close the brackets"),
)


def parsed(raw: bytes, json: bool = False) -> object:
    """The content of a YAML or JSON file; `ValueError` with line and column, what is wrong there, and the cure."""
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
    raise ValueError(f"{_place(before)}: {seen} is not text; save the policy as YAML or JSON in UTF-8")


def _json(text: str) -> object:
    import json

    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        cure = _json_cure(text, error.pos)
        raise ValueError(
            f"line {error.lineno}, column {error.colno}: {error.msg}{cure}; JSON has names and words in double quotes, "
            "and a comma between entries but none behind the last; YAML goes into a file named .yaml"
        ) from None
    seen: list[set[str]] = []  # the keys of each mapping that is open
    for token in re.finditer(r'("(?:[^"\\]|\\.)*")(\s*:)?|[{}]|NaN|-?Infinity', text):
        if token[0][-1] in "Ny":
            raise ValueError(f"{_place(text[: token.start()])}: {token[0]} is not a JSON number; write a finite one")
        if token[0] == "{":
            seen.append(set())
        elif token[0] == "}":
            seen.pop()
        elif token[2]:
            if (key := json.loads(token[1])) in seen[-1]:
                raise _twice(key, text[: token.start()])
            seen[-1].add(key)
    return found


def _json_cure(text: str, at: int) -> str:
    """What to write instead of the number or word at `at`, such as 010, +5, 0x10, True or None; empty if unknown."""
    before, after = re.split(r"[^-+.\w]", text[:at])[-1], re.split(r"[^-+.\w]", text[at:])[0]
    word = before + after
    if word in JSON_WORDS:
        return f"; write {JSON_WORDS[word]}"
    proper = re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", word)
    return "" if proper or not re.match(NUMERIC, word) else cure_of(word)


def _twice(key: str, before: str) -> ValueError:
    """The error for a key that occurs twice; other readers silently use the last. before: the text up to it."""
    cure = "leave one out" if key.isidentifier() else "a list of values has square brackets: [150, 150]"
    cure = "give each an entry of its own" if key in REGISTRY else cure
    return ValueError(f"{_place(before)}: {key!r} occurs twice in one mapping; {cure}")


def _place(before: str) -> str:
    """Line and column of the character after the text `before`."""
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return f"line {line}, column {column}"


def _yaml(text: str) -> object:
    import yaml

    try:
        return yaml.load(text, _loader(text))
    except yaml.MarkedYAMLError as error:
        said, begun = str(error.problem), error.context_mark
        mark = begun if "expected ':'" in said else error.problem_mark
        why = next((words for pattern, words in FAULTS if re.search(pattern, said)), "")
        if not why and begun and re.search(r"',' or|end of stream", said):
            why = f"{said}; close the bracket or quote of line {begun.line + 1}, column {begun.column + 1}"
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(where + (why or f"{said}; write Name, or Name: {{argument: value}}")) from None


def _loader(text: str) -> type[yaml.SafeLoader]:
    """YAML's safe loader, but with line numbers; it refuses keys that occur twice, and scalars that mislead."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # Any: a name, which the stub calls a dict
            node, seen = super().compose_mapping_node(anchor), set[str]()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in seen:
                    raise _twice(key.value, text[: key.start_mark.index])
                if isinstance(key, yaml.ScalarNode):
                    seen.add(key.value)
            return node

        def construct_items(self, node: yaml.SequenceNode) -> Iterator[Items]:
            items = Items()
            yield items
            items.extend(self.construct_sequence(node))
            items.lines = {place: one.start_mark.line + 1 for place, one in enumerate(node.value)}

        def construct_entries(self, node: yaml.MappingNode) -> Iterator[Entries]:
            entries = Entries()
            yield entries
            entries.update(self.construct_mapping(node))
            entries.lines = {self.construct_object(key): key.start_mark.line + 1 for key, _ in node.value}

    for kind in SCALARS:
        Loader.add_constructor(f"{TAG}{kind}", _checked(Loader.yaml_constructors[f"{TAG}{kind}"], text))
    Loader.add_constructor(f"{TAG}seq", Loader.construct_items)
    Loader.add_constructor(f"{TAG}map", Loader.construct_entries)
    return Loader


def _checked(construct: Construct, text: str) -> Construct:
    """A constructor of scalars that refuses those that YAML 1.1 reads in unexpected ways."""

    def checked(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
        kind, written = node.tag.removeprefix(TAG), node.value
        plain = SCALARS[kind]
        if (kind == "str" and node.style is not None) or (plain and re.fullmatch(plain, written)):
            return construct(loader, node)
        why = _misread(kind, written, lambda: construct(loader, node))
        if not why:
            return construct(loader, node)
        raise ValueError(f"{_place(text[: node.start_mark.index])}: {why}")

    return checked


def _misread(kind: str, written: str, read: Callable[[], object]) -> str:
    """How YAML 1.1 reads a scalar, and what to write instead; empty if nothing is wrong."""
    if kind == "str":
        cure = cure_of(written) if re.match(NUMERIC, written) and "/" not in written else ""
        return f"{written} is text to YAML 1.1{cure}" if cure else ""
    if kind == "bool":
        truth = str(read()).lower()
        return f"{written} is {truth} to YAML 1.1; write {truth}, a number, or '{written}' for the word"
    if kind == "timestamp":
        return f"{written} is a date to YAML 1.1; write a number, or '{written}' for text"
    value = read()
    if isinstance(value, float) and not math.isfinite(value):
        return f"{written} is not a number that a policy can have; write a finite one"
    cure = f"write {value}"
    if ":" in written:
        pair = written.replace(":", ", ")
        return f"{written} is {value} to YAML 1.1, which counts in sixties; {cure}, or a list in brackets: [{pair}]"
    if re.fullmatch(r"[-+]?0[0-9_]+", written):
        other = int(written.replace("_", ""))
        return f"{written} is {value} to YAML 1.1, an octal number; {cure}{f', or {other}' if other != value else ''}"
    return f"{written} is {value} to YAML 1.1, and may be something else to other readers; {cure}"
