"""`vary migrate`: rewrites a program or notebook from Keras' ImageDataGenerator to `vary.keras`."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from vary.apps.inputs import UserError
from vary.apps.keras_code import Rewriter
from vary.apps.keras_traps import Reader
from vary.apps.sources import Document

if TYPE_CHECKING:
    from argparse import Namespace

SUFFIXES = (".py", ".ipynb")


def migrate(args: Namespace) -> None:
    path = Path(args.file).expanduser()
    if path.suffix not in SUFFIXES:
        raise UserError(f"{args.file} is no program; give a file that ends in .py or .ipynb")
    document = Document(path)
    rewriter = Rewriter(document.sources)
    rewriter.run()
    reader = Reader(document.sources, rewriter)
    reader.run()
    text = document.edited()
    changed = text != document.text
    if args.diff:
        lines = document.text.splitlines(keepends=True), text.splitlines(keepends=True)
        print("".join(difflib.unified_diff(*lines, str(path), f"{path} (vary)")), end="")
    elif changed:
        path.write_bytes(text.encode("utf-8"))
    count, wrote = len(rewriter.changes), "would be made" if args.diff else "made"
    print(f"{path}: {count} change{'s'[: count != 1]} {wrote}" if changed else f"{path}: no changes")
    for said in rewriter.changes:
        print(f"  {said}")
    skipped = [
        f"{source.name.rstrip(', ')} is not Python 3: {source.fault}" for source in document.sources if source.fault
    ]
    _listed("skipped", skipped)
    _listed("traps", reader.traps)
    for place, policy in reader.policies():
        print(f"\nthe generator of {place} as a policy:")
        print("\n".join(f"  {line}" for line in policy.splitlines()))


def _listed(head: str, lines: list[str]) -> None:
    if lines:
        print(f"\n{head}:")
        print("\n".join(f"  {line}" for line in lines))
