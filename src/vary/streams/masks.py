"""Labels that look like masks: they would not follow the geometry of their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.plan.findings import Finding
from vary.sources import Arrays, batch_labels, whole_of

if TYPE_CHECKING:
    from vary.sources import Indexed

__all__ = ["mask_findings"]

SMALLEST = 8  # pixels of a side: labels of fewer rows may be anything


def mask_findings(source: Indexed) -> list[Finding]:
    """What to say where labels in memory have the height and width of their pictures."""
    whole, _ = whole_of(source)
    if not isinstance(whole, Arrays):
        return []
    size = np.shape(whole._images[0])[:2]
    found = []
    for name, column in zip(whole.fields[1:], batch_labels(whole, [0]), strict=True):
        if column.ndim > 2 and column.shape[1:3] == size and min(size) >= SMALLEST:
            text = (
                f"{name} are as high and wide as the pictures, {size[0]} x {size[1]}, as masks are: labels come out as "
                "they are and do not follow what the policy moves; masks are not there yet. Leave geometry out of the "
                "policy (colour transforms and Rescale stay), or warp both yourself"
            )
            found.append(Finding(f"masks {name}", text))
    return found
