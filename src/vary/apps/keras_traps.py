"""What to say of each ImageDataGenerator of a program: its traps, and the policy that is equivalent."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import vary
from vary.apps.keras_code import NAMES, Remark, Rewriter, dotted, named_arguments
from vary.apps.sources import Source

__all__ = ["Reader"]

FLOWS = ("flow_from_directory", "flow_from_dataframe", "flow")
PLAIN = ("data_format", "validation_split", "dtype")
"""Parameters of ImageDataGenerator that concern no policy."""
GONE = {"has_ext": "give whole file names", "sort": "leave it out", "drop_duplicates": "leave it out"}
"""Arguments of flow_from_dataframe that had no effect any more."""
STEPS = ("steps_per_epoch", "validation_steps", "steps")
GONE_METHODS = {
    "predict_classes": "write predict(x).argmax(axis=-1), or predict(x) > 0.5 for a single output",
    "predict_proba": "write predict(x)",
}
GONE_COUNTS = {
    "samples_per_epoch": "give steps_per_epoch=samples // batch_size, or leave it out for whole epochs",
    "nb_val_samples": "give validation_steps=samples // batch_size, or leave it out",
    "val_samples": "give steps=samples // batch_size, or leave it out",
}
FUNCTION = ("preprocessing_function", *PLAIN)
UNKNOWN = object()
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {  # `Any`: numbers of any kind
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
MOST_POWER = 64


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
        self._is_generator = rewriter.is_generator
        self._constants: dict[str, object] = {}
        self._said: list[Remark] = []
        self._flows: dict[str, tuple[str, dict[str, ast.expr]]] = {}
        """Variable -> the generator's variable, and the arguments of its flow."""
        self.made: list[Made] = []

    def run(self) -> None:
        nodes = [(source, node) for source in self.sources for node in ast.walk(source.tree)]
        assigned: dict[int, str] = {}
        for _, node in nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self._assigned(node.targets[0].id, node.value, assigned)
        for _, node in nodes:  # names that other statements set, too, have no known value
            if isinstance(node, ast.arg):
                self._constants[node.arg] = UNKNOWN
            elif isinstance(node, ast.For | ast.comprehension | ast.AugAssign) and isinstance(node.target, ast.Name):
                self._constants[node.target.id] = UNKNOWN
        for source, node in nodes:
            if isinstance(node, ast.Call) and self._is_generator(node):
                self.made.append(self._read(Made(source, node, assigned.get(id(node), ""))))
        fitted = set()
        for source, node in nodes:
            if isinstance(node, ast.Call):
                self._old_words(source, node)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                fitted |= {source.segment(node.func.value)} if node.func.attr == "fit" else set()
                self._flow(source, node)
                self._predict(source, node)
        for made in self.made:
            self._judge(made, made.name in fitted)
        self._compare()

    def _assigned(self, name: str, value: ast.expr, assigned: dict[int, str]) -> None:
        assigned[id(value)] = name
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in FLOWS:
            owner = value.func.value.id if isinstance(value.func.value, ast.Name) else ""
            self._flows[name] = owner, named_arguments(value)
        known = self._value(value)
        self._constants[name] = UNKNOWN if name in self._constants and self._constants[name] != known else known

    def _value(self, node: ast.expr) -> object:
        """The value of a constant, of arithmetic, of a list, or of a name that has one value; else UNKNOWN. A dict may
        hold UNKNOWN."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._constants.get(node.id, UNKNOWN)
        if isinstance(node, ast.List | ast.Tuple):
            listed = [self._value(one) for one in node.elts]
            return UNKNOWN if any(one is UNKNOWN for one in listed) else tuple(listed)
        if isinstance(node, ast.Dict):
            keys = [UNKNOWN if key is None else self._value(key) for key in node.keys]
            return dict(zip(keys, map(self._value, node.values), strict=True))
        if isinstance(node, ast.Call) and dotted(node.func) == "dict" and not node.args:
            return {one.arg or UNKNOWN: self._value(one.value) for one in node.keywords}
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self._value(node.operand)
            return -inner if isinstance(inner, int | float) else UNKNOWN
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node)
        return UNKNOWN

    def _arithmetic(self, node: ast.BinOp) -> object:
        left, right = self._value(node.left), self._value(node.right)
        compute = OPERATORS.get(type(node.op))
        if compute is None or not isinstance(left, int | float) or not isinstance(right, int | float):
            return UNKNOWN
        if isinstance(node.op, ast.Pow) and abs(right) > MOST_POWER:
            return UNKNOWN
        try:
            return compute(left, right)
        except ArithmeticError:
            return UNKNOWN

    def _read(self, made: Made) -> Made:
        names = list(vary.keras.parameters.RULES)
        for name, node in {**dict(zip(names, made.call.args, strict=False)), **named_arguments(made.call)}.items():
            made.add(name, self._value(node), made.source.segment(node))
        for one in made.call.keywords:
            if one.arg is None:  # **arguments
                text = made.source.segment(one.value)
                unpacked = self._value(one.value)
                for name, value in unpacked.items() if isinstance(unpacked, dict) else [("**", UNKNOWN)]:
                    made.add(str(name) if isinstance(name, str) else "**", value, text)
        return made

    def _say(self, source: Source, node: ast.expr, text: str) -> None:
        self._said.append(Remark(self.sources.index(source), node.lineno, f"{source.place(node)}: {text}"))

    @property
    def traps(self) -> list[str]:
        return [one.text for one in sorted(set(self._said))]

    def _old_words(self, source: Source, call: ast.Call) -> None:
        """What no longer exists, and is not rewritten."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in GONE_METHODS:
            self._say(source, call, f"Keras 3 has no {name}; {GONE_METHODS[name]}")
        for one in call.keywords:
            if one.arg in GONE_COUNTS:
                self._say(source, one.value, f"Keras 3 has no {one.arg}=, which counts samples; {GONE_COUNTS[one.arg]}")
            if one.arg in STEPS and isinstance(one.value, ast.BinOp) and isinstance(one.value.op, ast.Div):
                text = source.segment(one.value)
                self._say(
                    source,
                    one.value,
                    f"{one.arg}={text} may be no whole number; write // in place of /, or leave it out",
                )
        flows = [one.id for one in call.args if isinstance(one, ast.Name) and one.id in self._flows]
        if name == "zip" and len(flows) > 1:
            names = ", ".join(flows)
            cure = "vary.stream(vary.Pairs(images, masks), policy) varies both alike"
            pair = f", as does vary.keras.PairIterator({names})" if "PairIterator" in NAMES else ""
            self._say(source, call, f"zip({names}) is no data for Keras 3; {cure}{pair}")

    def _flow(self, source: Source, call: ast.Call) -> None:
        """A call of flow_from_directory and the like: its size is that of the generator's pictures."""
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr not in FLOWS:
            return
        arguments = named_arguments(call)
        for name, cure in GONE.items():
            if name in arguments:
                self._say(source, arguments[name], f"{name}= of {call.func.attr} is an error in vary.keras; {cure}")
        size = self._value(arguments["target_size"]) if "target_size" in arguments else (256, 256)
        whole = isinstance(size, tuple) and len(size) == 2 and all(isinstance(one, int) for one in size)
        owner = source.segment(call.func.value)
        for made in self.made:
            if call.func.attr != "flow" and made.name == owner and whole:
                made.size = made.size or (int(size[0]), int(size[1]))  # type: ignore[index]
        if self._value(arguments.get("subset", ast.Constant(None))) == "validation":
            self._say(
                source,
                call,
                "validation pictures are not varied in vary.keras, whose split has the same share of every class; "
                "augment_validation='as_keras' repeats the old ones",
            )

    def _predict(self, source: Source, call: ast.Call) -> None:
        """Predictions of shuffled pictures, which do not belong to the generator's `filenames`."""
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr not in ("predict", "predict_generator"):
            return
        data = named_arguments(call).get("generator") or (call.args[0] if call.args else None)
        if not isinstance(data, ast.Name) or data.id not in self._flows:
            return
        arguments = self._flows[data.id][1]
        if self._value(arguments.get("shuffle", ast.Constant(True))) is not False:
            self._say(
                source,
                call,
                f"predictions of {data.id} come in a shuffled order, so they belong to no file or label; "
                f"make {data.id} with shuffle=False",
            )

    def _judge(self, made: Made, is_fitted: bool) -> None:
        """The traps of one generator's parameters."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                vary.keras.parameters.checked(made.values)
            except (vary.InputError, TypeError) as error:
                self._say(made.source, made.call, str(error))
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
