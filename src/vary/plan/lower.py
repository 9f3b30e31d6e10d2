"""A policy -> a Template: walks the transforms in listed order, gives each its name for drawing, and records what they
draw and emit. A gated `order` would leave its items running in listed order, so its gate is theirs too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import prod

from vary.elements import DTYPES, ELEMENTS, MEANINGS
from vary.errors import PolicyError, brief, stop_iteration_error
from vary.guidance import close
from vary.ops import OPS, Op
from vary.plan.floats import Reach, range_fault
from vary.plan.program import Given, Instruction, Settings, Template
from vary.rng import Draw, key_name
from vary.transforms.base import Column, Number, Span, Transform

__all__ = ["VALUE_RANGES", "lower"]

MOST_GIVEN = 1 << 16
"""The most numbers that a user's transform may compute for each picture: each is a column of the parameters."""
VALUE_RANGES = {element.name: (element.low, element.high) for element in ELEMENTS.values()}


def lower(
    policy: Transform, channels: int, dtype: str, settings: Settings, value_range: tuple[float, float] | None = None
) -> Template:
    """The template of `policy` for pictures of `channels` and `dtype`; raises `PolicyError` where it makes no sense."""
    value_range = value_range or VALUE_RANGES[dtype]
    recorder = Recorder(channels, dtype, value_range, settings.fill_value)
    recorder.child(policy)
    return Template(
        channels,
        dtype,
        settings,
        tuple(recorder.instructions),
        tuple(recorder.draws),
        tuple(recorder.functions),
        any(OPS[i.op].scales for i in recorder.instructions),
        value_range,
        tuple(recorder.givens),
        tuple(recorder.names),
    )


class Recorder:
    """Answers a transform's `lower` (the protocol `Lowering`)."""

    def __init__(
        self, channels: int, dtype: str, value_range: tuple[float, float], fill_value: tuple[float, ...] = ()
    ) -> None:
        self.channels = channels
        self.dtype = dtype  # at this place
        self.value_range: tuple[float, float] | None = value_range
        self.instructions: list[Instruction] = []
        self.draws: list[Draw] = []
        self.functions: list[Callable[..., object]] = []
        self.givens: list[Given] = []
        self.names: list[str] = []
        self._reach = Reach([*value_range, *fill_value])
        self._seen: Counter[str] = Counter()
        self._origin = 0
        self._node, self._number, self._gate = 0, 0, -1
        self._transform: Transform | None = None

    def child(self, transform: Transform, gate: Column | None = None) -> None:
        saved = self._node, self._number, self._gate, self._transform
        name = type(transform).__name__
        self._node, self._number = key_name(name, self._seen[name]), 0
        self._seen[name] += 1
        self._transform = transform
        self.names.append(name if any(transform.children()) else repr(transform))
        self._origin = len(self.names)
        if gate is not None:
            self._gate = gate
        if transform.p < 1:
            self._gate = self._draw("chance", transform.p)
        self._number = 1
        try:
            transform.lower(self)
        except StopIteration as error:
            raise stop_iteration_error(f"{name}.lower") from error
        self._node, self._number, self._gate, self._transform = saved

    def _draw(self, kind: str, a: float = 0.0, b: float = 0.0, *, column: int = -1, among: int = 0) -> Column:
        self.draws.append(Draw(self._node, self._number, kind, a, b, self._gate, column, among))
        self._number += 1
        return Column(len(self.draws) - 1)

    def uniform(self, span: Span) -> Number:
        return self._between("uniform", span)

    def log_uniform(self, span: Span) -> Number:
        return self._between("log_uniform", span)

    def _between(self, kind: str, span: Span) -> Number:
        low, high = span if isinstance(span, tuple) else (span, span)
        if low == high:  # nothing to draw, but its number is spent: the next draw stays the same
            self._number += 1
            return low
        return self._draw(kind, low, high)

    def integer(self, count: int) -> Number:
        return self._draw("integer", count)

    def one_of(self, weights: list[float]) -> list[Column]:
        number, total, gates, edge = self._number, sum(weights), [], 0.0
        for i, weight in enumerate(weights):
            self._number = number  # one draw, cut into intervals
            upper = 2.0 if i + 1 == len(weights) else edge + weight / total
            gates.append(self._draw("between", edge, upper))
            edge = upper
        return gates

    def some_of(self, count: tuple[int, int], among: int) -> list[Column]:
        fewest, most = count
        extra = self._draw("integer", most - fewest + 1)
        first = self._number
        return [self._draw("among", fewest, first, column=extra, among=among) for _ in range(among)]

    def key(self) -> tuple[Number, Number]:
        return self._draw("word"), self._draw("word")

    def given(self, function: Callable[..., object], shape: tuple[int, ...]) -> list[Column]:
        key, name = (self._node + self._number) % (1 << 64), type(self._transform).__name__
        if not callable(function):
            raise PolicyError(f"{name} has {brief(function, 80)} where it must have a method of a NumPy Generator")
        if prod(shape) > MOST_GIVEN:
            raise PolicyError(
                f"{name} needs {prod(shape)} numbers for each picture, of shape {shape}; the limit is {MOST_GIVEN}; "
                "use fewer, between which it interpolates"
            )
        columns = [self._draw("given") for _ in range(prod(shape))]
        self.givens.append(Given(function, int(columns[0]), shape, self._gate, key, name))
        return columns

    def emit(self, op: str, *args: Number) -> None:
        name, entry = type(self._transform).__name__, OPS.get(op)
        if entry is None or op in ("cut", "call"):
            similar = close(op, [one for one in OPS if one not in ("cut", "call")])
            raise PolicyError(f"{name} emits {op!r}, which is no instruction{similar and f'; {similar}'}")
        if not entry.accepts(len(args), self.channels):
            count, names = entry.arity(self.channels), entry.grammar or "none"
            raise PolicyError(f"{name} emits {op!r} with {len(args)} arguments, and it has {count}: {names}")
        if entry.coloured and self.channels not in MEANINGS and not _is_neutral(entry, args):
            some = 3 if self.channels > 3 else 1
            raise PolicyError(
                f"{self._transform!r} needs colours, and pictures of {self.channels} channels have none: 1 is grey, 3 "
                f"are RGB, 4 are RGBA; leave it out, or give such pictures: image[..., :{some}]"
            )
        self.instructions.append(Instruction(op, args, self._gate, self._origin))
        if entry.scales is not None:
            self._scale(entry, args)

    def _scale(self, op: Op, args: tuple[Number, ...]) -> None:
        """After it, values are floats in a range of their own."""
        assert op.scales is not None
        self._reach.affine(type(self._transform).__name__, *op.scales(*args), self._gate < 0)
        self.dtype = "float32"
        after = None if self.value_range is None else op.range(*self.value_range, *args)
        if after is not None and (fault := range_fault(*after)):
            raise PolicyError(f"{self._transform!r} changes the value range: {fault}")
        self.value_range = after if self._gate < 0 else None

    def call(self, function: Callable[..., object]) -> None:
        stored = float(DTYPES.index(self.dtype))
        self.instructions.append(Instruction("call", (len(self.functions), stored), self._gate, self._origin))
        self.functions.append(function)

    def clip(self) -> tuple[float, float]:
        if self.value_range is None:
            raise PolicyError(
                f"{self._transform!r} needs a value range, but stands after Normalize (or a Rescale that is not always "
                "applied), where there is none; put it before"
            )
        return self.value_range


def _is_neutral(op: Op, args: tuple[Number, ...]) -> bool:
    """Does it change nothing, whatever is drawn?"""
    return op.neutral is not None and all(
        not isinstance(value, Column) and value == neutral for value, neutral in zip(args, op.neutral, strict=False)
    )
