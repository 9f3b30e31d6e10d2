"""Values that are written in a program: constants, arithmetic, lists, dicts, and names that have one value."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vary.apps.keras_names import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["UNKNOWN", "Values"]

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


class Values:
    """Of the names of a program. A name that several statements set has no known value."""

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self._constants: dict[str, object] = {}
        self.written: dict[str, ast.expr] = {}
        """Name -> the expression that it is set to, if it is set once."""
        listed = list(nodes)
        for node in listed:
            for name, value in assigned(node):
                if name in self._constants:
                    self.written.pop(name, None)
                else:
                    self.written[name] = value
                known = self.value(value)
                self._constants[name] = UNKNOWN if name in self._constants and self._constants[name] != known else known
        for node in listed:  # names that other statements set, too
            if isinstance(node, ast.arg):
                self._forget(node.arg)
            elif isinstance(node, ast.For | ast.comprehension | ast.AugAssign):
                self._forget(dotted(node.target))

    def _forget(self, name: str) -> None:
        self._constants[name] = UNKNOWN
        self.written.pop(name, None)

    def value(self, node: ast.expr) -> object:
        """The value of a constant, of arithmetic, of a list, or of a name that has one value; else UNKNOWN. A dict may
        hold UNKNOWN."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name | ast.Attribute):
            return self._constants.get(dotted(node), UNKNOWN)
        if isinstance(node, ast.List | ast.Tuple):
            listed = [self.value(one) for one in node.elts]
            return UNKNOWN if any(one is UNKNOWN for one in listed) else tuple(listed)
        if isinstance(node, ast.Dict):
            keys = [UNKNOWN if key is None else self.value(key) for key in node.keys]
            return dict(zip(keys, map(self.value, node.values), strict=True))
        if isinstance(node, ast.Call) and dotted(node.func) == "dict" and not node.args:
            return {one.arg or UNKNOWN: self.value(one.value) for one in node.keywords}
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.value(node.operand)
            return -inner if isinstance(inner, int | float) else UNKNOWN
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node)
        return UNKNOWN

    def _arithmetic(self, node: ast.BinOp) -> object:
        left, right = self.value(node.left), self.value(node.right)
        compute = OPERATORS.get(type(node.op))
        if compute is None or not isinstance(left, int | float) or not isinstance(right, int | float):
            return UNKNOWN
        if isinstance(node.op, ast.Pow) and abs(right) > MOST_POWER:
            return UNKNOWN
        try:
            return compute(left, right)
        except ArithmeticError:
            return UNKNOWN


def assigned(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """(name, expression) of each name that an assignment sets; names are dotted, such as self.size."""
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        pairs = [(node.target, node.value)]
    else:
        return []
    found = []
    for target, value in pairs:
        if not isinstance(target, ast.Tuple | ast.List):
            found.append((dotted(target), value))
        elif isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
            found += [(dotted(one), each) for one, each in zip(target.elts, value.elts, strict=True)]
    return [(name, value) for name, value in found if name]
