"""Runs a batch: draw, allocate, one native call; a user function adds one cut and one call.

`Runner` is a policy compiled for one kind of picture (channels, dtype). It is immutable once made and shared by all
threads; the GIL is let go while pixels are touched. Sources are arrays or JPEG bytes; outputs are batch slots.
"""

from __future__ import annotations

import numpy as np

from vary import _native
from vary.errors import InputError, PolicyError
from vary.plan.callback import UserFunction, fill_given
from vary.plan.compile import compiled
from vary.plan.infer import check_bytes, output_dtype, output_size
from vary.plan.program import Instruction, Program, Template
from vary.plan.request import PLAIN, Address, Counts, Decode, Failure, Output, Parts, Pictures, Request, Result, Source
from vary.plan.segment import segment, stages
from vary.sample import batch_shape, dtype_name

__all__ = ["Runner"]

NOTHING = Counts()


class Runner:
    def __init__(self, template: Template) -> None:
        self.template = segment(template)
        self.size = output_size(self.template)
        self.stages = stages(self.template)
        self.plans = compiled(self.template, self.stages)
        self._functions = [UserFunction(*each) for each in enumerate(self.template.functions)]

    def rows(self, address: Address) -> np.ndarray:
        """The parameter array: (n, columns) float64."""
        rows = self.plans[0].draw(address.seed, address.epoch, address.indices, address.views)
        if self.template.givens:
            fill_given(self.template.givens, address, rows)
        return rows

    def levels(self, sources: list[Source], rows: np.ndarray, decode: Decode = PLAIN) -> list[int | str]:
        """1, 2, 4 or 8 for each file: at which part of its size it is decoded; or why its header cannot be read."""
        return self.plans[0].levels(sources, rows, decode.full_decode, decode.max_pixels)

    def program(self, address: Address) -> Program:
        """The Program of the first sample of `address`."""
        return self.template.program(self.rows(address)[0])

    def describe(self, height: int, width: int, row: np.ndarray) -> list[_native.Pass]:
        """One dict a resampling of the first stage: size, map, sampler, cost. For `explain` and tests."""
        try:
            return self.plans[0].describe(height, width, self.template.dtype == "float32", row.reshape(1, -1))
        except RuntimeError as error:  # a canvas or a map becomes too large
            raise PolicyError(str(error)) from None

    def batch(self, request: Request) -> Result:
        """Make one batch. Pictures that fail are in the result; other mistakes are `InputError` or `PolicyError`."""
        run = _Run(self, request)
        arrays = tuple([run.made(output) for output in request.outputs])
        failures = [Failure(*item) for item in sorted(run.failures.items()) if item[1]] if run.failures else []
        return Result(arrays, failures, run.counts)

    def empty(self, count: int, output: Output) -> np.ndarray:
        """What `batch` would make for `count` pictures, if their size is known beforehand (`self.size`)."""
        assert self.size is not None
        return self.allocated(count, self.size, output_dtype(self.template, output.dtype), output)

    def allocated(self, count: int, size: tuple[int, int], dtype: str, output: Output) -> np.ndarray:
        """An array for `count` pictures of this size, (height, width)."""
        check_bytes(self.template, size, dtype)
        shape = batch_shape(count, size, self.template.channels, output.layout)
        return (output.empty or _native.empty)(shape, dtype == "float32")

    def called(self, which: int, image: np.ndarray, address: Address, place: int) -> np.ndarray:
        """The image that user function number `which` makes of this one, the sample at `place`."""
        return self._functions[which](image, address, place, self.template.channels)


class _Run:
    """One request while it runs: the failures so far, by place, and counts."""

    def __init__(self, runner: Runner, request: Request) -> None:
        self.runner, self.request = runner, request
        self.rows = runner.rows(request.address) if request.rows is None else request.rows
        self.failures = dict.fromkeys(request.failed, "")
        self.counts = NOTHING

    def made(self, output: Output) -> np.ndarray:
        """The array of an output."""
        runner, pictures = self.runner, self._pictures(self.request.inputs[output.source])
        for number, stage in enumerate(runner.stages):
            if stage.call is not None:
                pictures = self._through(number, stage.call, pictures)
        dtype, out = output_dtype(runner.template, output.dtype), output.out
        if out is None:
            size = runner.size or self._size_of_parts(pictures) or self._common_size(pictures)
            out = runner.allocated(len(self.rows), size, dtype, output)
        else:
            _check_out(runner, output, len(self.rows), dtype)
            _check_apart(out, pictures)
        counts, errors = self._native(-1, pictures, self.rows, out, (output.layout == "NCHW", self.request.views))
        self.counts = counts if self.counts is NOTHING else self.counts.plus(counts)
        for place, reason in errors:
            self.failures.setdefault(place, reason)
        return out

    def _pictures(self, given: Pictures) -> Pictures:
        """An input as the stages take it."""
        request, runner = self.request, self.runner
        if isinstance(given, Parts) and (len(runner.stages) > 1 or request.failed):
            given = given.each()
        if request.failed:
            blank = np.zeros((1, 1, runner.template.channels), runner.template.dtype)
            given = [blank if place in self.failures else one for place, one in enumerate(given)]
        return given

    def _through(self, number: int, call: Instruction, pictures: Pictures) -> list[Source]:
        """The pictures after stage `number` and the user function that ends it; their sizes may differ."""
        runner, address, check = self.runner, self.request.address, self.request.check
        which, stored = map(int, call.args)
        dtype = "float32" if stored else "uint8"
        groups: dict[tuple[int, int], list[int]] = {}
        for place, size in enumerate(self._sizes(number, pictures)):
            groups.setdefault(size or (1, 1), []).append(place)
        done: list[Source] = [None] * len(self.rows)
        for size, places in groups.items():
            check_bytes(runner.template, size, dtype)
            images = np.empty((len(places), *size, runner.template.channels), dtype)
            some = [pictures[place] for place in places]  # a list: what has user functions takes no parts
            counts, errors = self._native(number, some, np.ascontiguousarray(self.rows[places]), images)
            self.counts = self.counts.plus(counts._replace(damaged=tuple(places[i] for i in counts.damaged)))
            for i, reason in errors:
                self.failures.setdefault(places[i], reason)
            for image, place in zip(images, places, strict=True):
                done[place] = image
                if place not in self.failures and (call.gate < 0 or self.rows[place, call.gate]):
                    if check is not None:
                        check(int(address.indices[place]))
                    done[place] = runner.called(which, image, address, place)
        return done

    def _native(
        self, number: int, pictures: Pictures, rows: np.ndarray, out: np.ndarray, how: tuple[bool, int] = (False, 1)
    ) -> tuple[Counts, list[tuple[int, str]]]:
        """Run a plan: counts, and (place, reason) of the pictures that fail.

        how: whether channels come first in `out`, and the views (see `Request`).
        """
        settings = (*how, self.request.threads, *self.request.decode)
        try:
            counts, errors = self.runner.plans[number].run(pictures, rows, out, settings)
        except ValueError as error:  # what the core says of its inputs
            raise InputError(str(error)) from None
        return Counts(*counts), errors

    def _sizes(self, number: int, pictures: Pictures) -> list[tuple[int, int] | None]:
        """(height, width) of each picture after a stage; None of those that fail."""
        try:
            found = self.runner.plans[number].sizes(pictures, self.rows, self.request.decode.max_pixels)
        except ValueError as error:  # what the core says of its inputs
            raise InputError(str(error)) from None
        sizes: list[tuple[int, int] | None] = []
        for place, size in enumerate(found):
            if isinstance(size, str):
                self.failures.setdefault(place, size)
            sizes.append(None if isinstance(size, str) or place in self.failures else size)
        return sizes

    def _size_of_parts(self, pictures: Pictures) -> tuple[int, int] | None:
        """What pictures of one size come out as, if that is the same for every draw: found without the core."""
        if isinstance(pictures, Parts) and pictures.array.ndim > 2:
            return output_size(self.runner.template, pictures.array.shape[1:3])
        return None

    def _common_size(self, pictures: Pictures) -> tuple[int, int]:
        sizes = self._sizes(-1, pictures)
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
        raise InputError(f"out= has shape {out.shape}; this call writes {wanted} (0 stands for any)")
    apart = count == 1 or abs(out.strides[0]) >= out[0].nbytes
    if not out[0].flags.c_contiguous or not out.flags.writeable or not apart:
        raise InputError("out= must be writeable, contiguous within each picture, and have a place for each")


def _check_apart(out: np.ndarray, pictures: Pictures) -> None:
    """`InputError` if `out` shares memory with the pictures."""
    if isinstance(pictures, Parts):
        pictures = pictures.each() if np.may_share_memory(out, pictures.array) else []
    if any(isinstance(one, np.ndarray) and np.may_share_memory(out, one) for one in pictures):
        raise InputError("out= shares memory with the images; they are read while it is written, so give another")
