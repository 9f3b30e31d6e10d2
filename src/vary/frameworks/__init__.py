"""Streams and policies inside other libraries. Each module imports its library, and is imported when it is asked for.

`stream.as_torch()`, `as_jax()` and `as_tf()` yield whole batches as the stream's named tuples, with the framework's
arrays in place of NumPy's, over the same memory where the framework allows it. They share the stream's epochs: each
`iter` is the next one, and states are those of the stream.

    torch        an `IterableDataset`, also in the workers of a DataLoader and in torch.distributed
    workers      which worker of a DataLoader makes which batches of which epoch
    jax          an iterable, also over several devices and processes
    tensorflow   a `tf.data.Dataset`
    batches      what they have in common

Policies, for the pictures of other loaders:

    torchvision  a transform within `v2.Compose`
    grain        a `RandomMapTransform` of Grain
    datasets     a function for `set_transform` of Hugging Face
    elements     pictures as these libraries hold them
    ray/         `vary.ray`: policies over Ray Data
"""
