"""One module a contestant. Each offers `versions()`, `CASES` (what can be timed) and `CHECKS` (what can be compared).

A case is `build(images, threads) -> step(epoch) -> batch`: what a user does once is in `build`, what a user does for
every batch (draws included) is in `step`, which returns one contiguous array, of the dtype and layout that the row
names.
`UNITS_AN_IMAGE` names cases whose figures are not an image but as many of something else, such as views or steps.
A check is `(image, spec) -> picture`: HWC, any dtype; "affine" on the scale of the input, "resize" normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Batch = NDArray[np.float32] | NDArray[np.uint8]
Step = Callable[[int], Batch]
Build = Callable[[Sequence[Image], int], Step]
Check = Callable[[Image, dict[str, Any]], NDArray[Any]]

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def slots(count: int, size: Sequence[int], layout: str = "NCHW", dtype: str = "float32") -> Batch:
    """A batch buffer whose pages have been touched: peers write into it again and again, free of page faults."""
    return np.zeros((count, 3, *size) if layout == "NCHW" else (count, *size, 3), dtype)
