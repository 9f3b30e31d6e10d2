"""Progress bars: on stderr, only if it is a terminal, and removed at the end."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[..., None]]:
    """A bar of `total` steps. Yields a function that advances it by one; its arguments, if given, are the new label and
    the new number of steps."""
    if not sys.stderr.isatty():
        yield lambda words=None, total=None: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)

        def advance(words: str | None = None, total: int | None = None) -> None:
            progress.update(task, advance=1, description=words, total=total)  # None: as before

        yield advance
