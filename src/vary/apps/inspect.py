"""`vary inspect`: what is in the data, before a network trains on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vary
from vary.apps.bars import bar
from vary.apps.inputs import sheet_target, source_of

if TYPE_CHECKING:
    from argparse import Namespace


def inspect(args: Namespace) -> None:
    source = source_of(args.source, "inspect SOURCE")
    target = None if args.output is None else sheet_target(args.output, source)
    parts: dict[str, object] = {"source": source, "against": args.against} if args.against else {}
    with bar("reading", 1) as advance:
        found = vary.inspect(parts or source, threads=args.threads, progress=lambda total: advance(total=total))
    print(found.as_json() if args.json else found)
    if target is not None:
        found.sheet().save(target)
        if not args.json:
            print(target)
