"""Python source text of programs and notebooks: parsed, edited by positions, and written back.

Text that is not edited stays as it is, with its comments and line ends.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from vary.apps.inputs import UserError

__all__ = ["Document", "Edit", "Source"]

MAGIC = re.compile(r"^(\s*)[%!?].*|^(\s*)[\w.]+\?+\s*$|^(\s*)\w+\s*=\s*[%!].*")
"""Lines of a notebook that are not Python: %matplotlib inline, !pip install, name?, files = !ls"""
CONTINUED = re.compile(r"\\\s*$")


class Edit(NamedTuple):
    """Text to put in place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


@dataclass(eq=False)
class Source:
    """One program, or one cell of a notebook. name: "" or "cell 3, ", for messages. fault: why it cannot be parsed."""

    text: str
    name: str = ""
    tree: ast.Module = field(init=False)
    fault: str = ""
    edits: list[Edit] = field(default_factory=list)

    def __post_init__(self) -> None:
        lines = self.text.split("\n")
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._lines = lines
        self.tree, self.fault = _parsed(self.text, self.name != "")

    def at(self, line: int, column: int) -> int:
        """The place of a character in the text. line: from 1; column: bytes of UTF-8, as `ast` counts."""
        before = self._lines[line - 1].encode("utf-8", "surrogatepass")[:column]
        return self._starts[line - 1] + len(before.decode("utf-8", "surrogatepass"))

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def segment(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        return self.text[slice(*self.span(node))]

    def place(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        return f"{self.name}line {node.lineno}"

    def edited(self) -> str:
        return applied(self.text, self.edits)

    def edited_parts(self, ends: list[int]) -> list[str]:
        """The edited text in parts. ends: where each part ends before the edits. New text belongs to the part where its
        edit begins."""
        parts, begin = [], 0
        for end in ends:
            own = [
                Edit(max(one.start, begin) - begin, min(one.end, end) - begin, one.text if one.start >= begin else "")
                for one in self.edits
                if one.start < end and (one.end > begin or one.start >= begin)
            ]
            parts.append(applied(self.text[begin:end], own))
            begin = end
        return parts


def _parsed(text: str, is_cell: bool) -> tuple[ast.Module, str]:
    """The tree, and why there is none. Of a cell, lines that are not Python are read as `pass`."""
    lines = text.split("\n")
    if is_cell and text.lstrip().startswith("%%"):
        return ast.Module([], []), ""
    while True:
        try:
            return ast.parse("\n".join(lines)), ""
        except SyntaxError as error:
            at = (error.lineno or 0) - 1
            if not is_cell or not _leave_out(lines, at):
                return ast.Module([], []), f"{error.msg}, line {error.lineno}"
        except ValueError as error:
            return ast.Module([], []), str(error)


def _leave_out(lines: list[str], at: int) -> bool:
    """Replace line `at`, and those that continue it, if it is not Python. False if it is."""
    match = MAGIC.match(lines[at]) if 0 <= at < len(lines) else None
    if match is None:
        return False
    while CONTINUED.search(lines[at]) and at + 1 < len(lines):
        lines[at], at = "", at + 1
    lines[at] = "".join(filter(None, match.groups())) + "pass"
    return True


class Document:
    """A file of Python, or a notebook with its cells of code. `UserError` if it is neither."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{path} is not text in UTF-8") from None
        self._book = Notebook(self.text, path) if path.suffix == ".ipynb" else None
        self.sources = [Source(self.text)] if self._book is None else self._book.sources
        if self._book is None and (fault := self.sources[0].fault):
            raise UserError(f"{path} cannot be parsed as Python 3: {fault}")

    def edited(self) -> str:
        """The whole file after the edits."""
        return self.sources[0].edited() if self._book is None else self._book.edited()


class Notebook:
    """The text of a notebook, of which only the strings of edited lines are replaced."""

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        try:
            json.loads(text)
        except ValueError as error:
            raise UserError(f"{path} is not a notebook: {error}") from None
        self._spans = [match.span() for match in LITERAL.finditer(text)]
        numbers = iter(range(len(self._spans)))
        numbered = LITERAL.sub(lambda _: f'"{next(numbers)}"', text)  # each string is its own number
        data = json.loads(numbered, object_pairs_hook=lambda pairs: {self._string(key): one for key, one in pairs})
        if not isinstance(data, dict) or not isinstance(data.get("cells", data.get("worksheets")), list):
            raise UserError(f"{path} is not a notebook: it has no cells")
        sheets = data.get("worksheets") or [data]
        cells = [cell for sheet in sheets for cell in sheet.get("cells", [])]
        self.sources: list[Source] = []
        self._lines: list[list[str]] = []  # of each source: the numbers of its strings
        for number, cell in enumerate(cells, 1):
            if self._string(cell["cell_type"]) == "code":
                given = cell.get("source", cell.get("input", []))
                lines = [given] if isinstance(given, str) else given
                self._lines.append(lines)
                self.sources.append(Source("".join(map(self._string, lines)), f"cell {number}, "))

    def _string(self, number: str) -> str:
        return str(json.loads(self._literal(number)))

    def _literal(self, number: str) -> str:
        return self.text[slice(*self._spans[int(number)])]

    def edited(self) -> str:
        replaced = []
        for source, numbers in zip(self.sources, self._lines, strict=True):
            if source.edits:
                old = [self._string(number) for number in numbers]
                for place, new in enumerate(source.edited_parts(list(accumulate(map(len, old))))):
                    if new != old[place]:
                        replaced.append(Edit(*self._spans[int(numbers[place])], self._written(new, numbers, place)))
        return applied(self.text, replaced)

    def _written(self, new: str, numbers: list[str], place: int) -> str:
        """The text as strings of JSON, one for each line, as the notebook writes them."""
        literal = self._literal(numbers[place])
        lines = new.splitlines(keepends=True) if len(numbers) > 1 else [new]
        first, second = (0, 1) if place == 0 else (place - 1, place)
        ends = (self._spans[int(numbers[at])] for at in (first, second)) if len(numbers) > 1 else ((0, 0), (0, 0))
        (_, start), (end, _) = ends
        ascii_only = literal.isascii() and "\\u" in literal
        return self.text[start:end].join(json.dumps(line, ensure_ascii=ascii_only) for line in lines or [""])


LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


def applied(text: str, edits: list[Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
