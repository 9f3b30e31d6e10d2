"""process=True: a pool of threads in another process, whose batches come back in shared memory."""
