"""Limits on the lengths of files and functions, on the number of parameters, and on uses of `Any`."""

import ast
import inspect
import re
import statistics
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import vary
from vary.ops import OPS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "native", "tests", "tools", "benchmarks", "examples")
KINDS = {".py", ".pyi", ".h", ".cc", ".js", ".html", ".css"}

# path (path::function for a function) -> why it may be longer
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
WIDE_FUNCTIONS: dict[str, str] = {}
WIDE_FUNCTIONS_OF_THE_CORE: dict[str, str] = {}

MOST_PARAMETERS = 6
MOST_ANY = 0.01  # of all lines of the package


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
            reported = ast.get_docstring(node) is not None
            docstring = (first.end_lineno or 0) - first.lineno + 1 if reported else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - docstring


def compare(found: dict[str, int], excused: dict[str, str]) -> None:
    assert not found.keys() - excused.keys(), {name: found[name] for name in found.keys() - excused.keys()}
    assert not excused.keys() - found.keys(), "these exceptions are needed no more"


def test_no_file_is_over_500_lines() -> None:
    found = {str(path.relative_to(ROOT)): lines(path) for path in files(*FOLDERS)}
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


def parameters(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, line, parameters without self and cls) of every function of Python, methods and lambdas included."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            a = node.args
            names = [one.arg for one in (*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg) if one is not None]
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            line = min(one.lineno for one in (node, *decorators))
            name = "lambda" if isinstance(node, ast.Lambda) else node.name
            yield name, line, len(names) - (names[:1] in (["self"], ["cls"]))


def place(function: Callable[..., object]) -> tuple[str, int] | None:
    """The file and first line of a function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code and (code.co_filename, code.co_firstlineno)


def public() -> Iterator[Callable[..., object]]:
    """Functions and methods that users call, by `vary.NAME`, `vary.keras.NAME`, `vary.ray.NAME` or on an object."""
    named = [getattr(module, name) for module in (vary, vary.keras, vary.ray) for name in module.__all__]
    for one in named:
        if inspect.isfunction(one):
            yield one
        elif inspect.isclass(one):
            found = (inspect.getattr_static(one, key) for key in dir(one) if key in CALLED or not key.startswith("_"))
            yield from (getattr(each, "__func__", each) for each in found if callable(getattr(each, "__func__", each)))


CALLED = ("__call__", "__init__", "__new__")


def test_no_function_inside_has_more_than_six_parameters() -> None:
    """Public functions may, and the reference functions of operations, whose arguments are those of the operation."""
    free = {place(function) for function in public()} | {place(op.reference) for op in OPS.values()}
    found = {
        f"{path.relative_to(ROOT)}::{name}": count
        for path in files("src")
        if path.suffix == ".py"
        for name, line, count in parameters(path.read_text(encoding="utf-8"))
        if count > MOST_PARAMETERS and (str(path), line) not in free
    }
    compare(found, WIDE_FUNCTIONS)


def test_parameters_are_counted() -> None:
    text = "class A:\n    @x\n    def f(self, a, /, b, *c, d=0, **e): return lambda g, h: g"
    assert list(parameters(text)) == [("f", 2, 5), ("lambda", 3, 2)]
    free = {place(function) for function in public()}
    assert place(vary.Policy.batch) in free
    assert place(vary.read_image) in free
    assert place(vary.Policy._vary) not in free


UNREAD = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|\b(?:const|static|constexpr|typename|__restrict)\b", re.DOTALL
)
DECLARATION = re.compile(
    r"[A-Za-z_][\w:]*(?: ?<.*>)?(?: ?[A-Za-z_]\w*| ?[*&]+| ?\.\.\.)*(?: ?\[\w*\])*(?: ?= ?.*)?"
    r"|.* ?\([*&] ?\w*(?: ?\[\w*\])*\) ?[(\[].*"  # a pointer to a function, a reference to an array
)
TYPED = re.compile(r"\w[ *&]+\w|[*&]$|\b(?:int|bool|float|double|char)\b")  # not a name alone


def parameters_in_cpp(text: str) -> Iterator[tuple[str, int]]:
    """(what stands before it, length) of every list of declarations in round brackets: of functions, lambdas and
    pointers to functions. A list of arguments in a call has expressions, or names without types."""
    text = re.sub(r"\s+", " ", UNREAD.sub("", text))
    for bracket in re.finditer(r"\(", text):
        depth, commas = [")"], [bracket.end() - 1]
        end = bracket.end()
        while depth and end < len(text):
            letter, before = text[end], text[end - 1]
            if letter in "([{" or (letter == "<" and before.isalnum()):
                depth.append({"(": ")", "[": "]", "{": "}", "<": ">"}[letter])
            elif letter == depth[-1] and before != "-":
                depth.pop()
            elif letter == "," and len(depth) == 1:
                commas.append(end)
            end += 1
        parts = [text[a + 1 : b].strip() for a, b in pairwise([*commas, end - 1])]
        if all(map(DECLARATION.fullmatch, parts)) and any(map(TYPED.search, parts)):
            yield re.split(r"[ ;{}]", text[: bracket.start()].rstrip())[-1], len(parts)


def test_no_function_of_the_core_has_more_than_six_parameters() -> None:
    found = {
        f"{path.relative_to(ROOT)}::{name}": count
        for path in files("native")
        for name, count in parameters_in_cpp(path.read_text(encoding="utf-8"))
        if count > MOST_PARAMETERS
    }
    compare(found, WIDE_FUNCTIONS_OF_THE_CORE)


def test_parameters_in_cpp_are_counted() -> None:
    text = """
        // int no(int a, int b);
        template <typename T> int first(const T& a, std::map<int, T> b, int (&c)[2], int* d = nullptr) { g(a, b, *d); }
        const auto second = [&](int a, const std::uint8_t* b /* (int c, int d) */) { return h(a + 1, b, 2); };
        void (*third[2])(const char*, float, std::vector<int>& c, bool = f(1, 2), void (*work)(int, int));
        float fourth(float* __restrict a, unsigned b) { fifth(a, b, c); sixth(a * b, c.d, -e); }
    """
    found = dict(parameters_in_cpp(text))
    assert found == {"first": 4, "[&]": 2, "(*third[2])": 5, "(*work)": 2, "fourth": 2}


def uses_of_any(text: str) -> int:
    """How often `typing.Any` stands in annotations and types, imports aside; also within quotes."""
    count = 0
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\bAny\b", node.value):
            with suppress(SyntaxError):  # prose
                count += uses_of_any(ast.unparse(ast.parse(node.value, mode="eval")))
        count += isinstance(node, ast.Name) and node.id == "Any"
        count += isinstance(node, ast.Attribute) and node.attr == "Any"
    return count


def explains_any(text: str) -> bool:
    """Does a comment or a docstring say why a value is `Any`?"""
    return re.search(r"#.*\bAny\b|`Any`|\bAny stands for\b", text) is not None


def test_any_is_rare_and_explained() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in files("src") if path.suffix == ".py"}
    used = {str(path.relative_to(ROOT)): count for path, text in texts.items() if (count := uses_of_any(text))}
    assert sum(used.values()) <= MOST_ANY * sum(map(lines, texts)), used
    assert not [name for name in used if not explains_any((ROOT / name).read_text(encoding="utf-8"))]


def test_uses_of_any_are_counted() -> None:
    text = 'import typing\nfrom typing import Any\ndef f(a: Any, b: "list[Any]") -> typing.Any:\n    """Any."""\n'
    assert uses_of_any(text) == 3
