"""What is in a source of pictures, before a network trains on it: `inspect`, the command `vary inspect`.

    measure   reads each sample once: format, size, faults, the hashes below
    hashes    finds pictures that are the same, or nearly so, also in several parts of the data
    found     `Inspection`: what was found, as text, a dict, JSON and a sheet of pictures

It reads the samples of a source, and writes nothing.
"""

from vary.inspection.found import Inspection, Part
from vary.inspection.measure import inspect

__all__ = ["Inspection", "Part", "inspect"]
