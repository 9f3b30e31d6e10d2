"""Files and functions stay readable at one sitting."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("src", "native", "tests", "tools", "benchmarks")
KINDS = {".py", ".pyi", ".h", ".cc", ".js", ".html", ".css"}

# path (path::function for a function) -> why it may be longer
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}


def files(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(ROOT).parts)
            if path.suffix in KINDS and path.is_file() and not hidden:
                yield path


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def function_lengths(text: str) -> Iterator[tuple[str, int]]:
    """(name, lines without the docstring) of every function, methods and inner functions included."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            told = ast.get_docstring(node) is not None
            docstring = (first.end_lineno or 0) - first.lineno + 1 if told else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - docstring


def compare(found: dict[str, int], excused: dict[str, str]) -> None:
    assert not found.keys() - excused.keys(), {name: found[name] for name in found.keys() - excused.keys()}
    assert not excused.keys() - found.keys(), "these exceptions are needed no more"


def test_no_file_is_over_500_lines() -> None:
    found = {str(path.relative_to(ROOT)): lines(path) for path in files(*ROOMS)}
    compare({name: length for name, length in found.items() if length > 500}, LONG_FILES)


def test_half_of_the_package_files_are_within_150_lines() -> None:
    assert statistics.median(map(lines, files("src", "native"))) <= 150


def test_no_function_is_over_40_lines() -> None:
    found = {
        f"{path.relative_to(ROOT)}::{name}": length
        for path in files("src")
        if path.suffix == ".py"
        for name, length in function_lengths(path.read_text(encoding="utf-8"))
        if length > 40
    }
    compare(found, LONG_FUNCTIONS)


def test_lengths_are_counted_without_the_docstring() -> None:
    text = 'def f():\n    """One.\n\n    Two.\n    """\n    def g(): pass\n    return g\n'
    assert dict(function_lengths(text)) == {"f": 3, "g": 1}
