"""A policy seen on pictures: what a stream of the same seed gives in its first epochs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import vary
from vary.apps.bars import bar
from vary.apps.inputs import Picked, policy_of, sample_folder, sheet_target, source_of, spread
from vary.apps.sheet import lay_out, save, with_notes
from vary.apps.values import as_levels, scale_of, statement

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from pathlib import Path


def preview(args: Namespace) -> None:
    target = sheet_target(args.output, args.source)
    policy = policy_of(args.policy)
    with nullcontext(source_of(args.source, "preview SOURCE")) if args.source else sample_folder(copies=1) as source:
        one = [Picked(0, vary.read_image(source), ("", source.name))] if source.is_file() else None
        picked = one or spread(vary.sources.Folder(source), args.rows)
        notes = make_sheet(picked, policy, args.columns, args.seed, target)
    print(*notes, target, sep="\n")


def make_sheet(picked: Sequence[Picked], policy: vary.Policy, columns: int, seed: int, target: Path) -> list[str]:
    """Rows are pictures: the original, then its variation in epoch 0, 1, 2 and on. What is said of their values."""
    rows, programs = [], []
    with bar("sheet", len(picked)) as advance:
        for one in picked:
            draws: list[dict[str, Any]] = [
                {"seed": seed, "epoch": epoch, "index": one.number} for epoch in range(columns - 1)
            ]
            rows.append([policy(one.image, **draw) for draw in draws])
            programs += [policy.program(one.image.shape, **draw) for draw in draws]
            advance()
    originals, scale = [one.image for one in picked], scale_of(programs, policy.value_range)  # type: ignore[arg-type]
    notes = [
        statement("originals", originals),
        statement("variations", [image for row in rows for image in row], scale),
    ]
    captions = ["original", *(f"epoch {epoch}" for epoch in range(columns - 1))]
    variations = [[as_levels(image, scale) for image in row] for row in rows]
    sheet = lay_out(originals, variations, captions, [one.title for one in picked])
    save(with_notes(sheet, notes), target)
    return notes
