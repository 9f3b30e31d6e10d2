"""A source and a policy as batches that are made before they are asked for.

    batch = f(source, policy, seed, epoch, positions), whatever the threads, the batch size and the prefetch

Read in this order:

    stream      `vary.stream` and `Stream`: epochs of one source
    options     the keywords, each with its type, default, check and description
    epochs      what streams and mixes share: begins iterations, keeps the place where the next one begins
    iteration   one epoch: requests batches ahead of the consumer, hands them over in order

    order/      position in an epoch -> sample: shuffles, weights, shards, mixes
    batches/    positions -> one batch
    cache/      decoded files, kept in memory or on disk
    workers/    threads that make batches, in this process or, with process=True, in another one

    mix         `vary.mix`: epochs of several streams
    views       which pictures are made of each sample
    batch       the classes of batches: named tuples of arrays
    state       what a checkpoint holds
    report      what an epoch cost, and what limits it
    keras       `model.fit(stream)`
    notebook    how streams are shown

One batch: `iteration` computes its positions and submits them to `workers/pool`. There, a batch worker calls
`batches/job`. That gets the samples from `order/samples` (which uses `order/shuffle`), their pictures from
`batches/render`, and the named tuple from `batch`. `batches/render` has the files read and opened by `batches/fetch`,
through `cache/blocks` where something is cached or several views share a decoding. A mix does this for each of its
streams, and `batches/mixed` joins the results.

Nothing is global: threads belong to an iteration, and a stream at rest is plain data. At most `prefetch` batches are
ready or being made, apart from the one that the consumer has. Sources are only read; the only thing written is the
folder of cache="disk".
"""

from vary.streams.batch import Batch
from vary.streams.cache.disk import disk_cache
from vary.streams.mix import Mixed, mix
from vary.streams.report import Report
from vary.streams.stream import Stream, stream
from vary.streams.views import average_views

__all__ = ["Batch", "Mixed", "Report", "Stream", "average_views", "disk_cache", "mix", "stream"]
