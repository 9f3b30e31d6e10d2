"""`vary.stream`: epochs of batches, one iteration after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vary.errors import InputError, PolicyError, SourceError
from vary.plan.check import output_dtype
from vary.policy import Policy
from vary.rng import check_address
from vary.sources import open_source
from vary.stream.batch import Task, array_kind
from vary.stream.iteration import Iteration
from vary.stream.options import Options, whole
from vary.stream.order import order
from vary.stream.report import Tally

if TYPE_CHECKING:
    from vary.sources import Indexed
    from vary.stream.report import Report

__all__ = ["Stream", "stream"]


def stream(
    source: object,
    policy: Policy,
    *,
    batch_size: int = 32,
    seed: int = 0,
    shuffle: bool = True,
    labels: object = None,
    dtype: Any = None,
    layout: str = "NHWC",
    threads: int | None = None,
    prefetch: int = 2,
    on_error: Literal["raise", "skip"] = "raise",
    frozen: bool = False,
    drop_last: bool = False,
    channels: int = 3,
    exact: bool = False,
    tolerant: bool = False,
    max_pixels: int = 178_956_970,
) -> Stream:
    """Batches of varied pictures, made ahead of the consumer; each `for` over it is one epoch.

    source: a folder with one sub-folder a class, an array (N, H, W, C), a list of arrays, a tuple (images, labels), or
        anything that `vary.sources` describes. It is only ever read.
    seed: of the order and of the pictures. Each is a function of seed, epoch and the sample's index in the source;
        neither threads nor batch_size, prefetch or shuffle change a picture.
    shuffle: a new order every epoch; False: the source's.
    labels: one for each picture, where source is an array or a list of arrays.
    dtype, layout: of the pictures: "uint8" or "float32", by default what the policy gives (float32 after Rescale or
        Normalize, else the source's own); "NHWC" or "NCHW".
    threads: for decoding and varying a batch; None takes what affinity and cgroup allow.
    prefetch: batches ready or in work beside the one handed over. Memory is bounded by prefetch + 1 of them.
    on_error: what a file does that cannot be read or decoded: "raise" its error, which names it and ends the epoch, or
        "skip" it: its batch is shorter, and `report()` counts and lists it. A batch of such files only is left out.
    frozen: the same picture of a sample in every epoch (that of epoch 0); the order still changes.
    drop_last: leave out a last batch that is not full.
    channels: of pictures from files: 1 (grey), 3 or 4. Arrays decide themselves.
    exact: decode JPEGs at full size even where the policy shrinks them, so that files and arrays give the same bytes.
    tolerant: take what there is of a file that breaks off.
    max_pixels: a file that claims more is refused.

    Batches are tuples in the source's field order, `(images, labels)` or `(images,)`, with `.indices`, `.epoch` and
    `.paths`. `PolicyError`, `InputError` or `SourceError` at once for arguments that cannot be meant.
    """
    options = Options(
        batch_size, seed, shuffle, dtype, layout, threads, prefetch, on_error, frozen, drop_last, channels, exact,
        tolerant, max_pixels,
    )  # fmt: skip
    return Stream(source, policy, options, labels)


class Stream:
    """What `vary.stream` returns. Plain data between iterations: it pickles, and holds no thread and no file.

    The n-th `iter()` is epoch n, counted from 0, whether or not the one before was finished. Several iterations may be
    under way at once.
    """

    def __init__(self, source: object, policy: Policy, options: Options, labels: object = None) -> None:
        self.policy = _policy(policy)
        self.source: Indexed = open_source(source, labels)
        self.options = options
        self._kind = _kind(self.source, options.channels)
        output_dtype(policy.runner(*self._kind).template, options.dtype)
        if not len(self):
            n = len(self.source)
            cure = "take drop_last=False or a smaller batch_size" if n else "give at least one"
            raise InputError(f"the source has {n} samples and batch_size={options.batch_size}: no batch; {cure}")
        self._epoch = 0
        self._tally = Tally()

    @property
    def classes(self) -> list[str] | None:
        """Names of the class ids, where the source has any."""
        return self.source.classes

    @property
    def fields(self) -> tuple[str, ...]:
        """What a batch holds, in order."""
        return self.source.fields

    @property
    def epoch(self) -> int:
        """Of the next iteration."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration this epoch; later ones count on from it."""
        epoch = whole("epoch", epoch, 0)
        check_address(self.options.seed, epoch)
        self._epoch = epoch

    def __len__(self) -> int:
        """Batches an epoch."""
        return self.options.batches(len(self.source))

    def __iter__(self) -> Iteration:
        o, epoch = self.options, self._epoch
        check_address(o.seed, epoch)
        self._epoch = epoch + 1
        self._tally = Tally(epoch, o.prefetch)
        ordered = order(len(self.source), o.seed, epoch, o.shuffle)
        return Iteration(Task(self.source, self.policy.runner(*self._kind), o, epoch, ordered), self._tally)

    def report(self) -> Report:
        """What the last iteration has cost so far, and what limits it."""
        return self._tally.report()

    def __repr__(self) -> str:
        o = self.options
        return f"Stream({self.source!r}: {len(self)} batches of {o.batch_size}, seed={o.seed}, epoch={self._epoch})"


def _policy(policy: object) -> Policy:
    if isinstance(policy, Policy):
        return policy
    cure = "Policy([...]) holds a list of transforms, Policy([]) changes nothing"
    raise PolicyError(f"policy={policy!r} is a {type(policy).__name__}, not a Policy; {cure}")


def _kind(source: Indexed, channels: int) -> tuple[int, str]:
    """(channels, dtype) of what the policy will see, by the first sample; files are opened as uint8."""
    if not len(source):
        return channels, "uint8"
    try:
        image = source[0].image
    except SourceError:  # told, or skipped, when its turn comes
        return channels, "uint8"
    return array_kind(image, 0) if isinstance(image, np.ndarray) else (channels, "uint8")
