"""`Samples`: a source as a data source of Ray. Importing this module imports Ray."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from vary.frameworks.ray.read import read_tables

__all__ = ["Samples"]


class Samples(Datasource):  # type: ignore[misc]
    """Samples 0 .. count - 1. kept: Ray's reference to the source."""

    def __init__(self, kept: object, count: int) -> None:
        super().__init__()
        self._kept, self._count = kept, count

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(
        self,
        parallelism: int,
        per_task_row_limit: int | None = None,
        data_context: object = None,  # noqa: ARG002  of Ray, which sets it
    ) -> list[Any]:  # Any: of Ray, which has no types
        ends = [self._count * part // parallelism for part in range(parallelism + 1)]
        return [
            ReadTask(
                partial(read_tables, self._kept, start, stop),
                BlockMetadata(num_rows=stop - start, size_bytes=None, exec_stats=None),
                per_task_row_limit=per_task_row_limit,
            )
            for start, stop in pairwise(ends)
        ]
