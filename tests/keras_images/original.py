"""The original, keras-preprocessing 1.1.2, which tests compare `vary.keras` with."""

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from conftest import oracle


def original() -> ModuleType:
    """The module `keras_preprocessing.image`; a test is skipped without it."""
    oracle("scipy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return oracle("keras_preprocessing.image")


def quietly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The result of a function of the original, which uses deprecated names of SciPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)
