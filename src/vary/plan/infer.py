"""What is known from a template alone, before any picture: the size and dtype of its output."""

from __future__ import annotations

from itertools import takewhile

from vary.elements import ELEMENTS
from vary.errors import PolicyError
from vary.ops import MAPS, OPS, Size
from vary.plan.program import Instruction, Template
from vary.transforms.base import Column

__all__ = ["check_bytes", "output_dtype", "output_size"]

MOST_BYTES = (1 << 31) - 65
"""The most bytes of one picture; native/size_limits.h explains the limit."""


def check_bytes(template: Template, size: tuple[int, int], dtype: str, before: Instruction | None = None) -> None:
    """`PolicyError` if a picture of `size` (height, width) has over 2 GiB. Called before it is allocated.

    before: the user function that the picture is made for; None: it is a result of the policy.
    """
    element, channels = ELEMENTS[dtype], template.channels
    if size[0] * size[1] * max(channels * element.size, min(channels, 4) * element.sampled_size) <= MOST_BYTES:
        return
    earlier = takewhile(lambda i: i is not before, template.instructions)
    canvas = [template.name(i) for i in earlier if i.op in MAPS]
    raise PolicyError(
        f"{canvas[-1] if canvas else 'the policy'} makes pictures of {size[0]} x {size[1]} x {template.channels} "
        f"{dtype}, over 2 GiB, the limit for one picture; choose a smaller size, or cut the pictures into tiles first"
    )


def output_dtype(template: Template, asked: str | None) -> str:
    """The dtype of the batch: the one asked for, else float32 after Rescale or Normalize, else the input's."""
    if asked is None:
        return "float32" if template.rescales else template.dtype
    if ELEMENTS[asked].whole and template.rescales:
        raise PolicyError(
            f"dtype='{asked}' cannot hold what Rescale or Normalize make of the values; "
            "ask for dtype='float32', or take them out of the policy"
        )
    return asked


def output_size(template: Template, size: Size = None) -> Size:
    """(height, width) of every output; None where it depends on the draw, or on an input whose `size` is not given."""
    for i in template.instructions:
        known = (None if isinstance(a, Column) else a for a in i.args)
        after = OPS[i.op].size(size, *known)
        size = after if i.gate < 0 or after == size else None
    return size
