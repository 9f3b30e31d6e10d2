"""The types that values of pictures may have, and what their channels mean: two tables.

native/element.h has the first one too; a test compares them.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DTYPES", "ELEMENTS", "MEANINGS", "MOST_CHANNELS", "Element", "listed_dtypes"]


class Element(NamedTuple):
    """A type of values. low, high: the range of pictures of this type, unless `Policy(value_range=)` states another."""

    name: str  # NumPy's
    size: int  # bytes of a value
    low: float
    high: float
    largest: float  # that it can hold
    whole: bool  # integers: no value can lie outside of low .. high

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value that it can hold."""
        return (self.low if self.whole else -self.largest), self.largest

    @property
    def sampled_size(self) -> int:
        """Bytes of a value as it is sampled: all but uint8 are float32 then."""
        return 1 if self.name == "uint8" else 4


_TABLE = (
    Element("uint8", 1, 0.0, 255.0, 255.0, True),
    Element("float32", 4, 0.0, 1.0, 3.4028234663852886e38, False),
    Element("uint16", 2, 0.0, 65535.0, 65535.0, True),
    Element("int16", 2, -32768.0, 32767.0, 32767.0, True),
    Element("float16", 2, 0.0, 1.0, 65504.0, False),
)
ELEMENTS = {element.name: element for element in _TABLE}
DTYPES = tuple(ELEMENTS)
"""Names. Their order is part of the text form of programs, where a `cut` has the number of its type."""

MOST_CHANNELS = 1024
MEANINGS = {1: "grey", 3: "RGB", 4: "RGBA"}
"""What the channels of a picture are, by how many there are; any other number has no meaning."""


def listed_dtypes(word: str = "or") -> str:
    """The names, for messages: "uint8, uint16, int16, float16 or float32"."""
    *first, last = sorted(
        ELEMENTS, key=lambda name: (not ELEMENTS[name].whole, ELEMENTS[name].size, -ELEMENTS[name].low)
    )
    return f"{', '.join(first)} {word} {last}"
