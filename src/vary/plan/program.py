"""`Template` and `Program`: immutable data that `lower` and `segment` make, and the core and `reference` run.

A `Template` is a policy lowered once for a kind of input: instructions whose arguments are numbers or columns of a
parameter array, and the table of draws that fills the columns. A `Program` is a template with one picture's parameters
filled in: `explain` prints it, tests store it as text, and `reference` runs it.

The instructions, their arguments and their meanings are listed in `vary.ops`. Two need an explanation here:
    cut t          resample here and go on from that picture, stored as type t of `vary.elements.DTYPES`
    call k t       cut, then call user function k with the picture; a call whose gate is 0 is still a cut
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from vary.transforms.base import Column
from vary.transforms.policy_file import SEMANTICS

if TYPE_CHECKING:
    from vary.rng import Draw

__all__ = ["FILLS", "Fill", "UserNumbers", "VERSION", "ALWAYS", "Instruction", "Program", "Settings", "Template"]

VERSION = SEMANTICS
"""Version of the text form and of the meaning of instructions. Bytes change only together with this number."""

Fill = Literal["constant", "nearest", "reflect", "reflect101", "wrap"]
FILLS: tuple[Fill, ...] = get_args(Fill)

ALWAYS = -1
"""The gate of what runs for every picture."""


class Settings(NamedTuple):
    """How a policy samples: one choice for all its transforms."""

    fill: str = "nearest"
    fill_value: tuple[float, ...] = ()
    interpolation: str = "bilinear"
    antialias: bool = True
    strict: bool = False
    mask_fill: int = 0  # of masks, where the fill is a constant


class Instruction(NamedTuple):
    op: str
    args: tuple[float, ...] = ()
    gate: int = ALWAYS  # in a template: the column that must not be 0, or ALWAYS
    origin: int = 0  # the number of its transform in `Template.names`, from 1; 0: none


class Program(NamedTuple):
    """The instructions for one picture."""

    channels: int
    dtype: str
    settings: Settings
    instructions: tuple[Instruction, ...]
    functions: tuple[Callable[..., object], ...] = ()

    def text(self) -> str:
        """The text form, with its version. Equal texts make equal pixels of equal sources."""
        s = self.settings
        fill = " ".join([s.fill, *(f"{v:.9g}" for v in s.fill_value)])
        head = [
            f"vary program {VERSION}",
            f"source {self.dtype} x{self.channels}",
            f"sample {s.interpolation} fill {fill} antialias {'on' if s.antialias else 'off'}",
        ]
        return "\n".join([*head, *map(self.line, self.instructions)]) + "\n"

    def __repr__(self) -> str:
        return self.text().rstrip()

    def line(self, i: Instruction) -> str:
        """One instruction of the text."""
        if i.op == "call":
            function = self.functions[int(i.args[0])]
            return f"call {getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', '?')}"
        return " ".join([i.op, *(f"{v:.17g}" for v in i.args)])


class UserNumbers(NamedTuple):
    """Numbers that a user's transform computes for each picture: columns of the parameter array, from `column` on."""

    function: Callable[..., object]  # takes a NumPy Generator
    column: int
    shape: tuple[int, ...]
    gate: int  # column that must not be 0, or -1
    key: int  # of the generator
    name: str  # of the transform, for messages
    fault: Callable[..., str]  # what is wrong with numbers of this shape, or ""


class Template(NamedTuple):
    """The instructions for all pictures of one kind, before anything is drawn."""

    channels: int
    dtype: str
    settings: Settings
    instructions: tuple[Instruction, ...]
    draws: tuple[Draw, ...]
    functions: tuple[Callable[..., object], ...]
    rescales: bool  # contains Rescale or Normalize: the output is float32 unless another dtype is asked for
    value_range: tuple[float, float]  # of the input pictures
    user_numbers: tuple[UserNumbers, ...]
    names: tuple[str, ...]  # of the transforms, with arguments; `Instruction.origin` counts them from 1

    def name(self, i: Instruction) -> str:
        """The transform that an instruction comes from, with its arguments; empty if there is none."""
        return self.names[i.origin - 1] if 0 < i.origin <= len(self.names) else ""

    def program(self, row: Sequence[float]) -> Program:
        """The Program of the picture whose parameters are `row`."""
        instructions = tuple(_resolve(list(self.instructions), row))
        return Program(self.channels, self.dtype, self.settings, instructions, self.functions)


def _resolve(remaining: list[Instruction], row: Sequence[float]) -> Iterator[Instruction]:
    while remaining:
        current = remaining.pop(0)
        if current.gate >= 0 and not row[current.gate]:
            if current.op == "call":  # not called, but still a cut
                yield Instruction("cut", (float(current.args[1]),), origin=current.origin)
            continue
        args = tuple(float(row[a]) if isinstance(a, Column) else float(a) for a in current.args)
        if current.op == "order":
            count = int(args[0])
            items, remaining = remaining[:count], remaining[count:]
            yield from _resolve(_in_order(items, int(args[1])), row)
        else:
            yield Instruction(current.op, args, origin=current.origin)


def _in_order(items: list[Instruction], code: int) -> list[Instruction]:
    out, radix = [], 1
    for i in range(2, len(items)):
        radix *= i
    while items:
        out.append(items.pop(code // radix))
        code %= radix
        radix //= max(len(items), 1)
    return out
