"""`vary transforms`, from the declarations of the transforms, and `vary --version`."""

from __future__ import annotations

import inspect
import json
import sys
from typing import TYPE_CHECKING

import vary
from vary.apps.inputs import UserError

if TYPE_CHECKING:
    from argparse import Namespace

    from rich.table import Table

Kind = type[vary.Transform]
Field = vary.transforms.base.Field
REQUIRED = inspect.Parameter.empty


def versions() -> str:
    return (
        f"vary {vary.__version__}\n"
        f"instruction sets: {', '.join(vary.targets())}; live: {vary.target()}\n"
        f"libjpeg-turbo {vary.libjpeg_version()}"
    )


def transforms(args: Namespace) -> None:
    registry = vary.transforms.REGISTRY
    if args.name is not None and args.name not in registry:
        hint = vary.transforms.base.suggest(args.name, registry) or "see: vary transforms"
        raise UserError(f"there is no transform {args.name!r}; {hint}")
    chosen = [registry[name] for name in ([args.name] if args.name else sorted(registry))]
    if args.json:
        print(json.dumps([described(kind) for kind in chosen], indent=2))
        return
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    if args.name:
        head = f"{args.name}({_call(chosen[0])})"
        console.print(f"{head}\n\n{own_words(chosen[0])}\n", markup=False, emoji=False)
        console.print(_arguments_table(chosen[0]))
    else:
        console.print(_overview(chosen))
        console.print(
            "Each also takes p, the probability of being applied (1 unless listed). In full: vary transforms NAME"
        )


def described(kind: Kind) -> dict[str, object]:
    """A transform as plain data."""
    return {
        "name": kind.__name__,
        "doc": own_words(kind),
        "arguments": [_argument(name, field) for name, field in kind.fields.items()],
    }


def own_words(kind: Kind) -> str:
    return vary.transforms.describe.own_words(kind)


def _call(kind: Kind) -> str:
    """The arguments without their types: `angle, *, p=1`."""
    parameters = inspect.signature(kind).parameters.values()
    return str(inspect.Signature([one.replace(annotation=one.empty) for one in parameters]))[1:-1]


def _argument(name: str, field: Field) -> dict[str, object]:
    required = field.default is REQUIRED
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
        first = own_words(kind).partition("\n")[0]
        table.add_row(Text(kind.__name__, "bold"), "", Text(first))
        for name, field in kind.fields.items():
            if name != "p" or field.default != 1:
                signed = f"  {name}" + (f"={_default(field)}" if field.default is not REQUIRED else "")
                table.add_row(Text(signed), Text(_range(field)), Text(field.doc, "dim"))
    return table


def _arguments_table(kind: Kind) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("argument", "default", "range", "what it means", box=box.SIMPLE, pad_edge=False)
    for name, field in kind.fields.items():
        table.add_row(Text(name, "bold"), Text(_default(field)), Text(_range(field)), Text(field.doc))
    return table


def _default(field: Field) -> str:
    if field.default is REQUIRED:
        return "required"
    return f"as {field.same_as}" if field.same_as else vary.transforms.describe.plain(field.default)


def _range(field: Field) -> str:
    return vary.transforms.describe.limits(field.within) if field.within else ""
