"""A source and a policy as batches that are ready before they are asked for.

    batch = f(source, policy, seed, epoch, positions), whatever the threads, the batch size and the prefetch

    options    what `stream` was told, checked at once
    shard      place in a rank's share -> position in the epoch
    order      position -> slot: the shuffles
    slots      slot -> index in the source, and which of its repetitions
    views      which pictures are made of a sample
    task       all that a batch depends on, its positions aside
    batch      what is handed over
    make       positions -> one batch, others standing in for what is broken
    pictures   samples -> fields of pictures, in slices
    inputs     where they come from: arrays, files, or `blocks` of what was decoded before
    cache      decoded files in memory, within a budget, or on disk; `choose` says which
    pool       who makes batches: threads, or with process=True `side`, a process (`serve`, `shared`, `wire`)
    iteration  an epoch under way: what is ahead, the hand-over, the end
    epochs     one iteration after the other, also from a saved state (`state`)
    keras      `model.fit(stream)`: a stream as a Keras dataset
    loader     `Stream`: epochs of one source
    mix        `Mixed`: epochs of several streams; `pattern` says whose a position is, `blend` makes the batches
    report     what an epoch cost and what limits it

Nothing is global: threads belong to an iteration, and a stream at rest is plain data. At most
`prefetch` batches are ready or in work beside the one that is handed over. A source is only ever read; the one thing
written is the cache's own folder, if asked for.
"""

from vary.streams.batch import Batch
from vary.streams.cache.disk import disk_cache
from vary.streams.mix import Mixed, mix
from vary.streams.report import Report
from vary.streams.stream import Stream, stream
from vary.streams.views import average_views

__all__ = ["Batch", "Mixed", "Report", "Stream", "average_views", "disk_cache", "mix", "stream"]
