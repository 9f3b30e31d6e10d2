"""Finds Keras' old image interface in source text: what to rewrite, and what it makes of each call."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import vary
from vary.apps.sources import Edit, Source

__all__ = ["GENERATOR", "NAMES", "Remark", "Rewriter", "dotted", "named_arguments"]

MODULE = re.compile(
    r"((tensorflow|tf)\.(python\.)?)?keras(\._tf_keras\.keras|\.src\.legacy)?\.preprocessing\.image(\.\w+)?"
    r"|keras_preprocessing\.image(\.\w+)?"
)
"""The module that has ImageDataGenerator, under all its names, and its sub-modules."""
GENERATOR = "ImageDataGenerator"
CLASSES = (GENERATOR, "DataFrameIterator", "DirectoryIterator", "Iterator", "NumpyArrayIterator")
NAMES = frozenset({*vary.keras.__all__, *CLASSES})
"""What `vary.keras` has of it."""

STEPS = "generator steps callbacks max_queue_size workers use_multiprocessing verbose"
EPOCHS = (
    "generator steps_per_epoch epochs verbose callbacks validation_data validation_steps validation_freq class_weight "
    "max_queue_size workers use_multiprocessing shuffle initial_epoch"
)
OLD_CALLS = {
    "fit_generator": ("fit", EPOCHS),
    "evaluate_generator": ("evaluate", STEPS),
    "predict_generator": ("predict", STEPS),
}
"""Method that Keras 3 lacks -> the present one, and the old one's parameters."""
NEW_CALLS = ("fit", "evaluate", "predict")
RENAMED = {"generator": "x", "nb_epoch": "epochs"}
DEAD = ("workers", "use_multiprocessing", "max_queue_size", "nb_worker", "pickle_safe", "max_q_size")
"""Arguments that Keras 3 refuses; vary's threads need none of them."""
OPTIMIZERS = ("SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Nadam", "Ftrl")


class Remark(NamedTuple):
    """A sentence on a line of a source, sorted by its place."""

    source: int
    line: int
    text: str


class Argument(NamedTuple):
    """One argument of a call. name: None if it is positional or unpacked."""

    name: str | None
    node: ast.expr | ast.keyword


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text; "" for other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""


def named_arguments(call: ast.Call) -> dict[str, ast.expr]:
    return {one.arg: one.value for one in call.keywords if one.arg}


@dataclass
class Rewriter:
    """Edits of the sources, each with a line that says it in `said`."""

    sources: list[Source]
    said: list[Remark] = field(default_factory=list)
    imported: dict[str, str] = field(default_factory=dict)
    """Names in the program -> those of `vary.keras`."""
    modules: set[str] = field(default_factory=set)
    """Names in the program of the module itself."""
    needs_vary: bool = False

    def run(self) -> None:
        for source in self.sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.ImportFrom) and not node.level:
                    self._import_from(source, node)
                elif isinstance(node, ast.Import):
                    self._import(source, node)
        accuracy = any(_is_accuracy(node) for source in self.sources for node in ast.walk(source.tree))
        for source in self.sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.Attribute):
                    self._chain(source, node)
                elif isinstance(node, ast.Assign) and _is_module(dotted(node.value)):
                    self._edit(source, *source.span(node.value), "vary.keras")
                    self._say(source, node, f"{dotted(node.value)} -> vary.keras")
                    self.needs_vary = True
                elif isinstance(node, ast.Call):
                    self._call(source, node)
                elif isinstance(node, ast.Subscript) and accuracy:
                    self._history(source, node)
        if self.needs_vary:
            self._import_vary()

    def is_generator(self, call: ast.Call) -> bool:
        """Does it make an ImageDataGenerator?"""
        name = dotted(call.func)
        return self.imported.get(name) == GENERATOR or name.rpartition(".")[2] == GENERATOR

    @property
    def changes(self) -> list[str]:
        return [one.text for one in sorted(self.said)]

    def _edit(self, source: Source, start: int, end: int, text: str) -> None:
        source.edits.append(Edit(start, end, text))

    def _say(self, source: Source, node: ast.expr | ast.stmt | ast.keyword, text: str) -> None:
        self.said.append(Remark(self.sources.index(source), node.lineno, f"{source.place(node)}: {text}"))

    def _import_from(self, source: Source, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if MODULE.fullmatch(module):
            self._names(source, node, lambda name: name in NAMES or name == "*", "vary.keras")
        elif MODULE.fullmatch(f"{module}.image"):
            self._names(source, node, lambda name: name == "image", "vary")

    def _names(self, source: Source, node: ast.ImportFrom, ours: Callable[[str], bool], home: str) -> None:
        mine = [one for one in node.names if ours(one.name)]
        others = [one for one in node.names if one not in mine]
        if not mine:
            return
        listed = []
        for one in mine:
            if home == "vary.keras":
                self.imported[one.asname or one.name] = one.name
                listed.append(_written(one.name, one.asname))
            else:
                self.modules.add(one.asname or one.name)
                listed.append(_written("keras", one.asname or one.name))
        lines = [f"from {home} import {', '.join(listed)}"]
        if others:
            lines.append(f"from {node.module} import {', '.join(_written(one.name, one.asname) for one in others)}")
        start, end = source.span(node)
        indent = " " * node.col_offset
        whole = source.segment(node)
        new = f"\n{indent}".join(lines)
        if not others and "(" in whole and home == "vary.keras":  # a list over several lines stays as it is
            new = f"from {home} import{whole[whole.index('import') + 6 :]}"
        self._edit(source, start, end, new)
        self._say(source, node, lines[0])

    def _import(self, source: Source, node: ast.Import) -> None:
        for one in node.names:
            if one.asname and MODULE.fullmatch(one.name):
                self.modules.add(one.asname)
                start = source.at(one.lineno, one.col_offset)
                self._edit(source, start, start + len(one.name), "vary.keras")
                self._say(source, node, f"import vary.keras as {one.asname}")
            elif one.name.startswith("keras_preprocessing.image") and len(node.names) == 1:
                self._edit(source, *source.span(node), "import vary.keras")
                self._say(source, node, "import vary.keras")

    def _chain(self, source: Source, node: ast.Attribute) -> None:
        """tf.keras.preprocessing.image.load_img"""
        owner = dotted(node.value)
        if owner and node.attr in NAMES and MODULE.fullmatch(owner):
            self._edit(source, *source.span(node.value), "vary.keras")
            self._say(source, node, f"{owner}.{node.attr} -> vary.keras.{node.attr}")
            self.needs_vary = True

    def _call(self, source: Source, call: ast.Call) -> None:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else dotted(call.func)
        if name in OPTIMIZERS:
            for one in call.keywords:
                if one.arg == "lr":
                    self._rename(source, one, "learning_rate")
        if not isinstance(call.func, ast.Attribute):
            return
        if name in OLD_CALLS:
            self._old_call(source, call, *OLD_CALLS[name])
        elif name in NEW_CALLS:
            arguments = [Argument(one.arg, one) for one in call.keywords]
            self._without(source, call, [*(Argument(None, one) for one in call.args), *arguments])

    def _old_call(self, source: Source, call: ast.Call, new: str, parameters: str) -> None:
        assert isinstance(call.func, ast.Attribute)
        end = source.span(call.func)[1]
        self._edit(source, end - len(call.func.attr), end, new)
        self._say(source, call, f"{call.func.attr} -> {new}")
        names = parameters.split()
        arguments = [*(Argument(None, one) for one in call.args), *(Argument(one.arg, one) for one in call.keywords)]
        for place, one in enumerate(call.args):
            if isinstance(one, ast.Starred) or place >= len(names):
                self._say(source, one, f"*arguments of {call.func.attr} cannot be named; name them by hand")
                break
            arguments[place] = Argument(names[place], one)
            if place and names[place] not in DEAD:
                start = source.span(one)[0]
                self._edit(source, start, start, f"{names[place]}=")
        for keyword in call.keywords:
            if keyword.arg in RENAMED:
                self._rename(source, keyword, RENAMED[keyword.arg])
        self._without(source, call, arguments)

    def _rename(self, source: Source, keyword: ast.keyword, new: str) -> None:
        assert keyword.arg is not None
        start = source.span(keyword)[0]
        self._edit(source, start, start + len(keyword.arg), new)
        self._say(source, keyword, f"{keyword.arg}= -> {new}=")

    def _without(self, source: Source, call: ast.Call, arguments: list[Argument]) -> None:
        """Remove the arguments that are dead."""
        arguments = sorted(arguments, key=lambda one: source.span(one.node))
        dead = [one.name in DEAD for one in arguments]
        spans = [source.span(one.node) for one in arguments]
        for first in [i for i, is_dead in enumerate(dead) if is_dead and (i == 0 or not dead[i - 1])]:
            last = next((i for i in range(first, len(dead)) if not dead[i]), len(dead)) - 1
            start, end = spans[first][0], spans[last][1]
            if first and "#" not in source.text[spans[first - 1][1] : start]:
                start = spans[first - 1][1]
            elif last + 1 < len(arguments):
                end = spans[last + 1][0]
            self._edit(source, start, end, "")
            names = ", ".join(f"{one.name}=" for one in arguments[first : last + 1])
            self._say(source, call, f"{names} removed: vary's threads need none, and Keras 3 refuses it")

    def _history(self, source: Source, node: ast.Subscript) -> None:
        """history.history["acc"], which is called "accuracy" if the metric is"""
        key = node.slice
        if (
            isinstance(key, ast.Constant)
            and key.value in ("acc", "val_acc")
            and "history" in source.segment(node.value).rpartition(".")[2]
        ):
            new = str(key.value).replace("acc", "accuracy")
            start, end = source.span(key)
            self._edit(source, start + 1, end - 1, new)
            self._say(source, node, f"[{key.value!r}] -> [{new!r}], the name of the metric")

    def _import_vary(self) -> None:
        """`import vary.keras` before the first import, or before the first statement."""
        body = [(source, node) for source in self.sources for node in source.tree.body if not _comes_first(node)]
        imports = (one for one in body if isinstance(one[1], ast.Import | ast.ImportFrom))
        source, node = next(imports, body[0])
        start = source.span(node)[0]
        self._edit(source, start, start, "import vary.keras\n")
        self._say(source, node, "import vary.keras")


def _is_module(name: str) -> bool:
    return name.endswith(".image") and MODULE.fullmatch(name) is not None


def _comes_first(node: ast.stmt) -> bool:
    """Is it a docstring, or an import of __future__?"""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _written(name: str, asname: str | None) -> str:
    return name if asname in (None, name) else f"{name} as {asname}"


def _is_accuracy(node: ast.AST) -> bool:
    """Is it metrics=["accuracy"]?"""
    if not isinstance(node, ast.keyword) or node.arg != "metrics" or not isinstance(node.value, ast.List | ast.Tuple):
        return False
    return any(isinstance(one, ast.Constant) and one.value == "accuracy" for one in node.value.elts)
