"""Runs a batch: draw, allocate, one native call; a user function adds one cut and one call.

`Runner` is a policy compiled for one kind of picture (channels, dtype). It is immutable once made and shared by all
threads; the GIL is let go while pixels are touched. Sources are arrays or JPEG bytes; outputs are batch slots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vary import _native
from vary.errors import InputError, PolicyError, stopped
from vary.plan.callback import wants_rng
from vary.plan.infer import check_bytes, output_dtype, output_size
from vary.plan.program import FILLS, Instruction, Program, Template
from vary.plan.request import PLAIN, Address, Counts, Decode, Empty, Failure, Parts, Source
from vary.plan.segment import Stage, segment, stages
from vary.rng import noise
from vary.sample import batch_shape, dtype_name
from vary.transforms.base import Column

__all__ = ["Runner"]


class Runner:
    def __init__(self, template: Template) -> None:
        self.template = segment(template)
        self.size = output_size(self.template)
        self.stages = stages(self.template)
        self.plans = [self._plan(stage) for stage in self.stages]
        self.takes_rng = [wants_rng(function) for function in self.template.functions]

    def _plan(self, stage: Stage) -> _native.Plan:
        def argument(value: float) -> tuple[float, int]:
            return (0.0, int(value)) if isinstance(value, Column) else (float(value), -1)

        t, s = self.template, self.template.settings
        return _native.Plan(
            [(i.op, i.gate, [argument(a) for a in i.args], t.name(i)) for i in stage.instructions],
            [draw.native() for draw in t.draws],
            t.channels,
            FILLS.index(s.fill),
            list(s.fill_value),
            s.interpolation == "nearest",
            s.antialias,
        )

    def rows(self, address: Address) -> np.ndarray:
        """The parameter array: (n, columns) float64."""
        return self.plans[0].draw(address.seed, address.epoch, address.indices, address.views)

    def levels(self, sources: list[Source], rows: np.ndarray, decode: Decode = PLAIN) -> list[int | str]:
        """1, 2, 4 or 8 for each file: at which part of its size it is decoded; or why its header cannot be read."""
        return self.plans[0].levels(sources, rows, decode.full_decode, decode.max_pixels)

    def program(self, address: Address) -> Program:
        """The Program of the first sample of `address`."""
        return self.template.program(self.rows(address)[0])

    def describe(self, height: int, width: int, row: np.ndarray) -> list[dict[str, Any]]:
        """One dict a resampling of the first stage: size, map, sampler, cost. For `explain` and tests."""
        try:
            return self.plans[0].describe(height, width, self.template.dtype == "float32", row.reshape(1, -1))
        except RuntimeError as error:  # a canvas or a map becomes too large
            raise PolicyError(str(error)) from None

    def batch(
        self,
        sources: list[Source] | Parts,
        address: Address,
        *,
        dtype: str | None = None,
        layout: str = "NHWC",
        threads: int = 1,
        out: np.ndarray | None = None,
        decode: Decode = PLAIN,
        rows: np.ndarray | None = None,
        views: int = 1,
        failed: Sequence[int] = (),
        empty: Empty | None = None,
        check: Callable[[int], None] = lambda index: None,
    ) -> tuple[np.ndarray, list[Failure], Counts]:
        """Outputs (n, H, W, C) or (n, C, H, W), the pictures that failed (their slots are unspecified), and counts.

        failed: places without a picture, whatever stands in `sources`; they are not among the failures returned.
        rows: what `self.rows(address)` gave, if it is at hand.
        empty: makes the array of outputs, from its shape and whether it holds floats; None: in memory used before.
        check: called before each user function with its sample's index; may raise.
        views: so many sources one behind the other are the same; a JPEG is then decoded once, at the largest level that
        one of them needs.
        """
        t, dtype = self.template, output_dtype(self.template, dtype)
        rows = self.rows(address) if rows is None else rows
        failures = dict.fromkeys(failed, "")
        if isinstance(sources, Parts) and (len(self.stages) > 1 or failed):
            sources = sources.each()
        if failed:
            blank = np.zeros((1, 1, t.channels), t.dtype)
            sources = [blank if place in failures else source for place, source in enumerate(sources)]
        spent = Counts()
        for number, stage in enumerate(self.stages):
            if stage.call is not None:
                how = threads, decode, failures, check
                sources, more = self._through(number, stage.call, sources, rows, address, *how)
                spent = spent.plus(more)
        plan = self.plans[-1]
        if out is None:
            size = self.size or self._size_of_parts(sources) or self._common_size(plan, sources, rows, decode, failures)
            out = self._room(len(rows), size, dtype, layout, empty)
        else:
            self._check_out(out, sources, len(rows), dtype, layout)
        counts, errors = _run(plan, sources, rows, out, layout == "NCHW", threads, decode, views)
        for place, reason in errors:
            failures.setdefault(place, reason)
        return out, [Failure(*item) for item in sorted(failures.items()) if item[1]], spent.plus(counts)

    def empty(
        self,
        count: int,
        dtype: str | None,
        layout: str,
        empty: Empty | None = None,
    ) -> np.ndarray:
        """What `batch` would make for `count` pictures, if their size is known beforehand (`self.size`)."""
        assert self.size is not None
        return self._room(count, self.size, output_dtype(self.template, dtype), layout, empty)

    def _room(self, count: int, size: tuple[int, int], dtype: str, layout: str, empty: Empty | None) -> np.ndarray:
        check_bytes(self.template, size, dtype)
        return (empty or _native.empty)(batch_shape(count, size, self.template.channels, layout), dtype == "float32")

    def _sizes(
        self,
        plan: _native.Plan,
        sources: list[Source] | Parts,
        rows: np.ndarray,
        decode: Decode,
        failures: dict[int, str],
    ) -> list[tuple[int, int] | None]:
        sizes: list[tuple[int, int] | None] = []
        try:
            found = plan.sizes(sources, rows, decode.max_pixels)
        except ValueError as error:  # what the core says of its inputs
            raise InputError(str(error)) from None
        for place, size in enumerate(found):
            if isinstance(size, str):
                failures.setdefault(place, size)
            sizes.append(None if isinstance(size, str) or place in failures else size)
        return sizes

    def _size_of_parts(self, sources: list[Source] | Parts) -> tuple[int, int] | None:
        """What pictures of one size come out as, if that is the same for every draw: found without the core."""
        if isinstance(sources, Parts) and sources.array.ndim > 2:
            return output_size(self.template, sources.array.shape[1:3])
        return None

    def _common_size(
        self,
        plan: _native.Plan,
        sources: list[Source] | Parts,
        rows: np.ndarray,
        decode: Decode,
        failures: dict[int, str],
    ) -> tuple[int, int]:
        sizes = self._sizes(plan, sources, rows, decode, failures)
        different = sorted({size for size in sizes if size is not None})
        if len(different) > 1:
            first, other = sizes.index(different[0]), sizes.index(different[1])
            raise InputError(
                f"pictures of a batch must come out in one size, but number {first} is {different[0][0]} x "
                f"{different[0][1]} and number {other} is {different[1][0]} x {different[1][1]} (height x width); "
                "put Resize(height, width) into the policy"
            )
        return different[0] if different else (1, 1)

    def _through(
        self,
        number: int,
        call: Instruction,
        sources: list[Source] | Parts,
        rows: np.ndarray,
        address: Address,
        threads: int,
        decode: Decode,
        failures: dict[int, str],
        check: Callable[[int], None],
    ) -> tuple[list[Source], Counts]:
        """The pictures after stage `number` and the user function that ends it (sizes may differ), and counts."""
        spent = Counts()
        plan, (which, stored) = self.plans[number], map(int, call.args)
        groups: dict[tuple[int, int], list[int]] = {}
        for place, size in enumerate(self._sizes(plan, sources, rows, decode, failures)):
            groups.setdefault(size or (1, 1), []).append(place)
        done: list[Source] = [None] * len(sources)
        for size, places in groups.items():
            check_bytes(self.template, size, "float32" if stored else "uint8")
            one_size = np.empty((len(places), *size, self.template.channels), np.float32 if stored else np.uint8)
            some = [sources[place] for place in places]  # a list: what has user functions takes no parts
            counts, errors = _run(plan, some, np.ascontiguousarray(rows[places]), one_size, False, threads, decode)
            spent = spent.plus(counts._replace(damaged=tuple(places[i] for i in counts.damaged)))
            for i, reason in errors:
                failures.setdefault(places[i], reason)
            for i, place in enumerate(places):
                called = place not in failures and (call.gate < 0 or rows[place, call.gate])
                if called:
                    check(int(address.indices[place]))
                done[place] = self._call(which, one_size[i], address, place) if called else one_size[i]
        return done, spent

    def _call(self, which: int, image: np.ndarray, address: Address, place: int) -> np.ndarray:
        function = self.template.functions[which]
        index, view = int(address.indices[place]), int(address.views[place])
        rng = (noise(address.seed, address.epoch, index, view, which),) if self.takes_rng[which] else ()
        name = getattr(function, "__qualname__", repr(function))
        try:
            result: Any = function(image, *rng)
        except StopIteration as error:
            raise stopped(f"Lambda({name}), called for the sample of index {index},") from error
        except Exception as error:
            error.add_note(f"raised in Lambda({name}) for the sample of index {index}")
            raise
        if not isinstance(result, np.ndarray) or result.ndim != 3 or result.shape[2] != self.template.channels:
            seen = f"shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
            raise PolicyError(
                f"Lambda({name}) returned {seen}; it must return an array of height x width x {self.template.channels}"
            )
        if result.dtype != image.dtype:
            raise PolicyError(
                f"Lambda({name}) was given {image.dtype} and returned {result.dtype}; convert it back: "
                f"result.astype(image.dtype); of pictures in 0 .. 1, Rescale(1 / 255) before it makes float32"
            )
        return result

    def _check_out(self, out: Any, sources: list[Source] | Parts, count: int, dtype: str, layout: str) -> None:
        if not isinstance(out, np.ndarray) or dtype_name(out.dtype) != dtype:
            raise InputError(f"out= is {getattr(out, 'dtype', type(out).__name__)}; this call writes {dtype}")
        if out.ndim != 4 or out.shape[0] != count or out.shape[1 if layout == "NCHW" else 3] != self.template.channels:
            wanted = batch_shape(count, self.size or (0, 0), self.template.channels, layout)
            raise InputError(f"out= has shape {out.shape}; this call writes {wanted} (0 stands for any)")
        apart = count == 1 or abs(out.strides[0]) >= out[0].nbytes
        if not out[0].flags.c_contiguous or not out.flags.writeable or not apart:
            raise InputError("out= must be writeable, contiguous within each picture, and have a place for each")
        if isinstance(sources, Parts):
            sources = sources.each() if np.may_share_memory(out, sources.array) else []
        if any(isinstance(s, np.ndarray) and np.may_share_memory(out, s) for s in sources):
            raise InputError("out= shares memory with the images; they are read while it is written, so give another")


def _run(
    plan: _native.Plan,
    sources: list[Source] | Parts,
    rows: np.ndarray,
    out: np.ndarray,
    planar: bool,
    threads: int,
    decode: Decode,
    views: int = 1,
) -> tuple[Counts, list[tuple[int, str]]]:
    try:
        counts, errors = plan.run(sources, rows, out, planar, threads, *decode, views)
    except ValueError as error:
        raise InputError(str(error)) from None
    return Counts(*counts), errors
