"""Runs one request: stage by stage, then the outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary import _native
from vary.elements import DTYPES
from vary.errors import InputError, PolicyError
from vary.maps import Map
from vary.plan.infer import check_bytes, output_dtype
from vary.plan.masks import fill_of, kind_of_masks
from vary.plan.program import Instruction
from vary.plan.request import Counts, Output, Parts, Pictures, Request, Source
from vary.sample import batch_shape, dtype_name

if TYPE_CHECKING:
    from vary._native import Plan
    from vary.plan.runner import Runner

__all__ = ["Run"]

NOTHING = Counts()
NO_MAP = [(np.eye(3).ravel().tolist(), 0, 0)]
RESIZED = "change the size by vary's transforms instead, such as Resize or RandomCrop"


class Run:
    """The state of a request while it runs: the failures so far, by place, and counts."""

    def __init__(self, runner: Runner, request: Request) -> None:
        self.runner, self.request = runner, request
        self.rows = runner.rows(request.address) if request.rows is None else request.rows
        self.failures = dict.fromkeys(request.failed, "")
        self.counts = NOTHING
        self.resized = ""  # the user function that changed the size of a picture
        self.size: tuple[int, int] | None = None  # of the images made

    def make(self, output: Output) -> np.ndarray:
        """Make the array of an output."""
        return self._masks(output) if output.role == "mask" else self._images(output)

    def _images(self, output: Output) -> np.ndarray:
        runner, pictures = self.runner, self._pictures(self.request.inputs[output.source])
        for number, stage in enumerate(runner.stages):
            if stage.call is not None:
                pictures = self._through_function(number, stage.call, pictures)
        dtype, out = output_dtype(runner.template, output.dtype), output.out
        if out is None:
            size = runner.size or self._size_of_alike(pictures) or self._common_size(runner.plans[-1], pictures)
            out = runner.allocated(len(self.rows), size, dtype, output)
        else:
            _check_out(runner, output, len(self.rows), dtype)
            _check_apart(out, pictures)
        self.size = out.shape[2:] if output.layout == "NCHW" else out.shape[1:3]
        plan, views = runner.plans[-1], self.request.views
        counts, errors = self._run(plan, pictures, self.rows, out, (output.layout == "NCHW", views))
        self.counts = counts if self.counts is NOTHING else self.counts.plus(counts)
        for place, reason in errors:
            self.failures.setdefault(place, reason)
        return out

    def _masks(self, output: Output) -> np.ndarray:
        if self.resized:
            raise PolicyError(f"{self.resized}, so masks do not fit any more; {RESIZED}")
        masks = self.request.inputs[output.source]
        kind = kind_of_masks(masks)
        fills = fill_of(kind, self.runner.template.settings.mask_fill)
        plans = [self.runner.geometry(fill) for fill in fills]
        size = self.size or self._common_size(plans[0], kind.pictures(masks, 0))
        shape = (len(self.rows), *size, kind.channels)
        made = [(output.empty or _native.empty)(shape, "uint8") for _ in plans]
        for call, plan in enumerate(plans):
            counts, errors = self._run(plan, kind.pictures(masks, call), self.rows, made[call])
            self.counts = self.counts.plus(counts)
            for place, reason in errors:
                self.failures.setdefault(place, reason)
        return kind.values(made, output.layout)

    def maps(self) -> tuple[Map, ...]:
        """The map of each image, which moves points."""
        plan = self.runner.geometry([0.0] * self.runner.template.channels)
        images, fault = self.request.inputs[0], ""
        if self.resized:
            fault = f"{self.resized}, so points cannot be moved; {RESIZED}"
        found = plan.maps(images, self.rows, self.request.decode.max_pixels)
        return tuple([Map(NO_MAP, one) if isinstance(one, str) else Map(one, fault) for one in found])

    def _pictures(self, given: Pictures) -> Pictures:
        """The pictures of an input, with blank ones in place of those that failed before."""
        request, runner = self.request, self.runner
        if isinstance(given, Parts) and (len(runner.stages) > 1 or request.failed):
            given = given.each()
        if request.failed:
            blank = np.zeros((1, 1, runner.template.channels), runner.template.dtype)
            given = [blank if place in self.failures else one for place, one in enumerate(given)]
        return given

    def _through_function(self, number: int, call: Instruction, pictures: Pictures) -> list[Source]:
        """The pictures after stage `number` and the user function that ends it; their sizes may differ."""
        runner, address, check = self.runner, self.request.address, self.request.check
        plan = runner.plans[number]
        which, stored = map(int, call.args)
        dtype = DTYPES[stored]
        groups: dict[tuple[int, int], list[int]] = {}
        for place, size in enumerate(self._sizes(plan, pictures)):
            groups.setdefault(size or (1, 1), []).append(place)
        done: list[Source] = [None] * len(self.rows)
        for size, places in groups.items():
            check_bytes(runner.template, size, dtype, before=call)
            images = np.empty((len(places), *size, runner.template.channels), dtype)
            some = [pictures[place] for place in places]  # `_pictures` made a list
            counts, errors = self._run(plan, some, np.ascontiguousarray(self.rows[places]), images)
            self.counts = self.counts.plus(counts._replace(damaged=tuple(places[i] for i in counts.damaged)))
            for i, reason in errors:
                self.failures.setdefault(places[i], reason)
            for image, place in zip(images, places, strict=True):
                done[place] = image
                if place not in self.failures and (call.gate < 0 or self.rows[place, call.gate]):
                    if check is not None:
                        check(int(address.indices[place]))
                    done[place] = changed = runner.call_function(which, image, address, place)
                    if changed.shape != image.shape:
                        self.resized = f"{runner.template.name(call)} changed the size of a picture"
        return done

    def _run(
        self,
        plan: Plan,
        pictures: Pictures,
        rows: np.ndarray,
        out: np.ndarray,
        form: tuple[bool, int] = (False, 1),
    ) -> tuple[Counts, list[tuple[int, str]]]:
        """Run a plan: counts, and (place, reason) of the pictures that fail.

        form: do channels come first in `out`, and `Request.views`.
        """
        settings = (*form, self.request.threads, *self.request.decode)
        try:
            counts, errors = plan.run(pictures, rows, out, settings)
        except ValueError as error:  # the core refuses its inputs
            raise InputError(str(error)) from None
        return Counts(*counts), errors

    def _sizes(self, plan: Plan, pictures: Pictures) -> list[tuple[int, int] | None]:
        """(height, width) of each picture after a stage; None for those that fail."""
        try:
            found = plan.sizes(pictures, self.rows, self.request.decode.max_pixels)
        except ValueError as error:  # the core refuses its inputs
            raise InputError(str(error)) from None
        sizes: list[tuple[int, int] | None] = []
        for place, size in enumerate(found):
            if isinstance(size, str):
                self.failures.setdefault(place, size)
            sizes.append(None if isinstance(size, str) or place in self.failures else size)
        return sizes

    def _size_of_alike(self, pictures: Pictures) -> tuple[int, int] | None:
        """The size of the results, found without the core, if pictures are arrays of one size that no draw changes."""
        if isinstance(pictures, Parts):
            shapes = {pictures.array.shape[1:]}
        else:
            shapes = {one.shape if isinstance(one, np.ndarray) else () for one in pictures}
        return self.runner.size_after(shapes.pop()) if len(shapes) == 1 else None

    def _common_size(self, plan: Plan, pictures: Pictures) -> tuple[int, int]:
        sizes = self._sizes(plan, pictures)
        different = sorted({size for size in sizes if size is not None})
        if len(different) > 1:
            first, other = sizes.index(different[0]), sizes.index(different[1])
            raise InputError(
                f"pictures of a batch must come out in one size, but number {first} is {different[0][0]} x "
                f"{different[0][1]} and number {other} is {different[1][0]} x {different[1][1]} (height x width); "
                "put Resize(height, width) into the policy"
            )
        return different[0] if different else (1, 1)


def _check_out(runner: Runner, output: Output, count: int, dtype: str) -> None:
    out: object = output.out
    channels, layout = runner.template.channels, output.layout
    if not isinstance(out, np.ndarray) or dtype_name(out.dtype) != dtype:
        raise InputError(f"out= is {getattr(out, 'dtype', type(out).__name__)}; this call writes {dtype}")
    if out.ndim != 4 or out.shape[0] != count or out.shape[1 if layout == "NCHW" else 3] != channels:
        wanted = batch_shape(count, runner.size or (0, 0), channels, layout)
        raise InputError(f"out= has shape {out.shape}; this call writes {wanted} (0 means any)")
    apart = count == 1 or abs(out.strides[0]) >= out[0].nbytes
    if not out[0].flags.c_contiguous or not out.flags.writeable or not apart:
        raise InputError("out= must be writeable, contiguous within each picture, and its pictures must not overlap")


def _check_apart(out: np.ndarray, pictures: Pictures) -> None:
    """`InputError` if `out` shares memory with the pictures."""
    if isinstance(pictures, Parts):
        pictures = pictures.each() if np.may_share_memory(out, pictures.array) else []
    if any(isinstance(one, np.ndarray) and np.may_share_memory(out, one) for one in pictures):
        raise InputError("out= shares memory with the images; they are read while it is written, so give another")
