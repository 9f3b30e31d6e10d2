"""A stream in a notebook: its classes, its options, and a row of samples of the next epoch, as training gets them.

The samples are made by the code that makes batches. The stream's state does not change, and only the files of these
samples are read.
"""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from vary.display.fields import BatchSchema, Pictures, batch_sheet
from vary.display.outline import policy_html
from vary.display.page import block, details, grid, heading, muted, safe, table
from vary.display.pixels import scale_of_runner
from vary.display.preview import Preview
from vary.display.sheet import as_png
from vary.display.text import counted
from vary.sources import class_ids, masks_of, reads_for_labels
from vary.streams.options import Options
from vary.streams.views import mask_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.plan.runner import Runner
    from vary.sources import Indexed
    from vary.streams.batch import Batch
    from vary.streams.epochs import Epochs
    from vary.streams.mix import Mixed
    from vary.streams.stream import Stream
    from vary.streams.views import ViewSpec

__all__ = ["schema_of", "mixed_html", "preview_of", "row_png", "stream_html"]

ROW = 8  # samples in the row
CLASSES = 12  # most classes that are listed with their counts
LABELS = 1_000_000  # most labels that are read to count classes


def schema_of(source: Indexed, specs: Sequence[tuple[ViewSpec, Runner]], options: Options) -> BatchSchema:
    """The schema of a stream's batches. specs: its view specs, each with the runner of its policy."""
    pictures = [
        Pictures(spec.field, options.layout, spec.count is not None, scale_of_runner(runner, spec.policy.value_range))  # type: ignore[arg-type]
        for spec, runner in specs
    ]
    if masks_of(source) is not None:
        pictures += [one._replace(field=mask_field(one.field), scale=None, masks=True) for one in pictures]
    return BatchSchema(source.classes, tuple(pictures))


def preview_of(epochs: Epochs, batch: Batch, most: int) -> Preview:
    """A preview of at most `most` samples of a batch of `Epochs._first`."""
    sheet = batch_sheet(batch, most, min(epochs.options.batch_size, epochs._count(epochs.epoch)))
    shown = len(sheet.titles) or len(sheet.cells)
    return Preview(f"the first {counted(shown, 'sample')} of epoch {batch.epoch}", sheet)


def row_png(epochs: Epochs) -> bytes | None:
    """A row of samples; None if they cannot be made."""
    try:
        return as_png(_row(epochs).sheet)
    except Exception:  # noqa: BLE001  the HTML, which is shown as well, says why
        return None


def _row(epochs: Epochs) -> Preview:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these warnings appear when the stream is iterated over
        return preview_of(epochs, epochs._first(ROW, warn=False), ROW)


def stream_html(stream: Stream) -> str:
    o = stream.options
    policies = "".join(
        details(
            f"policy of <b>{safe(spec.field)}</b>" if len(stream._specs) > 1 else "policy", policy_html(spec.policy)
        )
        for spec, _ in stream._specs
    )
    rows = [
        ("source", _name(stream.source)),
        *_length(stream),
        *_classes(stream.source),
        ("next epoch", str(stream.epoch)),
        ("options", _options(o)),
    ]
    return block(heading("<b>Stream</b>"), table(_muted(rows)), policies, _samples(stream))


def mixed_html(mixed: Mixed) -> str:
    rows = [*_length(mixed), ("next epoch", str(mixed.epoch)), ("options", _options(mixed.options))]
    whole = sum(mixed.ratios)
    each = [
        (
            str(number),
            f"{ratio / whole:.1%}",
            f"{stream._count(stream.epoch):,}",
            _name(stream.source),
        )
        for number, (stream, ratio) in enumerate(zip(mixed.streams, mixed.ratios, strict=True))
    ]
    streams = table(each, ("stream", "share", "samples an epoch", "source"))
    return block(
        heading(f"<b>Mixed</b> {muted(counted(len(each), 'stream'))}"), table(_muted(rows)), streams, _samples(mixed)
    )


def _muted(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(muted(name), html) for name, html in rows]


def _name(source: Indexed) -> str:
    root = getattr(source, "root", None)
    return safe(type(source).__name__ if root is None else f"{type(source).__name__} {root}")


def _length(epochs: Epochs) -> list[tuple[str, str]]:
    o = epochs.options
    n = epochs._count(epochs.epoch)
    ranks = f" on each of {o.part.ranks} ranks" if o.shard else ""
    return [
        (
            "epoch",
            f"{counted(n, 'sample')} in {counted(len(epochs), 'batch')} of {o.batch_size}{ranks}",
        ),
        ("fields", safe(", ".join(epochs.fields))),
    ]


def _classes(source: Indexed) -> list[tuple[str, str]]:
    try:
        counts = _class_counts(source)
    except Exception:  # noqa: BLE001  an error of the user's own source: show the rest without counts
        counts = None
    if counts is None:
        return [] if source.classes is None else [("classes", f"{len(source.classes):,}")]
    said = [f"{safe(name, 40)} {muted(f'{n:,}')}" for name, n in counts[:CLASSES]]
    more = [f"and {len(counts) - CLASSES:,} more"] if len(counts) > CLASSES else []
    sizes = [n for _, n in counts]
    spread = muted(f" ({min(sizes):,} to {max(sizes):,} samples each)") if more else ""
    return [("classes", f"{len(counts):,}: {', '.join(said + more)}{spread}")]


def _class_counts(source: Indexed) -> list[tuple[str, int]] | None:
    """Each class and its number of samples; None if there are no class ids, or if counting would read samples or be
    slow."""
    counts: list[int] | None = source.class_counts() if hasattr(source, "class_counts") else None
    if counts is None and not reads_for_labels(source) and len(source) <= LABELS:
        ids = class_ids(source)
        if ids is not None and 0 <= ids.min() <= ids.max() < len(ids):
            counts = np.bincount(ids).tolist()
    if counts is None:
        return None
    names = source.classes or list(map(str, range(len(counts))))
    return list(zip(names, [*counts, *[0] * (len(names) - len(counts))], strict=True))


def _options(options: Options) -> str:
    """The seed, and the options that differ from their defaults."""
    usual = Options()
    names = [one.name for one in fields(Options) if one.name not in ("batch_size", "seed")]
    changed = [name for name in names if getattr(options, name) != getattr(usual, name)]
    return ", ".join(f"{name} {safe(getattr(options, name))}" for name in ["seed", *changed])


def _samples(epochs: Epochs) -> str:
    """A row of samples; if they cannot be made, the reason."""
    try:
        return grid(_row(epochs).sheet)
    except Exception as error:  # noqa: BLE001  a source, file or function of the user may raise anything
        return f"<div>no samples to show: {safe(error, 600)}</div>"
