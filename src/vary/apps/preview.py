"""A policy seen on pictures: what a stream of the same seed gives in its first epochs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import vary
from vary.apps.bars import bar
from vary.apps.inputs import Picked, policy_of, sample_folder, sheet_target, source_of, spread
from vary.apps.sheet import lay_out, save, shown

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from pathlib import Path


def preview(args: Namespace) -> None:
    target = sheet_target(args.output, args.source)
    policy = policy_of(args.policy)
    with nullcontext(source_of(args.source, "preview SOURCE")) if args.source else sample_folder(copies=1) as source:
        one = [Picked(0, vary.read_image(source))] if source.is_file() else None
        make_sheet(one or spread(vary.sources.Folder(source), args.rows), policy, args.columns, args.seed, target)
    print(target)


def make_sheet(picked: Sequence[Picked], policy: vary.Policy, columns: int, seed: int, target: Path) -> None:
    """Rows are pictures: the original, then its variation in epoch 0, 1, 2 and on."""
    originals, variations = [], []
    with bar("sheet", len(picked)) as advance:
        for one in picked:
            originals.append(one.image)
            variations.append([shown(policy, one.image, seed, epoch, one.number) for epoch in range(columns - 1)])
            advance()
    captions = ["original", *(f"epoch {epoch}" for epoch in range(columns - 1))]
    save(lay_out(originals, variations, captions), target)
