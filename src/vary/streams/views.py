"""Which pictures a batch holds of each sample: one, or several views, of one policy or of several."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vary.errors import InputError, PolicyError
from vary.guidance import guided
from vary.policy import Policy
from vary.sample import Array
from vary.transforms import Transform

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ViewSpec", "average_views", "fields_of", "mask_field", "view_specs_of", "views_of"]

RESERVED = ("indices", "views", "epoch", "paths", "streams", "epochs", "fields", "index", "count")
"""Names that a batch uses already."""


@dataclass(frozen=True)
class ViewSpec:
    """A field of pictures: `count` views of each sample by `policy`; None: one view, without an axis for views."""

    field: str
    policy: Policy
    count: int | None = None
    views: int = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "views", self.count or 1)


def views_of(specs: Sequence[ViewSpec]) -> int:
    """How many view numbers a sample uses each time that it occurs."""
    return sum(spec.views for spec in specs)


def fields_of(labels: Sequence[str], specs: Sequence[ViewSpec], masks: bool) -> tuple[str, ...]:
    """The names of a batch's arrays: pictures, then masks, if there are any, then labels."""
    pictures = [spec.field for spec in specs]
    return (*pictures, *(map(mask_field, pictures) if masks else ()), *labels)


def mask_field(pictures: str) -> str:
    """The name of the masks of a field of pictures."""
    return "masks" if pictures == "images" else f"{pictures}_masks"


def view_specs_of(policy: object, views: int | None, labels: Sequence[str], masks: bool) -> tuple[ViewSpec, ...]:
    """The view specs for policy= and views=. labels: the names of the source's other fields. masks: has it masks?"""
    if not isinstance(policy, Mapping):
        return (ViewSpec("images", _policy("policy", policy), views),)
    if views is not None:
        raise InputError(f"views={views} goes with one policy; of several, each has its number: (policy, {views})")
    if not policy:
        raise PolicyError('policy={} names no views; give {"global": (policy, 2), "local": (policy, 8)}')
    moved = set(map(mask_field, filter(lambda name: isinstance(name, str), policy))) if masks else set()
    for name in policy:
        if name in moved:
            raise InputError(
                f"policy names views {name!r}, as the masks of other views are called; choose another name"
            )
        if not isinstance(name, str) or not name.isidentifier() or name in (*labels, *RESERVED):
            taken = ", ".join((*labels, *RESERVED))
            raise InputError(f"policy names views {name!r}; give a name like those of variables, other than {taken}")
    return tuple(_view_spec(name, value) for name, value in policy.items())


def _view_spec(name: str, value: object) -> ViewSpec:
    if not isinstance(value, tuple):
        return ViewSpec(name, _policy(f"policy[{name!r}]", value))
    if len(value) != 2 or not isinstance(value[1], int | np.integer) or isinstance(value[1], bool) or value[1] < 1:
        raise InputError(f"policy[{name!r}]={value!r}; give (policy, views), with at least one view")
    return ViewSpec(name, _policy(f"policy[{name!r}]", value[0]), int(value[1]))


def _policy(name: str, policy: object) -> Policy:
    if isinstance(policy, Policy):
        return policy
    raise PolicyError(f"{name}={policy!r} is a {type(policy).__name__}, not a Policy; {_cure(policy)}")


def _cure(policy: object) -> str:
    """How to make a policy from the object that was given instead."""
    if isinstance(policy, str | os.PathLike):
        return f"vary.Policy.load({os.fspath(policy)!r}) reads one from a file"
    if isinstance(policy, tuple) and policy and isinstance(policy[0], Policy):
        return "give the policy itself; views=2 makes 2 pictures of each sample"
    if isinstance(policy, list | tuple) and any(isinstance(one, Transform) for one in policy):
        return "write vary.Policy([...]) around the transforms"
    if isinstance(policy, Transform):
        return f"a policy is a list of transforms: vary.Policy([{policy!r}])"
    if callable(policy):
        return "vary.Policy([...]) holds a list of vary's transforms, and a function as vary.Lambda(function)"
    return "vary.Policy([...]) holds a list of transforms, and vary.Policy([]) changes nothing"


@guided("vary.average_views", suggest=False)
def average_views(predictions: object, views: int) -> Array:
    """The mean over `views` neighbouring rows: (batch * views, ...) -> (batch, ...). Integers give float64.

    To predict from the views of a stream, use `images.reshape(-1, *images.shape[2:])` as the pictures.
    """
    found = np.asarray(predictions)
    if not isinstance(views, int | np.integer):
        raise InputError(f"views={views!r}; give a whole number of at least 1, the views of each picture")
    if views < 1 or found.ndim == 0 or len(found) % views:
        cure = "give views rows for each picture, side by side"
        raise InputError(f"predictions has shape {found.shape} and views={views}; {cure}")
    mean: Array = found.reshape(-1, views, *found.shape[1:]).mean(axis=1)
    return mean
