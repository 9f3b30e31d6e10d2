"""What there is: the transforms as they declare themselves, and the versions of what does the work."""

from __future__ import annotations

import inspect
import json
import sys
from typing import TYPE_CHECKING, Any

import vary
from vary.apps.inputs import UserError

if TYPE_CHECKING:
    from argparse import Namespace

    from rich.table import Table

Kind = type[vary.Transform]


def versions() -> str:
    return (
        f"vary {vary.__version__}\n"
        f"instruction sets: {', '.join(vary.targets())}; live: {vary.target()}\n"
        f"libjpeg-turbo {vary.libjpeg_version()}"
    )


def transforms(args: Namespace) -> None:
    registry = vary.transforms.REGISTRY
    if args.name is not None and args.name not in registry:
        hint = vary.transforms.base.near(args.name, registry) or "see: vary transforms"
        raise UserError(f"there is no transform {args.name!r}; {hint}")
    chosen = [registry[name] for name in ([args.name] if args.name else sorted(registry))]
    if args.json:
        print(json.dumps([described(kind) for kind in chosen], indent=2))
        return
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    if args.name:
        console.print(f"{args.name}\n\n{inspect.getdoc(chosen[0])}\n", markup=False, emoji=False)
        console.print(_arguments_table(chosen[0]))
    else:
        console.print(_overview(chosen))
        console.print(
            "Each also takes p, the probability of being applied (1 unless listed). In full: vary transforms NAME"
        )


def described(kind: Kind) -> dict[str, Any]:
    """A transform as plain data."""
    return {
        "name": kind.__name__,
        "doc": inspect.getdoc(kind),
        "arguments": [_argument(name, field) for name, field in kind.fields.items()],
    }


def _argument(name: str, field: vary.transforms.base.Field) -> dict[str, Any]:
    required = field.default is inspect.Parameter.empty
    default = {} if required else {"default": field.default}
    within = {} if field.within is None else {"within": field.within}
    return {"name": name, "required": required, **default, **within, "doc": field.doc}


def _overview(kinds: list[Kind]) -> Table:
    from rich import box
    from rich.table import Column, Table
    from rich.text import Text

    narrow = Column("range", max_width=20)  # words may wrap: sentences need the room
    table = Table("transform", narrow, "what it means", box=box.SIMPLE, pad_edge=False)
    for kind in kinds:
        first = (inspect.getdoc(kind) or "").partition("\n")[0]
        table.add_row(Text(kind.__name__, "bold"), "", Text(first))
        for argument in described(kind)["arguments"]:
            if argument["name"] != "p" or argument["default"] != 1:
                table.add_row(Text(f"  {_signed(argument)}"), Text(_range(argument)), Text(argument["doc"], "dim"))
    return table


def _arguments_table(kind: Kind) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("argument", "default", "range", "what it means", box=box.SIMPLE, pad_edge=False)
    for argument in described(kind)["arguments"]:
        default = "required" if argument["required"] else _plain(argument["default"])
        table.add_row(Text(argument["name"], "bold"), Text(default), Text(_range(argument)), Text(argument["doc"]))
    return table


def _signed(argument: dict[str, Any]) -> str:
    return argument["name"] if argument["required"] else f"{argument['name']}={_plain(argument['default'])}"


def _range(argument: dict[str, Any]) -> str:
    within = argument.get("within", ())
    return (", " if within and isinstance(within[0], str) else " .. ").join(map(_plain, within))


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"({', '.join(map(_plain, value))})" if isinstance(value, tuple) else str(value)
