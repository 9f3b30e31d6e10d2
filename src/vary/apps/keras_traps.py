"""What to say of each ImageDataGenerator of a program: its traps, and the policy that is equivalent."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import vary
from vary.apps.keras_code import Remark, Rewriter
from vary.apps.keras_names import dotted, named_arguments, nodes_of
from vary.apps.keras_training import Training
from vary.apps.keras_values import UNKNOWN, Values, assigned
from vary.apps.sources import Source

__all__ = ["Reader"]

PLAIN = ("data_format", "validation_split", "dtype")
"""Parameters of ImageDataGenerator that concern no policy."""
FUNCTION = ("preprocessing_function", *PLAIN)


@dataclass
class Made:
    """One call of ImageDataGenerator. name: of the variable; "" if it has none."""

    source: Source
    call: ast.Call
    name: str = ""
    values: dict[str, object] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    """Parameter -> its text, where its value depends on what the program does."""
    size: tuple[int, int] | None = None

    @property
    def scale(self) -> str:
        """What changes the range of values; "" for nothing."""
        if "preprocessing_function" in self.unknown or self.values.get("preprocessing_function") is not None:
            return "a preprocessing_function"
        if "rescale" in self.unknown:
            return "a rescale"
        factor = self.values.get("rescale")
        return "" if factor in (None, 0, 1) or not isinstance(factor, int | float) else f"rescale={factor:.4g}"

    def add(self, name: str, value: object, text: str) -> None:
        if value is UNKNOWN or isinstance(value, dict):
            self.unknown[name] = text
        else:
            self.values[name] = list(value) if isinstance(value, tuple) else value


class Reader:
    """Reads a program for the report on its generators."""

    def __init__(self, sources: list[Source], rewriter: Rewriter) -> None:
        self.sources = sources
        self._names = rewriter.names
        self.values = Values(node for _, node in nodes_of(sources))
        self._training = Training(sources, self._names, self.values)
        self._said: list[Remark] = []
        self.made: list[Made] = []

    def run(self) -> None:
        called = {id(value): name for _, node in nodes_of(self.sources) for name, value in assigned(node)}
        for source, node in nodes_of(self.sources):
            if isinstance(node, ast.Call) and self._names.is_generator(node.func):
                self.made.append(self._read(Made(source, node, called.get(id(node), ""))))
        self._training.run()
        for flow in self._training.flows.values():
            for made in self.made:
                if flow.owner is made.call or (made.name and made.name == dotted(flow.owner)):
                    made.size = made.size or flow.size
        fitted = {name for _, node in nodes_of(self.sources) for name in _fitted(node)}
        for made in self.made:
            self._judge(made, made.name in fitted)
        self._compare()

    def _read(self, made: Made) -> Made:
        names = list(vary.keras.parameters.RULES)
        for name, node in {**dict(zip(names, made.call.args, strict=False)), **named_arguments(made.call)}.items():
            made.add(name, self.values.value(node), made.source.segment(node))
        for one in made.call.keywords:
            if one.arg is None:  # **arguments
                text = made.source.segment(one.value)
                unpacked = self.values.value(one.value)
                for name, value in unpacked.items() if isinstance(unpacked, dict) else [("**", UNKNOWN)]:
                    made.add(str(name) if isinstance(name, str) else "**", value, text)
        return made

    def _say(self, source: Source, node: ast.expr, text: str) -> None:
        self._said.append(Remark(self.sources.index(source), node.lineno, f"{source.place(node)}: {text}"))

    @property
    def traps(self) -> list[str]:
        return [one.text for one in sorted({*self._said, *self._training.said})]

    def _judge(self, made: Made, is_fitted: bool) -> None:
        """The traps of one generator's parameters."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            wrong = [_wrong(made.values)]
            if wrong[0]:  # say it of each wrong parameter, and check the others together
                each = {name: _wrong({name: value}) for name, value in made.values.items()}
                wrong = [problem for problem in each.values() if problem] or wrong
                caught.clear()
                _wrong({name: value for name, value in made.values.items() if not each[name]})
        for text in filter(None, wrong):
            self._say(made.source, made.call, text)
        function = made.unknown.get("preprocessing_function", "")
        if function.endswith("preprocess_input") and made.values.get("rescale") not in (None, 0, 1):
            text = (
                f"rescale= comes after preprocessing_function={function}, which scales already; leave out one of them"
            )
            self._say(made.source, made.call, text)
        for one in caught:
            self._say(made.source, made.call, str(one.message))
        needs = [name for name in vary.keras.policy.NO_POLICY if made.values.get(name)]
        if needs and not is_fitted:
            name = made.name or "the generator"
            self._say(made.source, made.call, f"{needs[0]}=True has no effect before {name}.fit(images)")

    def _compare(self) -> None:
        """Generators of one program whose pictures have different value ranges."""
        scaled = next((made for made in self.made if made.scale), None)
        for made in self.made:
            if (
                scaled is not None
                and made.scale != scaled.scale
                and (not made.scale or "=" in made.scale + scaled.scale)
            ):
                here, there = made.scale or "no rescale=", scaled.source.place(scaled.call)
                self._say(
                    made.source,
                    made.call,
                    f"this generator has {here}, and the one of {there} has {scaled.scale}, so that training and "
                    "validation may see different values; give both the same",
                )

    def policies(self) -> Iterator[tuple[str, str]]:
        """(the place, the equivalent policy as code, with remarks) of each generator."""
        for made in self.made:
            values = {name: value for name, value in made.values.items() if name not in PLAIN}
            unknown = {name: text for name, text in made.unknown.items() if name not in FUNCTION}
            remarks = [f"{name}{'' if name == '**' else '='}{text} is not known here" for name, text in unknown.items()]
            for name, cure in vary.keras.policy.NO_POLICY.items():
                if values.pop(name, False):
                    remarks.append(f"{name}=True depends on `fit`: {cure}")
            if (text := made.unknown.get("preprocessing_function")) is not None:
                values["preprocessing_function"] = _Named(text)
            place = made.source.place(made.call)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    policy = vary.keras.policy.policy_of(vary.keras.parameters.checked(values), made.size)
                except (vary.VaryError, TypeError) as error:
                    yield place, f"no policy: {error}"
                    continue
            yield place, "\n".join([_code(policy), *(f"# {remark}" for remark in remarks)])


def _wrong(values: dict[str, object]) -> str:
    """What is wrong with parameters, or ""."""
    try:
        vary.keras.parameters.checked(values)
    except (vary.InputError, TypeError) as error:
        return str(error)
    return ""


def _fitted(node: ast.AST) -> list[str]:
    """The generator that has its statistics by this: g.fit(images), g.mean = values"""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
        return [dotted(node.func.value)]
    names = [name for name, _ in assigned(node)]
    return [name.rpartition(".")[0] for name in names if name.endswith((".mean", ".std", ".zca_whitening_matrix"))]


class _Named:
    """Stands for a function of the program."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, image: object) -> object:
        return image

    def __repr__(self) -> str:
        return self.text


def _code(policy: vary.Policy) -> str:
    """The policy as Python evaluates it after `import vary`."""
    text = re.sub(r"\b([A-Z]\w+)\((?=\w+=|\[|\)|\()", r"vary.\1(", repr(policy))
    return re.sub(r"<function (samplewise_\w+) at 0x\w+>", r"vary.keras.policy.\1", text)
