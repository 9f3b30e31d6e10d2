"""A source and a policy as batches that are ready before they are asked for.

    batch = f(source, policy, seed, epoch, positions), whatever the threads, the batch size and the prefetch

    options    what `stream` was told, checked at once
    order      position in the epoch -> index in the source
    batch      indices -> one batch: read, open, one native call
    iteration  an epoch under way: threads, prefetch, the end of both
    loader     `Stream`: epochs, one after the other
    report     what an epoch cost and what limits it

Nothing is global: threads belong to one iteration and end with it, and a stream at rest is plain data. At most
`prefetch` batches are ready or in work beside the one that is handed over. A source is only ever read.
"""

from vary.stream.batch import Batch
from vary.stream.loader import Stream, stream
from vary.stream.report import Report

__all__ = ["Batch", "Report", "Stream", "stream"]
