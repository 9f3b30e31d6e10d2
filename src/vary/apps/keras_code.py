"""Finds Keras' old image interface in source text, and writes the edits that replace it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from vary.apps.keras_names import MODULE, NAMES, Names, dotted, named_arguments, nodes_of
from vary.apps.sources import Edit, Source

__all__ = ["OLD_CALLS", "Remark", "Rewriter"]

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
COUNTS = {
    "samples_per_epoch": ("steps_per_epoch", "x"),
    "nb_val_samples": ("validation_steps", "validation_data"),
    "val_samples": ("steps", "x"),
}
"""Number of samples -> the number of batches that is given now, and the argument whose batches they are."""
KERAS = ("keras", "tensorflow", "tf", "tf_keras")
COMMA = re.compile(r"\s*,")
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


@dataclass
class Rewriter:
    """Adds edits to the sources, and a line about each to `said`."""

    sources: list[Source]
    said: list[Remark] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    """The nodes that `vary.keras` was written into, so that it must be imported before."""

    def __post_init__(self) -> None:
        self.names = Names(self.sources)

    def run(self) -> None:
        for source, node in nodes_of(self.sources):
            if isinstance(node, ast.ImportFrom) and not node.level:
                self._import_from(source, node)
            elif isinstance(node, ast.Import):
                self._import(source, node)
        accuracy = any(_is_accuracy(node) for _, node in nodes_of(self.sources))
        for source, node in nodes_of(self.sources):
            if isinstance(node, ast.Attribute):
                self._chain(source, node)
            elif isinstance(node, ast.Assign) and _is_whole(node.value) and self._is_image(node.value):
                self._write_vary(source, node.value, f"{dotted(node.value)} -> vary.keras")
            elif isinstance(node, ast.Call):
                self._call(source, node)
            elif isinstance(node, ast.Subscript) and accuracy:
                self._history(source, node)
            elif isinstance(node, ast.keyword) and accuracy and node.arg == "monitor":
                self._accuracy(source, node.value)
        if self.used:
            self._import_vary()

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
                listed.append(_written(one.name, one.asname))
            else:
                listed.append(_written("keras", one.asname or one.name))
        lines = [f"from {home} import {', '.join(listed)}"]
        if others:
            lines.append(f"from {node.module} import {', '.join(_written(one.name, one.asname) for one in others)}")
        start, end = source.span(node)
        whole = source.segment(node)
        new = source.between(start, end).join(lines)
        if not others and "(" in whole and home == "vary.keras":  # a list over several lines stays as it is
            new = f"from {home} import{whole[whole.index('import') + 6 :]}"
        self._edit(source, start, end, new)
        self._say(source, node, lines[0])

    def _import(self, source: Source, node: ast.Import) -> None:
        for one in node.names:
            start = source.at(one.lineno, one.col_offset)
            dead = one.name == "keras_preprocessing" and not self._has_other_modules
            if MODULE.fullmatch(one.name) and (one.asname or one.name.startswith("keras_")):
                as_name = f" as {one.asname}" if one.asname else ""
                self._edit(source, start, start + len(one.name), "vary.keras")
                self._say(source, node, f"import vary.keras{as_name}")
            elif dead and not one.asname:
                self._edit(source, start, start + len(one.name), "vary.keras")
                self._say(source, node, "import vary.keras")

    @property
    def _has_other_modules(self) -> bool:
        """Does the program use keras_preprocessing.text or .sequence?"""
        others = ("keras_preprocessing.text", "keras_preprocessing.sequence")
        return any(dotted(node) in others for _, node in nodes_of(self.sources))

    def _chain(self, source: Source, node: ast.Attribute) -> None:
        """tf.keras.preprocessing.image.load_img"""
        if node.attr in NAMES and _is_whole(node.value) and self.names.is_module(node.value):
            self._write_vary(source, node.value, f"{dotted(node)} -> vary.keras.{node.attr}")

    def _is_image(self, node: ast.expr) -> bool:
        return dotted(node).endswith(".image") and self.names.is_module(node)

    def _write_vary(self, source: Source, module: ast.expr, said: str) -> None:
        self._edit(source, *source.span(module), "vary.keras")
        self._say(source, module, said)
        self.used.add(id(module))

    def _call(self, source: Source, call: ast.Call) -> None:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else dotted(call.func)
        if name in OPTIMIZERS and self.names.may_be_of(call.func, KERAS):
            for one in call.keywords:
                if one.arg == "lr":
                    self._rename(source, one, "learning_rate")
        if not isinstance(call.func, ast.Attribute):
            return
        if name in OLD_CALLS and not self._is_own(call):
            self._old_call(source, call, *OLD_CALLS[name])
        elif name in NEW_CALLS:
            arguments = [Argument(one.arg, one) for one in call.keywords]
            for keyword in call.keywords:
                if keyword.arg == "nb_epoch":
                    self._rename(source, keyword, RENAMED["nb_epoch"])
            self._samples(source, call, {"x": call.args[0]} if call.args else {})
            self._without(source, call, [*(Argument(None, one) for one in call.args), *arguments])

    def _is_own(self, call: ast.Call) -> bool:
        """Does it call a function of the program, or a model's method with the model as an argument?"""
        assert isinstance(call.func, ast.Attribute)
        owner = call.func.value
        inherited = dotted(owner) == "self" or (isinstance(owner, ast.Call) and dotted(owner.func) == "super")
        passed = bool(call.args) and dotted(call.args[0]) == "self"
        return (inherited and call.func.attr in self.names.methods) or passed

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
                start = source.whole(call, one)[0]
                self._edit(source, start, start, f"{names[place]}=")
        for keyword in call.keywords:
            if keyword.arg in RENAMED:
                self._rename(source, keyword, RENAMED[keyword.arg])
        self._samples(source, call, {"x": call.args[0]} if call.args else {})
        self._without(source, call, arguments)

    def _samples(self, source: Source, call: ast.Call, data: dict[str, ast.expr]) -> None:
        """Numbers of samples become numbers of batches, where the iterator is known, as Keras 2 did it."""
        given = {**data, **{RENAMED.get(name, name): value for name, value in named_arguments(call).items()}}
        for keyword in call.keywords:
            new, whose = COUNTS.get(keyword.arg or "", ("", ""))
            owner = dotted(given[whose]) if whose in given else ""
            if owner in self.names.flows:
                self._rename(source, keyword, new)
                start, end = source.whole(call, keyword.value)
                compound = isinstance(keyword.value, ast.BinOp | ast.IfExp | ast.Lambda) and source.text[start] != "("
                self._edit(source, start, start, "(" if compound else "")
                self._edit(source, end, end, f"{')' if compound else ''} // {owner}.batch_size")

    def _rename(self, source: Source, keyword: ast.keyword, new: str) -> None:
        assert keyword.arg is not None
        start = source.span(keyword)[0]
        self._edit(source, start, start + len(keyword.arg), new)
        self._say(source, keyword, f"{keyword.arg}= -> {new}=")

    def _without(self, source: Source, call: ast.Call, arguments: list[Argument]) -> None:
        """Remove the arguments that are dead."""
        arguments = sorted(arguments, key=lambda one: source.span(one.node))
        assert isinstance(call.func, ast.Attribute)
        new = OLD_CALLS.get(call.func.attr, (call.func.attr, ""))[0]
        own = self.names.methods.get(new, ())
        dead = [one.name in DEAD and one.name not in own for one in arguments]
        if not any(dead):
            return
        spans = [source.whole(call, one.node) for one in arguments]
        for first in [i for i, is_dead in enumerate(dead) if is_dead and (i == 0 or not dead[i - 1])]:
            last = next((i for i in range(first, len(dead)) if not dead[i]), len(dead)) - 1
            start, end = spans[first][0], spans[last][1]
            if first and "#" not in source.text[spans[first - 1][1] : start]:
                start = spans[first - 1][1]
            elif last + 1 < len(arguments):
                end = spans[last + 1][0]
            elif first == 0 and (comma := COMMA.match(source.text, end)):
                end = comma.end()
            self._edit(source, start, end, "")
            names = ", ".join(f"{one.name}=" for one in arguments[first : last + 1])
            self._say(source, call, f"{names} removed: vary's threads need none, and Keras 3 refuses it")

    def _history(self, source: Source, node: ast.Subscript) -> None:
        """history.history["acc"], which is called "accuracy" if the metric is"""
        name = dotted(node.value).rpartition(".")[2] or source.segment(node.value)
        if "hist" in name or name in self.names.histories:
            self._accuracy(source, node.slice)

    def _accuracy(self, source: Source, key: ast.expr) -> None:
        if isinstance(key, ast.Constant) and key.value in ("acc", "val_acc"):
            new = str(key.value).replace("acc", "accuracy")
            start, end = source.span(key)
            at = source.text.find(key.value, start, end)
            self._edit(source, at, at + len(key.value), new)
            self._say(source, key, f"[{key.value!r}] -> [{new!r}], the name of the metric")

    def _import_vary(self) -> None:
        """`import vary.keras` before the first import, or before the first statement."""
        body = [(source, node) for source in self.sources for node in source.tree.body if not _comes_first(node)]
        places = (one for one in body if isinstance(one[1], ast.Import | ast.ImportFrom) or self._uses(one[1]))
        source, node = next(places)
        if not isinstance(node, ast.Import | ast.ImportFrom):
            source, node = body[0]
        start = min(source.span(one)[0] for one in (node, *getattr(node, "decorator_list", ())))
        start -= start != 0 and source.text[start - 1] == "@"
        self._edit(source, start, start, f"import vary.keras{source.between(start, len(source.text), after=False)}")
        self._say(source, node, "import vary.keras")

    def _uses(self, statement: ast.stmt) -> bool:
        return any(id(node) in self.used for node in ast.walk(statement))


def _is_whole(node: ast.expr) -> bool:
    """Is it written out, such as keras.preprocessing.image, and no name that an import gives?"""
    return isinstance(node, ast.Attribute)


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
