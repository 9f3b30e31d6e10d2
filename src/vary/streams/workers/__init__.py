"""Who makes the batches of an iteration: a pool of threads here, or in the process of process=True."""
