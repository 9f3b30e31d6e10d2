"""`Runner`: a policy compiled for one kind of picture (channels, dtype). It makes batches.

Threads may share it. The GIL is released while pixels are computed. ARCHITECTURE.md counts the native calls of a batch.
"""

from __future__ import annotations

import numpy as np

from vary import _native
from vary.elements import DTYPES
from vary.errors import PolicyError
from vary.plan.callback import UserFunction, fill_user_numbers
from vary.plan.compile import compiled, compiled_geometry
from vary.plan.infer import check_bytes, output_dtype, output_size
from vary.plan.program import Program, Template
from vary.plan.request import PLAIN, Address, Decode, Failure, Output, Parts, Pictures, Request, Result, Source
from vary.plan.run import Run
from vary.plan.segment import segment, stages
from vary.sample import batch_shape

__all__ = ["Runner"]


class Runner:
    def __init__(self, template: Template) -> None:
        self.template = segment(template)
        self.size = output_size(self.template)
        self._last_size: tuple[tuple[int, ...], tuple[int, int] | None] = ((), None)
        self.stages = stages(self.template)
        self.plans = compiled(self.template, self.stages)
        self._geometry: dict[tuple[float, ...], _native.Plan] = {}
        self._functions = [UserFunction(*each) for each in enumerate(self.template.functions)]

    def rows(self, address: Address) -> np.ndarray:
        """The parameter array: (n, columns) float64."""
        rows = self.plans[0].draw(address.seed, address.epoch, address.indices, address.views)
        if self.template.user_numbers:
            fill_user_numbers(self.template.user_numbers, address, rows)
        return rows

    def size_after(self, shape: tuple[int, ...]) -> tuple[int, int] | None:
        """(height, width) of arrays of this shape after all stages; None where it depends on the draw."""
        known, size = self._last_size  # remembered, because most arrays of a source have the shape of the one before
        if shape != known:
            size = None if len(shape) < 2 or 0 in shape else output_size(self.template, (shape[0], shape[1]))
            self._last_size = shape, size
        return size

    def levels(self, sources: list[Source], rows: np.ndarray, decode: Decode = PLAIN) -> list[int | str]:
        """The scale denominator (1, 2, 4 or 8) at which each file is decoded, or why its header cannot be read."""
        return self.plans[0].levels(sources, rows, decode.full_decode, decode.max_pixels)

    def sizes(self, pictures: Pictures, rows: np.ndarray, max_pixels: int) -> list[tuple[int, int] | str]:
        """(height, width) of each picture as shown, before it is varied, or why its header cannot be read."""
        if isinstance(pictures, Parts):
            return [pictures.array.shape[1:3]] * len(rows)
        found = self.geometry([0.0] * self.template.channels).maps(pictures, rows, max_pixels)
        return [one if isinstance(one, str) else (one[0][1], one[0][2]) for one in found]

    def program(self, address: Address) -> Program:
        """The Program of the first sample of `address`."""
        return self.template.program(self.rows(address)[0])

    def describe(self, height: int, width: int, row: np.ndarray, stage: int = 0) -> list[_native.Pass]:
        """One dict for each pass of a stage, whose pictures are height x width. For `explain` and tests."""
        before = self.stages[stage - 1].call if stage else None
        dtype = self.template.dtype if before is None else DTYPES[int(before.args[1])]
        try:
            return self.plans[stage].describe(height, width, dtype, row.reshape(1, -1))
        except RuntimeError as error:  # a canvas or a map becomes too large
            raise PolicyError(str(error)) from None

    def batch(self, request: Request) -> Result:
        """Make one batch. `Result.failures` lists pictures that fail; other errors are `InputError`, `PolicyError`."""
        run = Run(self, request)
        arrays = tuple([run.make(output) for output in request.outputs])
        failures = [Failure(*item) for item in sorted(run.failures.items()) if item[1]] if run.failures else []
        return Result(arrays, failures, run.counts, run.maps() if request.maps else ())

    def geometry(self, fill_value: list[float]) -> _native.Plan:
        """The plan for masks of as many channels as `fill_value` has; made when it is first needed."""
        found = self._geometry.get(tuple(fill_value))
        if found is None:
            made = compiled_geometry(self.template, len(fill_value), fill_value)
            found = self._geometry.setdefault(tuple(fill_value), made)
        return found

    def empty(self, count: int, output: Output) -> np.ndarray:
        """An array such as `batch` makes for `count` pictures. Only if their size is known beforehand (`self.size`)."""
        assert self.size is not None
        return self.allocated(count, self.size, output_dtype(self.template, output.dtype), output)

    def allocated(self, count: int, size: tuple[int, int], dtype: str, output: Output) -> np.ndarray:
        """An array for `count` pictures of this size, (height, width)."""
        check_bytes(self.template, size, dtype)
        shape = batch_shape(count, size, self.template.channels, output.layout)
        return (output.empty or _native.empty)(shape, dtype)

    def call_function(self, which: int, image: np.ndarray, address: Address, place: int) -> np.ndarray:
        """The result of user function number `which` for this image, the sample at `place`."""
        return self._functions[which](image, address, place, self.template.channels)
