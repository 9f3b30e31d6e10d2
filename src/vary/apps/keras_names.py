"""What the names of a program stand for: Keras' old image module, ImageDataGenerator, iterators, and the rest."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import vary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.apps.sources import Source

__all__ = ["FLOWS", "GENERATOR", "MODULE", "NAMES", "Names", "dotted", "named_arguments", "nodes_of"]

MODULE = re.compile(
    r"((tensorflow|tf)\.((python|compat\.v[12])\.)?)?keras(\._tf_keras\.keras|\.src\.legacy)?\.preprocessing\.image(\.\w+)?"
    r"|keras_preprocessing\.image(\.\w+)?"
)
"""The module that has ImageDataGenerator, under all its names, and its sub-modules."""
GENERATOR = "ImageDataGenerator"
CLASSES = (GENERATOR, "DataFrameIterator", "DirectoryIterator", "Iterator", "NumpyArrayIterator")
NAMES = frozenset({*vary.keras.__all__, *CLASSES})
"""What `vary.keras` has of it."""
FLOWS = ("flow_from_directory", "flow_from_dataframe", "flow")


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text; "" for other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""


def named_arguments(call: ast.Call) -> dict[str, ast.expr]:
    return {one.arg: one.value for one in call.keywords if one.arg}


def nodes_of(sources: list[Source]) -> Iterator[tuple[Source, ast.AST]]:
    return ((source, node) for source in sources for node in ast.walk(source.tree))


class Names:
    """Read from the imports, classes and assignments of the whole program, wherever they are."""

    def __init__(self, sources: list[Source]) -> None:
        self._imported: dict[str, set[str]] = {}
        self._generators: set[str] = set()
        self.bound: set[str] = set()
        """All names that some statement sets."""
        self.methods: dict[str, set[str]] = {}
        """Function of the program -> its parameters."""
        self.flows: set[str] = set()
        """Variables that hold an iterator."""
        self.histories: set[str] = set()
        """Variables that hold the `history` of a training, a dict."""
        nodes = [node for _, node in nodes_of(sources)]
        for node in nodes:
            self._add(node)
        for _ in range(2):  # an alias of an alias
            for node in nodes:
                self._add_generator(node)

    def _add(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for one in node.names:
                root = one.name.partition(".")[0]
                self._imported.setdefault(one.asname or root, set()).add(one.name if one.asname else root)
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                home = f"{'.' * node.level}{node.module or ''}"
                self._imported.setdefault(one.asname or one.name, set()).add(f"{home}.{one.name}")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            self.methods.setdefault(node.name, set()).update(one.arg for one in arguments)
            self.bound.update(one.arg for one in arguments)
        elif isinstance(node, ast.ClassDef):
            self.bound.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute) and called.attr in FLOWS:
                self.flows.update(filter(None, map(dotted, node.targets)))

        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "history":
            self.histories.update(filter(None, map(dotted, node.targets)))

    def _add_generator(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute):
            if self.is_generator(node.value):
                self._generators.update(one.id for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.ClassDef) and any(map(self.is_generator, node.bases)):
            own = any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in node.body)
            if not own:  # else its parameters mean what they like
                self._generators.add(node.name)

    def meanings(self, node: ast.AST) -> list[str]:
        """The dotted name of an expression, with the full name of its module in place of that in the program; several
        if the program imports several by one name."""
        name = dotted(node)
        root, _, rest = name.partition(".")
        return [f"{full}.{rest}".rstrip(".") for full in sorted(self._imported.get(root, {root}))] if name else []

    def may_be_of(self, node: ast.AST, packages: tuple[str, ...]) -> bool:
        """Does it come from one of these packages, as far as the imports tell?"""
        root = dotted(node).partition(".")[0]
        if root not in self._imported:
            return root not in self.bound
        return any(full.partition(".")[0] in packages for full in self.meanings(node))

    def is_imported(self, name: str) -> bool:
        return name in self._imported

    def is_module(self, node: ast.AST) -> bool:
        return any(map(MODULE.fullmatch, self.meanings(node)))

    def is_generator(self, node: ast.AST) -> bool:
        """Is it ImageDataGenerator, a class like it, or another name of it?"""
        name = dotted(node)
        if name in self._generators:
            return True
        root, last = name.partition(".")[0], name.rpartition(".")[2]
        if root not in self._imported:
            return last == GENERATOR and (root != name or name not in self.bound)
        homes = [full.rpartition(".") for full in self.meanings(node)]
        return any(one[2] == GENERATOR and (one[0] == "vary.keras" or MODULE.fullmatch(one[0])) for one in homes)
