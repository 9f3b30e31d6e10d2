"""A policy -> a Template: calls each transform's `lower` in listed order, and records the draws and instructions.

The items of a gated `order` must have its gate too: otherwise they would run, in listed order, where it is skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import accumulate, pairwise
from math import inf, prod

from vary.elements import DTYPES, ELEMENTS, MEANINGS
from vary.errors import PolicyError, brief, stop_iteration_error
from vary.guidance import close
from vary.ops import OPS, Op
from vary.plan.floats import ValueBounds, range_fault
from vary.plan.program import ALWAYS, Instruction, Settings, Template, UserNumbers
from vary.rng import Draw, key_name
from vary.transforms.base import Column, Number, Span, Transform

__all__ = ["VALUE_RANGES", "lower"]

MOST_COMPUTED = 1 << 16
"""The most numbers that a user's transform may compute for each picture: each is a column of the parameters."""
VALUE_RANGES = {element.name: (element.low, element.high) for element in ELEMENTS.values()}


def lower(
    policy: Transform, channels: int, dtype: str, settings: Settings, value_range: tuple[float, float] | None = None
) -> Template:
    """The template of `policy` for pictures of `channels` and `dtype`; `PolicyError` if it does not fit these."""
    value_range = value_range or VALUE_RANGES[dtype]
    recorder = Recorder(channels, dtype, value_range, settings.fill_value)
    recorder.record(policy, ALWAYS)
    return Template(
        channels,
        dtype,
        settings,
        tuple(recorder.instructions),
        tuple(recorder.draws),
        tuple(recorder.functions),
        any(OPS[i.op].scales for i in recorder.instructions),
        value_range,
        tuple(recorder.user_numbers),
        tuple(recorder.names),
    )


class Recorder:
    """Records what a transform's `lower` draws and emits: implements the protocol `Lowering`."""

    _transform: Transform  # the one that is being lowered
    _origin: int  # which it is, counted from 1
    _node: int  # its name for drawing
    _number: int  # of its next draw
    _gate: int  # column that must not be 0, or ALWAYS

    def __init__(
        self, channels: int, dtype: str, value_range: tuple[float, float], fill_value: tuple[float, ...] = ()
    ) -> None:
        self.channels = channels
        self.dtype = dtype  # at this place
        self.value_range: tuple[float, float] | None = value_range
        self.instructions: list[Instruction] = []
        self.draws: list[Draw] = []
        self.functions: list[Callable[..., object]] = []
        self.user_numbers: list[UserNumbers] = []
        self.names: list[str] = []
        self._bounds = ValueBounds([*value_range, *fill_value])
        self._seen: Counter[str] = Counter()

    def child(self, transform: Transform, gate: Column | None = None) -> None:
        saved = self._transform, self._origin, self._node, self._number, self._gate
        self.record(transform, self._gate if gate is None else gate)
        self._transform, self._origin, self._node, self._number, self._gate = saved

    def record(self, transform: Transform, gate: int) -> None:
        """What `transform` draws and emits, where the column `gate` is not 0."""
        name = type(transform).__name__
        self._transform, self._node, self._number, self._gate = transform, key_name(name, self._seen[name]), 0, gate
        self._seen[name] += 1
        self.names.append(name if any(transform.children()) else repr(transform))
        self._origin = len(self.names)
        if transform.p < 1:
            self._gate = self._draw(Draw("chance", transform.p))
        self._number = 1
        try:
            transform.lower(self)
        except StopIteration as error:
            raise stop_iteration_error(f"{name}.lower") from error

    def _draw(self, draw: Draw) -> Column:
        self.draws.append(draw._replace(name=self._node, number=self._number, parent=self._gate))
        self._number += 1
        return Column(len(self.draws) - 1)

    def uniform(self, span: Span) -> Number:
        return self._between("uniform", span)

    def log_uniform(self, span: Span) -> Number:
        return self._between("log_uniform", span)

    def _between(self, kind: str, span: Span) -> Number:
        low, high = span if isinstance(span, tuple) else (span, span)
        if low == high:  # no draw, but its number is used up, so that the next draw is the same as with a range
            self._number += 1
            return low
        return self._draw(Draw(kind, low, high))

    def integer(self, count: int) -> Number:
        return self._draw(Draw("integer", count))

    def one_of(self, weights: list[float]) -> list[Column]:
        number, total, gates = self._number, sum(weights), []
        edges = [*accumulate((weight / total for weight in weights), initial=0.0)]
        edges[-1] = inf  # their sum is not always 1
        for low, high in pairwise(edges):
            self._number = number  # all gates test one draw, each against an interval of its own
            gates.append(self._draw(Draw("between", low, high)))
        return gates

    def some_of(self, count: tuple[int, int], among: int) -> list[Column]:
        fewest, most = count
        extra = self._draw(Draw("integer", most - fewest + 1))
        first = self._number
        return [self._draw(Draw("among", fewest, first, column=extra, among=among)) for _ in range(among)]

    def key(self) -> tuple[Number, Number]:
        return self._draw(Draw("word")), self._draw(Draw("word"))

    def computed(
        self,
        function: Callable[..., object],
        shape: tuple[int, ...],
        fault: Callable[..., str] = lambda _: "",
    ) -> list[Column]:
        key, name = self._node + self._number, type(self._transform).__name__
        if not callable(function):
            raise PolicyError(f"{name} has {brief(function, 80)} where it must have a method of a NumPy Generator")
        if prod(shape) > MOST_COMPUTED:
            raise PolicyError(
                f"{name} needs {prod(shape)} numbers for each picture, of shape {shape}; the limit is {MOST_COMPUTED}; "
                "use fewer, between which it interpolates"
            )
        columns = [self._draw(Draw("computed")) for _ in range(prod(shape))]
        self.user_numbers.append(UserNumbers(function, int(columns[0]), shape, self._gate, key, name, fault))
        return columns

    def emit(self, op: str, *args: Number) -> None:
        name, entry = type(self._transform).__name__, OPS.get(op)
        if entry is None or op in ("cut", "call"):
            similar = close(op, [one for one in OPS if one not in ("cut", "call")])
            raise PolicyError(f"{name} emits {op!r}, which is no instruction{similar and f'; {similar}'}")
        if not entry.accepts(len(args), self.channels):
            count, names = entry.arity(self.channels), entry.grammar or "none"
            raise PolicyError(f"{name} emits {op!r} with {len(args)} arguments, but it has {count}: {names}")
        if entry.coloured and self.channels not in MEANINGS and not _is_neutral(entry, args):
            some = min(3, self.channels - 1)
            raise PolicyError(
                f"{self._transform!r} needs colours, and pictures of {self.channels} channels have none: 1 is grey, 3 "
                f"are RGB, 4 are RGBA; leave it out, or give such pictures: image[..., :{some}]"
            )
        self.instructions.append(Instruction(op, args, self._gate, self._origin))
        if entry.scales is not None:
            self._scale(entry, args)

    def _scale(self, op: Op, args: tuple[Number, ...]) -> None:
        """After `rescale` and `normalize`, values are float32 in another range."""
        assert op.scales is not None
        self._bounds.affine(type(self._transform).__name__, *op.scales(*args), self._gate < 0)
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
                f"{self._transform!r} needs a value range, but comes after Normalize (or a Rescale that is not always "
                "applied), where there is none; put it before"
            )
        return self.value_range


def _is_neutral(op: Op, args: tuple[Number, ...]) -> bool:
    """Are these the arguments with which the instruction changes nothing, whatever is drawn?"""
    return op.neutral is not None and all(
        not isinstance(value, Column) and value == neutral for value, neutral in zip(args, op.neutral, strict=False)
    )
