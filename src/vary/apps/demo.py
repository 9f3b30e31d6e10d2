"""The whole way on real pictures: a folder, a policy, a stream, a sheet, and how fast it went."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import vary
from vary.apps.bars import bar
from vary.apps.inputs import SAMPLES, policy_of, sample_folder, sheet_target, spread
from vary.apps.preview import make_sheet

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

COPIES, SAMPLE_EPOCHS = 128, 4
BATCH, ROWS, COLUMNS = 32, 6, 8


def demo(args: Namespace) -> None:
    target = sheet_target(args.output, args.data)
    policy = policy_of(args.policy)
    with nullcontext(Path(args.data)) if args.data else sample_folder(COPIES) as root:
        folder = vary.sources.Folder(root)
        say(*found(folder, args.data))
        say("", *written(policy))
        first = vary.read_image(folder.path(0))
        say("", "What it does to the first picture:", *indented(policy.explain(first.shape)), "")
        line = run(folder, policy, args.epochs or (1 if args.data else SAMPLE_EPOCHS))
        rows = ROWS if args.data else len(SAMPLES)
        make_sheet(spread(folder, rows), policy, COLUMNS, 0, target)
    say(f"Sheet: {target}", line)


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]


def found(folder: vary.sources.Folder, data: str | None) -> list[str]:
    if data is None:
        what = f"{len(SAMPLES)} photographs of scikit-image as JPEG, {COPIES} copies of each to time"
    else:
        what = f"{len(folder)} pictures in {data}"
    if folder.classes is None:
        return [what, "No sub-folders, so no classes: the batches hold pictures alone."]
    counts = np.bincount(folder.labels, minlength=len(folder.classes))
    width = max(map(len, folder.classes))
    table = [f"  {name:<{width}}  {count:>6}" for name, count in zip(folder.classes, counts, strict=True)]
    shown = table if len(table) <= 12 else [*table[:10], f"  and {len(table) - 10} more"]
    return [what, f"{len(table)} classes:" if len(table) > 1 else "1 class:", *shown]


def written(policy: vary.Policy) -> list[str]:
    """The policy, a transform a line."""
    values = {**policy.values(), "fill": policy.fill}
    others = "".join(f", {name}={value!r}" for name, value in values.items() if name != "transforms")
    return ["Policy([", *(f"    {one!r}," for one in policy.transforms), f"]{others})"]


def run(folder: vary.sources.Folder, policy: vary.Policy, epochs: int) -> str:
    """Stream the epochs past a consumer that only counts; the line that says how fast."""
    stream = vary.stream(folder, policy, batch_size=BATCH, seed=0)
    pictures, waited, last = 0, 0.0, np.empty(0)
    began = time.perf_counter()
    with bar("epochs", epochs * len(stream)) as advance:
        for batch, wait in timed(stream, epochs):
            last = batch[0]
            pictures += len(last)
            waited += wait
            advance()
    took = time.perf_counter() - began
    height, width = last.shape[1:3]
    return (
        f"{pictures / took:,.0f} images/s: {count(epochs, 'epoch')} of {len(folder)} files to {height} x {width} "
        f"{last.dtype}, {count(stream.threads, 'thread')}; the consumer, doing nothing else, waited "
        f"{waited / took:.0%} of {took:.1f} s"
    )


def timed(stream: Any, epochs: int) -> Iterator[tuple[Any, float]]:
    """Every batch of the epochs, with the seconds it took to come."""
    for _ in range(epochs):
        batches = iter(stream)
        while True:
            began = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                break
            yield batch, time.perf_counter() - began


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
