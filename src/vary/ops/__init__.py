"""All instructions of programs, by name. `spec` describes what an entry holds."""

from vary.ops import colour, control, filter as filters, geometry, noise
from vary.ops.spec import Floats, Op, Range, Size, View

__all__ = ["CLIPPING", "MAPS", "OPS", "Floats", "Op", "Range", "Size", "View"]

OPS: dict[str, Op] = {op.name: op for file in (geometry, colour, filters, noise, control) for op in file.OPS}
MAPS = frozenset(op.name for op in OPS.values() if op.kind == "map")
CLIPPING = frozenset(op.name for op in OPS.values() if any(argument.name == "low" for argument in op.arguments))
"""Names of instructions that depend on the value range, because they clip to it."""
