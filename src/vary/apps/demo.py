"""`vary demo`: runs a policy on a folder of pictures, prints what it does and how fast, and writes a sheet."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

import vary
from vary.apps.bars import bar
from vary.apps.inputs import SAMPLES, UserError, policy_of, sample_folder, sheet_target, source_of
from vary.apps.preview import preview_of

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

COPIES, SAMPLE_EPOCHS = 128, 4
DATA_EPOCHS = 2  # with the user's own pictures: the first decodes them, the second shows what the cache saves
BATCH, ROWS = 32, 6


def demo(args: Namespace) -> None:
    target = sheet_target(args.output, args.data)
    policy = policy_of(args.policy, args.dtype)
    with nullcontext(source_of(args.data, "demo DATA")) if args.data else sample_folder(COPIES) as root:
        folder = vary.sources.Folder(root, dtype=args.dtype)
        say(*found(folder, args.data), "", repr(policy), "")
        say("What it does to the first picture:", *indented(policy.explain(first_shape(folder), dtype=args.dtype)), "")
        stream = vary.stream(folder, policy, batch_size=BATCH, seed=0, on_error="skip")
        speeds, total = run(stream, args.epochs or (DATA_EPOCHS if args.data else SAMPLE_EPOCHS))
        say("Its stream, in the last epoch:", *indented(str(stream.report())), "")
        say("Epoch by epoch:", *indented("\n".join(speeds)), "")
        seen = preview_of(policy, folder, ROWS if args.data else len(SAMPLES))
        say("The values on the sheet:", *indented("\n".join(seen.notes)), "")
        seen.save(target)
    say(f"Sheet: {target}", total)


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]


def found(folder: vary.sources.Folder, data: str | None) -> list[str]:
    if data is None:
        what = f"{len(SAMPLES)} photographs of scikit-image as JPEG, {COPIES} copies of each to time"
    else:
        what = f"{len(folder)} pictures in {data}"
    if folder.classes is None or folder.labels is None:
        return [what, "No sub-folders, so no classes: the batches hold pictures alone."]
    counts = np.bincount(folder.labels, minlength=len(folder.classes))
    width = max(map(len, folder.classes))
    table = [f"  {name:<{width}}  {count:>6}" for name, count in zip(folder.classes, counts, strict=True)]
    shown = table if len(table) <= 12 else [*table[:10], f"  and {len(table) - 10} more"]
    return [what, f"{len(table)} classes:" if len(table) > 1 else "1 class:", *shown]


def first_shape(folder: vary.sources.Folder) -> tuple[int, ...]:
    """Height, width and channels of the first picture that opens."""
    for index in range(len(folder)):
        try:
            image: np.ndarray = vary.read_image(folder.path(index))
            return image.shape
        except (vary.DecodeError, vary.SourceError) as error:
            last = error
    raise UserError(f"none of the {len(folder)} pictures can be opened; the last: {last}")


def run(stream: vary.Stream, epochs: int) -> tuple[list[str], str]:
    """Iterate over the epochs. Returns a line for each with its speed, and a line for all together."""
    speeds, pictures, waited = [], 0, 0.0
    last: np.ndarray = np.empty(0)
    began = time.perf_counter()
    with bar("epochs", epochs * len(stream)) as advance:
        for epoch in range(epochs):
            for batch, wait in timed(stream):
                last = batch[0]
                pictures += len(last)
                waited += wait
                advance()
            speeds.append(speed_of(epoch, stream.report()))
    took = time.perf_counter() - began
    work = f"{count(epochs, 'epoch')} of {count(stream.report().images, 'file')}"
    result = f"{last.shape[1]} x {last.shape[2]} {last.dtype}"
    threads = count(stream.options.total_threads, "thread")
    waiting = f"the consumer, doing nothing else, waited {waited / took:.0%} of {took:.1f} s"
    return speeds, f"{pictures / took:,.0f} images/s: {work} to {result}, {threads}; {waiting}"


def speed_of(epoch: int, report: vary.Report) -> str:
    nothing = not report.cache or report.cache.startswith("none")
    kept = "" if nothing else f"; {report.cache_hits} of {report.images} from the cache"
    return f"epoch {epoch}: {report.images_per_second:,.0f} images/s{kept}"


def timed(stream: vary.Stream) -> Iterator[tuple[vary.Batch, float]]:
    """Every batch of an epoch, with the seconds that the loop waited for it."""
    batches = iter(stream)
    while True:
        began = time.perf_counter()
        batch = next(batches, None)
        if batch is None:
            return
        yield batch, time.perf_counter() - began


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
