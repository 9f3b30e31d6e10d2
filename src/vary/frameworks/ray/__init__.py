"""`vary.ray`: samples of a source as rows of a Ray dataset, and their pictures varied where the rows are.

Promise: the picture of a row is a function of policy, seed, epoch and the row's index, so it has the bytes of
that of `vary.stream` on one machine, whichever node makes it, and however often it is made again.
"""

from vary.frameworks.ray.augment import augment
from vary.frameworks.ray.read import read

__all__ = ["augment", "read"]
