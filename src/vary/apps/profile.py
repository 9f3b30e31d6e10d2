"""`vary profile`: what feeding a training from these files costs, epoch by epoch, and what limits it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import vary
from vary.apps.bars import bar
from vary.apps.inputs import policy_of, source_of

if TYPE_CHECKING:
    from argparse import Namespace


def profile(args: Namespace) -> None:
    source = vary.sources.Folder(source_of(args.source, "profile SOURCE"))
    names = ("batch_size", "threads", "prefetch", "views", "seed", "on_error", "cache_bytes")
    given = {name: getattr(args, name) for name in names}
    cache = None if args.cache == "none" else args.cache
    stream = vary.stream(source, policy_of(args.policy), cache=cache, **given)
    reports = [one_epoch(stream, epoch) for epoch in range(args.epochs)]
    if args.json:
        print(json.dumps([report.as_dict() for report in reports], indent=2))
    else:
        print("\n\n".join(map(str, reports)))


def one_epoch(stream: vary.Stream, epoch: int) -> Any:
    """Through it with a consumer that does nothing; the bar tells the speed meanwhile."""
    with bar(f"epoch {epoch}", len(stream)) as advance:
        for _ in stream:
            advance(f"epoch {epoch}  {stream.report().images_per_second:,.0f} images/s")
    return stream.report()
