"""Python source text of programs and notebooks: parsed, edited by positions, and written back.

Text that is not edited stays as it is, with its comments and line ends.
"""

from __future__ import annotations

import ast
import codecs
import io
import json
import os
import re
import shutil
import tokenize
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from vary.apps.inputs import UserError

__all__ = ["Document", "Edit", "Source"]

MAGIC = re.compile(r"^(\s*)[%!?].*|^(\s*)[\w.]+\?+\s*$|^(\s*)[\w., ]+=\s*[%!].*")
"""Lines of a notebook that are not Python: %matplotlib inline, !pip install, name?, files = !ls"""
TIMED = re.compile(r"^(\s*)%time(?=\s+[^-\s])|(?<==)(\s*)%time(?=\s)")
"""A statement after %time, or a value: history = %time model.fit(x)"""
CONTINUED = re.compile(r"\\\s*$")
PYTHON_CELL = re.compile(r"\s*%%(time|timeit|capture|prun)\b")
"""Cell magics before Python. The text after any other magic is another language."""
NEWLINE = re.compile(r"\r\n|\r|\n")
SPACE = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


class Token(NamedTuple):
    """A word or sign of Python, and where it is in the text."""

    text: str
    start: int
    end: int


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
        self._starts = [0, *(match.end() for match in NEWLINE.finditer(self.text))]
        ends = [*self._starts[1:], len(self.text)]
        self._lines = [self.text[start:end] for start, end in zip(self._starts, ends, strict=True)]
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

    def between(self, start: int, end: int, *, after: bool = True) -> str:
        """What separates two statements in place of the one from `start` to `end`: a new line, indented as that is, or
        "; " if it is not alone on its line. after: may something be after it?"""
        line = max(at for at in self._starts if at <= start)
        indent, rest = self.text[line:start], NEWLINE.split(self.text[end:], maxsplit=1)[0].strip()
        if indent.strip(" \t\f") or (after and rest and not rest.startswith("#")):
            return "; "
        newline = NEWLINE.search(self.text)
        return f"{newline[0] if newline else chr(10)}{indent}"

    def whole(self, call: ast.Call, node: ast.expr | ast.keyword) -> tuple[int, int]:
        """The span of an argument with the parentheses around it, which `span` leaves out."""
        begin, (start, end) = self.span(call)[0], self.span(node)
        if isinstance(node, ast.keyword):
            return start, self.whole(call, node.value)[1]
        tokens = _tokens(self.text[begin : self.span(call)[1]])
        first = next((at for at, one in enumerate(tokens) if one.start == start - begin), 0)
        last = next((at for at, one in enumerate(tokens) if one.end == end - begin), len(tokens) - 1)
        while tokens[first - 1].text == "(" and tokens[last + 1].text == ")" and last + 2 < len(tokens) and first > 1:
            first, last = first - 1, last + 1
        return begin + tokens[first].start, begin + tokens[last].end

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


def _tokens(text: str) -> list[Token]:
    """Those of an expression, without comments and line ends."""
    text = re.sub(r"\r(?!\n)", "\n", text)  # as long, and the only end of lines that `tokenize` knows
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found = []
    for kind, word, start, end, _ in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        if kind not in SPACE:
            found.append(Token(word, starts[start[0] - 1] + start[1], starts[end[0] - 1] + end[1]))
    return found


def _parsed(text: str, is_cell: bool) -> tuple[ast.Module, str]:
    """The tree, and why there is none. Of a cell, lines that are not Python are read as `pass`."""
    lines = text.split("\n")
    if is_cell and text.lstrip().startswith("%%") and not PYTHON_CELL.match(text):
        return ast.Module([], []), ""
    while True:
        try:
            return ast.parse("\n".join(lines)), ""
        except SyntaxError as error:
            at = (error.lineno or 0) - 1
            if not is_cell or not _leave_out(lines, at):
                line = f", line {error.lineno}" if error.lineno else ""
                return ast.Module([], []), f"{error.msg}{line}"
        except (ValueError, RecursionError, MemoryError) as error:
            return ast.Module([], []), str(error)


def _leave_out(lines: list[str], at: int) -> bool:
    """Replace line `at`, and those that continue it, if it is not Python. False if it is."""
    match = MAGIC.match(lines[at]) if 0 <= at < len(lines) else None
    if match is None:
        return False
    if timed := TIMED.search(lines[at]):  # what is as long, so that the rest keeps its place
        lines[at] = TIMED.sub(f"{timed[1]}0;   " if timed[1] is not None else f"{timed[2]}     ", lines[at])
        return True
    while CONTINUED.search(lines[at]) and at + 1 < len(lines):
        lines[at], at = "", at + 1
    lines[at] = "".join(filter(None, match.groups())) + "pass"
    return True


class Document:
    """A file of Python, or a notebook with its cells of code. `UserError` if it is neither."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = path.read_bytes()
        try:
            self._encoding = _encoding_of(data, path.suffix == ".py")
            self.text = data.decode(self._encoding)
        except (UnicodeDecodeError, SyntaxError, LookupError):
            raise UserError(f"{path} is not text in UTF-8, nor in an encoding that its first lines name") from None
        try:
            self._book = Notebook(self.text, path) if path.suffix == ".ipynb" else None
        except (KeyError, TypeError, AttributeError, IndexError, ValueError):
            raise UserError(f"{path} is not a notebook: its cells are not as in one") from None
        self.sources = [Source(self.text)] if self._book is None else self._book.sources
        if self._book is None and (fault := self.sources[0].fault):
            raise UserError(f"{path} cannot be parsed as Python 3: {fault}")

    def edited(self) -> str:
        """The whole file after the edits. `UserError` if they would break it."""
        for source in self.sources:
            fault = "" if source.fault else _parsed(source.edited(), source.name != "")[1]
            if fault:
                raise UserError(f"{self.path}: {source.name}the changes would break it ({fault}); make them by hand")
        return self.sources[0].edited() if self._book is None else self._book.edited()

    def write(self, text: str) -> None:
        """Put a text in place of the file, at once: if this fails, the file is as it was."""
        place = self.path.resolve()  # a link stays a link
        if not os.access(place, os.W_OK):
            raise UserError(f"{self.path} is read-only; it stays as it is")
        new = place.with_name(f".{place.name}.{os.getpid()}.new")
        try:
            new.write_bytes(text.encode(self._encoding))
            shutil.copymode(place, new)
            new.replace(place)
        finally:
            new.unlink(missing_ok=True)


def _encoding_of(data: bytes, is_python: bool) -> str:
    if is_python:
        return tokenize.detect_encoding(io.BytesIO(data.replace(b"\r", b"\n")).readline)[0]
    return "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"


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
