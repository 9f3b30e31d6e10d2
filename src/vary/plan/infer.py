"""What can be known of a template before any picture: its output size, its output dtype."""

from __future__ import annotations

from vary.errors import PolicyError
from vary.plan.program import GEOMETRY, Instruction, Template
from vary.transforms.base import Column

__all__ = ["check_bytes", "output_dtype", "output_size"]

Size = tuple[int, int] | None
MOST_BYTES = (1 << 31) - 65
"""The most bytes of one picture; native/size_limits.h explains the limit."""


def check_bytes(template: Template, size: tuple[int, int], dtype: str) -> None:
    """`PolicyError` if a picture of `size` (height, width) has over 2 GiB. Called before it is allocated."""
    if size[0] * size[1] * template.channels * (4 if dtype == "float32" else 1) <= MOST_BYTES:
        return
    canvas = [template.name(i) for i in template.instructions if i.op in GEOMETRY]
    raise PolicyError(
        f"{canvas[-1] if canvas else 'the policy'} makes pictures of {size[0]} x {size[1]} x {template.channels} "
        f"{dtype}, over 2 GiB, the limit for one picture; choose a smaller size, or cut the pictures into tiles first"
    )


def output_dtype(template: Template, asked: str | None) -> str:
    """The dtype of the batch: the one asked for, else float32 after Rescale or Normalize, else the input's."""
    if asked is None:
        return "float32" if template.rescales else template.dtype
    if asked == "uint8" and template.rescales:
        raise PolicyError(
            "dtype='uint8' cannot hold what Rescale or Normalize make of the values; "
            "ask for dtype='float32', or take them out of the policy"
        )
    return asked


def output_size(template: Template, size: Size = None) -> Size:
    """(height, width) of every output; None where it depends on the draw, or on an input whose `size` is not given."""
    for i in template.instructions:
        after = _after(i, size)
        size = after if i.gate < 0 or after == size else None
    return size


def _after(i: Instruction, size: Size) -> Size:
    sized = i.op in ("crop", "center_crop", "resized_crop") or (i.op == "resize" and int(i.args[2]) in (0, 2))
    if sized:
        return int(i.args[0]), int(i.args[1])
    if i.op in ("call", "resize"):
        return None
    if size is None:
        return None
    height, width = size
    if i.op == "pad":
        top, right, bottom, left = map(int, i.args)
        return height + top + bottom, width + left + right
    if i.op == "transpose":
        return width, height
    if i.op == "rotate90" and height != width:
        return None if isinstance(i.args[0], Column) else ((width, height) if int(i.args[0]) % 2 else size)
    return size
