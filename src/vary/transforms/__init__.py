"""Transforms: each states a map and touches no pixel, so one map can move image, masks, boxes and points alike.

`base` says what a transform is, `fields` how its arguments are declared, `describe` how they are shown; `geometry`,
`crop`, `colour`, `filter` and `noise` hold one short frozen class each; `compose` the ones made of others; `user` the
caller's own function; `text` writes and reads them as data; `names` and `foreign.yaml` know what other libraries call
them. A transform of these files is public when its file lists it in `__all__`.
"""

from typing import TYPE_CHECKING

from vary.guidance import missing_name
from vary.transforms.base import (
    REGISTRY as REGISTRY,
    Lowering as Lowering,
    Span as Span,
    Transform as Transform,
    choice as choice,
    custom as custom,
    field as field,
    span as span,
    switch as switch,
)
from vary.transforms.colour import *
from vary.transforms.compose import *
from vary.transforms.crop import *
from vary.transforms.filter import *
from vary.transforms.geometry import *
from vary.transforms.noise import *
from vary.transforms.own import *
from vary.transforms.user import *

if not TYPE_CHECKING:  # type checkers read the imports; with `__getattr__`, they would accept every name
    TRANSFORMS = sorted(name for name, kind in REGISTRY.items() if globals().get(name) is kind)
    """The public transforms, by name."""

    _OTHERS = """
        REGISTRY FieldTransform Lowering MatrixTransform PolynomialTransform Span TableTransform Transform choice custom
        field span switch
    """
    __all__ = [*sorted([*TRANSFORMS, *_OTHERS.split()])]  # noqa: PLE0604  strings

    def __getattr__(name: str) -> object:
        raise missing_name("vary.transforms", name, __all__)
