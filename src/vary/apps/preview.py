"""`vary preview`: a sheet of pictures, each as a stream of the same seed varies it in its first epochs."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import vary
from vary.apps.bars import bar
from vary.apps.inputs import CountedReads, policy_of, sample_folder, sheet_target, source_of

if TYPE_CHECKING:
    from argparse import Namespace


def preview(args: Namespace) -> None:
    target = sheet_target(args.output, args.source)
    policy = policy_of(args.policy, args.dtype)
    with nullcontext(source_of(args.source, "preview SOURCE")) if args.source else sample_folder(copies=1) as source:
        dtype = args.dtype
        pictures = vary.Files([source], dtype=dtype) if source.is_file() else vary.Folder(source, dtype=dtype)
        seen = preview_of(policy, pictures, args.rows, n=args.columns - 1, seed=args.seed)
    for path, reason in seen.skipped:
        print(f"vary: skipped: {path}: {reason}", file=sys.stderr)
    seen.save(target)
    print(*seen.notes, target, sep="\n")


def preview_of(policy: vary.Policy, pictures: vary.Files | vary.Folder, rows: int, **how: int) -> vary.Preview:
    """`Policy.preview` with a progress bar."""
    if not isinstance(pictures, vary.Folder):
        return policy.preview(pictures, **how)
    with bar("sheet", min(rows, len(pictures))) as advance:
        return policy.preview(CountedReads(pictures, advance), rows=rows, **how)
