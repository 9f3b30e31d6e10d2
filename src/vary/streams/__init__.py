"""Streams: epochs of batches of a source, varied by a policy and made ahead of the consumer.

    batch = f(source, policy, seed, epoch, positions), for any number of threads, batch size and prefetch

Read in this order:

    stream      `vary.stream` and `Stream`: epochs of one source
    options     the keywords, each with its type, default, check and description
    epochs      the base of streams and mixes: begins iterations, keeps the place where the next one begins
    iteration   one epoch: requests batches ahead of the consumer, returns them in order

    order/      position in an epoch -> sample: shuffles, weights, shards, mixes
    batches/    positions -> one batch
    cache/      decoded files, kept in memory or on disk
    workers/    threads that make batches, in this process or, with process=True, in another one

    mix         `vary.mix`: epochs of several streams
    views       which pictures are made of each sample
    batch       the classes of batches: named tuples of arrays
    state       the state for a checkpoint
    report      how long an epoch took, and what limits its speed
    keras       `model.fit(stream)`
    notebook    how streams are shown

One batch: `iteration` computes its positions and submits them to `workers/pool`. There, a batch worker calls
`batches/job`. That gets the samples from `order/samples` (which uses `order/shuffle`), their pictures from
`batches/render`, and the named tuple from `batch`. `batches/fetch` reads and opens the files for `batches/render`;
it uses `cache/blocks` if files are cached, or if several views share a decoding. A mix does this for each of its
streams, and `batches/mixed` joins the results.

Threads belong to an iteration; a stream that is not iterated over is plain data. All streams of a process share the
memory budget of caches (`cache/budget`), the folder of cache="disk", the list of what to end with the program
(`workers/pool`), and the core's threads and batch memory. At most `prefetch` batches are ready or being made, apart
from the one that the consumer has. Sources are only read; only the folder of cache="disk" is written.
"""

from vary.streams.batch import Batch
from vary.streams.cache.disk import disk_cache
from vary.streams.mix import Mixed, mix
from vary.streams.report import Report
from vary.streams.stream import Stream, stream
from vary.streams.views import average_views

__all__ = ["Batch", "Mixed", "Report", "Stream", "average_views", "disk_cache", "mix", "stream"]
