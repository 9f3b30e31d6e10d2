"""What `stream` was told. Whatever cannot be meant is refused here, before anything is read."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, Literal

from vary.errors import InputError
from vary.plan.run import Decode, default_threads
from vary.rng import check_address
from vary.sample import dtype_name, layout_name

__all__ = ["ON_ERROR", "Options", "whole"]

ON_ERROR = ("raise", "skip")
LEAST = {"batch_size": 1, "seed": 0, "prefetch": 0, "max_pixels": 1}
SWITCHES = ("shuffle", "frozen", "drop_last", "exact", "tolerant")


@dataclass(frozen=True)
class Options:
    """The keywords of `vary.stream`, which describes them."""

    batch_size: int = 32
    seed: int = 0
    shuffle: bool = True
    dtype: Any = None
    layout: str = "NHWC"
    threads: int | None = None
    prefetch: int = 2
    on_error: Literal["raise", "skip"] = "raise"
    frozen: bool = False
    drop_last: bool = False
    channels: int = 3
    exact: bool = False
    tolerant: bool = False
    max_pixels: int = Decode().max_pixels

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            object.__setattr__(self, name, whole(name, getattr(self, name), least))
        if self.threads is not None:
            object.__setattr__(self, "threads", whole("threads", self.threads, 1, ", or None for all there are"))
        for name in SWITCHES:
            if getattr(self, name) not in (True, False):
                raise InputError(f"{name}={getattr(self, name)!r}; give True or False")
        if self.channels not in (1, 3, 4):
            raise InputError(f"channels={self.channels!r}; a file gives 1 (grey), 3 (RGB) or 4 (RGBA)")
        if self.on_error not in ON_ERROR:
            raise InputError(f"on_error={self.on_error!r}; choose one of {', '.join(ON_ERROR)}")
        if self.dtype is not None:
            object.__setattr__(self, "dtype", dtype_name(self.dtype))
        layout_name(self.layout)
        check_address(self.seed, 0)

    @property
    def decode(self) -> Decode:
        return Decode(self.exact, self.tolerant, self.max_pixels)

    @property
    def allowed(self) -> int:
        """Threads: found out where the stream runs, not where it was made."""
        return self.threads or default_threads()

    def batches(self, n: int) -> int:
        """How many batches n samples make."""
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def whole(name: str, value: Any, least: int, cure: str = "") -> int:
    """`value` as an int; `InputError` where it is none or too small."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InputError(f"{name}={value!r}; give a whole number of at least {least}{cure}")
    return number
