"""Policies on Ray Data, for data that one machine cannot vary: `read` makes a dataset of a source, `augment` varies it.

    pictures = vary.ray.read("cats_dogs/train")
    varied = vary.ray.augment(pictures, policy, seed=7)

Ray is imported by these functions, not by this module.
"""

from vary.frameworks.ray import augment, read

__all__ = ["augment", "read"]
