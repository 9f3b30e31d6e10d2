"""The traps of iterators and of the training: arguments of flow_from_directory and others, steps, zip, predictions."""

from __future__ import annotations

import ast
import difflib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import vary
from vary.apps.keras_code import COUNTS, DEAD, NEW_CALLS, OLD_CALLS, Remark
from vary.apps.keras_names import FLOWS, MODULE, NAMES, dotted, named_arguments, nodes_of
from vary.apps.keras_values import UNKNOWN, assigned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vary.apps.keras_names import Names
    from vary.apps.keras_values import Values
    from vary.apps.sources import Source

__all__ = ["Flow", "Training"]

GONE = vary.keras.keywords.GONE
"""Arguments of flow_from_dataframe that have no effect any more -> what is the case now."""
BEYOND = (*vary.keras.keywords.KEPT, *vary.keras.keywords.IGNORED)
WORDS = {
    "subset": ("training", "validation", None),
    "color_mode": ("grayscale", "rgb", "rgba"),
    "class_mode": ("categorical", "binary", "sparse", "input", "multi_output", "raw", "other", None),
}
"""Argument -> the words that it may be."""
STEPS = ("steps_per_epoch", "validation_steps", "steps")
FLOATS = tuple(f"{module}.{name}" for module in ("np", "numpy") for name in ("ceil", "floor", "round", "rint"))
"""Functions that give whole numbers as floats."""
GONE_METHODS = {
    "predict_classes": "write predict(x).argmax(axis=-1), or predict(x) > 0.5 for a single output",
    "predict_proba": "write predict(x)",
}
CURES = {
    "samples_per_epoch": "give steps_per_epoch=samples // batch_size, or leave it out for whole epochs",
    "nb_val_samples": "give validation_steps=samples // batch_size, or leave it out",
    "val_samples": "give steps=samples // batch_size, or leave it out",
}
STAR = {
    "np": "import numpy as np",
    "K": "from keras import backend as K",
    "ndi": "from scipy import ndimage as ndi",
    "pil_image": "from PIL import Image as pil_image",
    **{name: f"import {name}" for name in ("os", "re", "scipy", "warnings", "threading", "multiprocessing")},
}
"""Names that `from keras.preprocessing.image import *` gave by accident -> how to import them."""
HAS_KERAS = ("array_to_img", "img_to_array", "load_img", "save_img", "smart_resize")


def close(word: str, words: Iterable[str]) -> str:
    """The question for a word that is mistyped, or ""."""
    found = difflib.get_close_matches(word, list(words), 1)
    return f"did you mean {found[0]}?" if found else ""


@dataclass
class Flow:
    """A call of flow_from_directory and the like. size: of its pictures; None: not known, or theirs."""

    source: Source
    call: ast.Call
    arguments: dict[str, ast.expr]
    complete: bool
    """Are all arguments known, so that others have their defaults?"""
    size: tuple[int, int] | None = None

    @property
    def owner(self) -> ast.expr:
        """The generator."""
        assert isinstance(self.call.func, ast.Attribute)
        return self.call.func.value


class Training:
    def __init__(self, sources: list[Source], names: Names, values: Values) -> None:
        self.sources, self.names, self.values = sources, names, values
        self.said: list[Remark] = []
        self.flows: dict[int, Flow] = {}
        """By the id of the call."""
        self._of_names: dict[str, Flow] = {}
        self._zips: dict[str, tuple[Source, ast.Call]] = {}

    def run(self) -> None:
        nodes = list(nodes_of(self.sources))
        for source, node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FLOWS:
                self.flows[id(node)] = self._read(source, node, node.func.attr)
        for _, node in nodes:
            self._of_names.update((n, self.flows[id(value)]) for n, value in assigned(node) if id(value) in self.flows)
        called = {id(node.func) for _, node in nodes if isinstance(node, ast.Call)}
        for source, node in nodes:
            if isinstance(node, ast.Call):
                self._call(source, node)
            elif isinstance(node, ast.Attribute) and node.attr in OLD_CALLS and id(node) not in called:
                self._say(source, node, f"Keras 3 has no {node.attr}; write {OLD_CALLS[node.attr][0]}")
            elif isinstance(node, ast.ImportFrom) and MODULE.fullmatch(node.module or ""):
                self._import(source, node, nodes)
        self._pairs([node for _, node in nodes])

    def _say(self, source: Source, node: ast.expr | ast.stmt, text: str) -> None:
        self.said.append(Remark(self.sources.index(source), node.lineno, f"{source.place(node)}: {text}"))

    def _import(self, source: Source, node: ast.ImportFrom, nodes: list[tuple[Source, ast.AST]]) -> None:
        """What no longer comes from the module."""
        names = [one.name for one in node.names]
        if "*" in names:
            read = {one.id for _, one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
            for name in sorted(read.intersection(STAR) - self.names.bound):
                if not self.names.is_imported(name):
                    self._say(source, node, f"{name} came with the * and no longer does; write {STAR[name]}")
        for name in names:
            if name not in NAMES and name != "*" and name not in HAS_KERAS:
                self._say(
                    source, node, f"neither Keras 3 nor vary.keras has {name}; {close(name, NAMES) or 'replace it'}"
                )

    def _read(self, source: Source, call: ast.Call, method: str) -> Flow:
        names = list(inspect.signature(getattr(vary.keras.ImageDataGenerator, method)).parameters)[1:]
        arguments = {**dict(zip(names, call.args, strict=False)), **named_arguments(call)}
        complete = not any(isinstance(one, ast.Starred) for one in call.args)
        for unpacked in [one.value for one in call.keywords if one.arg is None]:
            value = self.values.value(unpacked)
            complete = complete and isinstance(value, dict) and all(isinstance(name, str) for name in value)
            if isinstance(value, dict):
                arguments.update(
                    (str(n), ast.Constant(one) if one is not UNKNOWN else unpacked) for n, one in value.items()
                )
        flow = Flow(source, call, arguments, complete)
        size = self.values.value(arguments["target_size"]) if "target_size" in arguments else (256, 256)
        whole = isinstance(size, tuple) and len(size) == 2 and all(isinstance(one, int) for one in size)
        if method != "flow" and whole and (complete or "target_size" in arguments):
            flow.size = int(size[0]), int(size[1])  # type: ignore[index]
        made = self.values.written.get(dotted(flow.owner), flow.owner)
        if not isinstance(made, ast.Call) or self.names.is_generator(made.func):  # else another class
            self._judge(flow, method, names)
        return flow

    def _judge(self, flow: Flow, method: str, names: list[str]) -> None:
        """Its arguments."""
        for name, node in flow.arguments.items():
            if method == "flow_from_dataframe" and name in GONE:
                self._say(flow.source, flow.call, f"{name}= of {method} has no effect: {GONE[name]}")
            elif name not in (*names, *BEYOND):
                cure = close(name, names) or "leave it out"
                if name in vary.keras.parameters.RULES:
                    cure = "give it to ImageDataGenerator"
                self._say(flow.source, flow.call, f"{method} has no argument {name!r}; {cure}")
            value = self.values.value(node) if name in WORDS else UNKNOWN
            if name in WORDS and value is not UNKNOWN and value not in WORDS[name]:
                cure = close(str(value), [word for word in WORDS[name] if word]) or f"it is one of {WORDS[name]}"
                self._say(flow.source, flow.call, f"{name}={value!r} of {method} is an error; {cure}")
            if name == "class_mode" and value == "other":
                self._say(flow.source, flow.call, "class_mode='other' is now called 'raw'; write class_mode='raw'")
            if name == "subset" and value == "validation":
                self._say(
                    flow.source,
                    flow.call,
                    "validation pictures are not varied in vary.keras, whose split has the same share of every class; "
                    "augment_validation='as_keras' repeats the old ones",
                )

    def _call(self, source: Source, call: ast.Call) -> None:
        """What no longer exists and is not rewritten, and what goes wrong silently."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else dotted(call.func)
        if name in GONE_METHODS:
            self._say(source, call, f"Keras 3 has no {name}; {GONE_METHODS[name]}")
        if name in NEW_CALLS or name in OLD_CALLS:
            parameters = OLD_CALLS[name][1].split() if name in OLD_CALLS else ["x"]
            arguments = {**dict(zip(parameters, call.args, strict=False)), **named_arguments(call)}
            self._steps(source, arguments)
            data = arguments.get("generator", arguments.get("x"))
            self._samples(source, arguments)
            for unpacked in [one.value for one in call.keywords if one.arg is None]:
                value = self.values.value(unpacked)
                dead = [one for one in DEAD if isinstance(value, dict) and one in value]
                if dead:
                    self._say(
                        source, call, f"{dead[0]}= in {source.segment(unpacked)} is refused by Keras 3; leave it out"
                    )
            if name.startswith("predict") and data is not None:
                self._predict(source, call, data)

    def _samples(self, source: Source, arguments: dict[str, ast.expr]) -> None:
        given = {"x": arguments.get("generator"), **arguments}
        for name, cure in CURES.items():
            owner = given.get(COUNTS[name][1])
            if name in arguments and not (owner is not None and dotted(owner) in self.names.flows):
                self._say(source, arguments[name], f"Keras 3 has no {name}=, which counts samples; {cure}")

    def _steps(self, source: Source, arguments: dict[str, ast.expr]) -> None:
        """Numbers of steps that are no whole numbers, which Keras 3 refuses."""
        for name in STEPS:
            node = arguments.get(name)
            value = node if node is None else self.values.written.get(dotted(node), node)
            if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div):
                cure = "may be no whole number; write // in place of /, or leave it out"
            elif isinstance(value, ast.Call) and dotted(value.func) in (
                "np.ceil",
                "np.floor",
                "numpy.ceil",
                "np.round",
            ):
                cure = "is a float; write int(...) around it, or leave it out"
            else:
                continue
            assert node is not None
            self._say(source, node, f"{name}={source.segment(node)} {cure}")

    def _predict(self, source: Source, call: ast.Call, data: ast.expr) -> None:
        """Predictions of shuffled pictures, which do not belong to the generator's `filenames`."""
        flow = self.flows.get(id(data), self._of_names.get(dotted(data)))
        if flow is None or not (flow.complete or "shuffle" in flow.arguments):
            return
        if self.values.value(flow.arguments.get("shuffle", ast.Constant(True))) is True:
            name = dotted(data) or "the iterator"
            self._say(
                source,
                call,
                f"predictions of {name} come in a shuffled order, so they belong to no file or label; "
                f"make {name} with shuffle=False",
            )

    def _pairs(self, nodes: list[ast.AST]) -> None:
        """zip(images, masks): no data for Keras, and pairs only with one seed."""
        walked = {id(node.iter) for node in nodes if isinstance(node, ast.For | ast.comprehension)}
        walked_names = {dotted(node.iter) for node in nodes if isinstance(node, ast.For | ast.comprehension)}
        names = {id(value): name for node in nodes for name, value in assigned(node)}
        for source, node in nodes_of(self.sources):
            if not isinstance(node, ast.Call) or dotted(node.func) not in ("zip", "itertools.izip", "izip"):
                continue
            flows = [self.flows.get(id(one), self._of_names.get(dotted(one))) for one in node.args]
            if len(flows) < 2 or None in flows:
                continue
            texts = ", ".join(dotted(one) or "..." for one in node.args)
            if id(node) not in walked and names.get(id(node), "-") not in walked_names:
                cure = f"vary.keras.PairIterator({texts}) is, and varies both alike, as does"
                pairs = "vary.stream(vary.Pairs(images, masks), policy)"
                self._say(source, node, f"zip({texts}) is no data for Keras 3; {cure} {pairs}")
            seeds = {source.segment(one.arguments["seed"]) if "seed" in one.arguments else "" for one in flows if one}
            complete = all(one.complete for one in flows if one)
            if complete and (len(seeds) > 1 or "" in seeds):
                self._say(source, node, f"zip({texts}) makes pairs only if both have the same seed=; give it to both")
