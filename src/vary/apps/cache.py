"""`vary cache`: what `cache="disk"` keeps; `--clear` deletes it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import vary
from vary.apps.demo import count

if TYPE_CHECKING:
    from argparse import Namespace


def cache(args: Namespace) -> None:
    found = vary.disk_cache()
    if args.clear:
        freed, left = found.clear()
        print(f"freed {amount(freed)} in {found.folder}")
        for path, why in left.items():
            print(f"left {path.name}, {amount(path.stat().st_size if path.exists() else 0)}: {why}")
        return
    print(f"folder     {found.folder}")
    if found.used is None:
        print("size       nothing is kept there")
        return
    print(f"size       {amount(found.bytes)} in {count(found.files, 'file')}")
    print(f"last used  {time.strftime('%Y-%m-%d %H:%M', time.localtime(found.used))}")


def amount(held: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if held >= size:
            return f"{held / size:,.1f} {unit}"
    return count(held, "byte")
