"""Streams for other frameworks, `stream.as_torch()`, `as_jax()` and `as_tf()`; and policies inside other libraries.

Each module imports its framework, and is imported when its method is called for the first time. These three yield whole
batches as the stream's named tuples, with the framework's arrays in place of NumPy's, over the same memory where the
framework allows it. They share the stream's epochs: each `iter` is the next one, and states are those of the stream.

    torch        an `IterableDataset`, also in the workers of a DataLoader and in torch.distributed
    workers      which worker of a DataLoader makes which batches of which epoch
    jax          an iterable, also over several devices and processes
    tensorflow   a `tf.data.Dataset`
    batches      what they have in common

Policies: `torchvision`, `grain` and `datasets` make what `Policy.as_torchvision` and the like return; `elements` reads
pictures as those libraries hold them. `ray` is `vary.ray`.
"""
