"""process=True: the worker pool runs in another process, and batches come back in shared memory."""
