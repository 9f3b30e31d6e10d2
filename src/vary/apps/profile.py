"""`vary profile`: how fast batches are made from these files, in each epoch, and what limits the speed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import vary
from vary.apps.bars import bar
from vary.apps.inputs import UserError, policy_of, source_of

if TYPE_CHECKING:
    from argparse import Namespace

GIVEN = ("batch_size", "threads", "prefetch", "views", "seed", "on_error", "cache_bytes")
KEYWORD = re.compile(rf"(?<![\w/.-])({'|'.join(GIVEN)}|cache)=(?:([\"'])(\w+)\2|(None|\d+)?(?=[;:,)\s]|$))")


def profile(args: Namespace) -> None:
    source = vary.sources.Folder(source_of(args.source, "profile SOURCE"), dtype=args.dtype)
    policy = policy_of(args.policy, args.dtype)
    given = {name: getattr(args, name) for name in GIVEN}
    cache = None if args.cache == "none" else args.cache
    try:
        stream = vary.stream(source, policy, cache=cache, **given)
        reports = [one_epoch(stream, epoch) for epoch in range(args.epochs)]
    except vary.VaryError as error:
        raise UserError(as_options(str(error))) from error
    if args.json:
        print(json.dumps([report.as_dict() for report in reports], indent=2))
    else:
        print(as_options("\n\n".join(map(str, reports))))


def as_options(text: str) -> str:
    """The text with options of this command instead of keywords: --on-error skip for on_error="skip"."""

    def option(found: re.Match[str]) -> str:
        return f"--{found[1].replace('_', '-')} {(found[3] or found[4] or '').lower()}".rstrip()

    return KEYWORD.sub(option, text)


def one_epoch(stream: vary.Stream, epoch: int) -> vary.Report:
    """The report of an epoch with a consumer that does nothing; the progress bar shows the speed."""
    with bar(f"epoch {epoch}", len(stream)) as advance:
        for _ in stream:
            advance(f"epoch {epoch}  {stream.report().images_per_second:,.0f} images/s")
    return stream.report()
