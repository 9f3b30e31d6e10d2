"""`seed=None`, for all of `vary.keras`."""

from __future__ import annotations

__all__ = ["LARGEST_SEED", "drawn_seed"]

LARGEST_SEED = (1 << 31) - 1  # Keras keeps seeds in 32 bits with a sign on some backends


def drawn_seed() -> int:
    """A seed from Python's `random`, as layers of Keras draw theirs: a new one in each run, unless `random.seed` or
    `keras.utils.set_random_seed` was called before. NumPy's global generator is left alone."""
    import random  # imported here, because `import vary` should be light

    return random.randrange(LARGEST_SEED)
