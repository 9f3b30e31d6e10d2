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
    from collections.abc import Iterable

SUFFIXES = (".py", ".ipynb")
SKIPPED = ("__pycache__", "node_modules", "site-packages", "venv")
"""Folders whose programs are not the user's; those that begin with a dot are skipped, too."""


def migrate(args: Namespace) -> None:
    """Rewrite the files `args.file`, or show the changes with `args.diff`. `UserError` at the end if some failed."""
    failures: list[str] = []
    files = [file for given in args.file for file in _files(given)]
    for path in files:
        try:
            _migrate(path, args.diff)
        except UserError as error:
            failures.append(str(error))
        except OSError as error:
            failures.append(f"{path}: {error.strerror}")
    if failures:
        rest = f" ({len(failures)} of {len(files)} files stay as they are)" if len(files) > 1 else ""
        raise UserError("\nvary: error: ".join(failures) + rest)


def _files(given: str) -> list[Path]:
    """The file, or the programs and notebooks in a folder."""
    path = Path(given).expanduser()
    if path.is_dir():
        found = sorted(one for suffix in SUFFIXES for one in path.rglob(f"*{suffix}"))
        return [one for one in found if not any(map(_is_skipped, one.relative_to(path).parts))]
    if path.suffix not in SUFFIXES:
        raise UserError(f"{given} is not a program; give a file that ends in .py or .ipynb, or a folder")
    return [path]


def _is_skipped(part: str) -> bool:
    return part in SKIPPED or part.startswith(".")


def _migrate(path: Path, only_show: bool) -> None:
    document = Document(path)
    rewriter = Rewriter(document.sources)
    rewriter.run()
    reader = Reader(document.sources, rewriter)
    reader.run()
    text = document.edited()
    changed = text != document.text
    if only_show:
        lines = document.text.splitlines(keepends=True), text.splitlines(keepends=True)
        print("".join(_ended(difflib.unified_diff(*lines, str(path), f"{path} (vary)"))), end="")
    elif changed:
        document.write(text)
    count, wrote = len(rewriter.changes), "would be made" if only_show else "made"
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


def _ended(lines: Iterable[str]) -> Iterable[str]:
    """Lines of a difference; one without an end gets it, and says so, as in Git."""
    return (line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _listed(head: str, lines: list[str]) -> None:
    if lines:
        print(f"\n{head}:")
        print("\n".join(f"  {line}" for line in lines))
