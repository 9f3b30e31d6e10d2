"""simplejpeg: decoding alone, results dropped: what reading a folder costs before anything is varied."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg

from benchmarks.peers import Batch, Build, Check, Step, slots

if TYPE_CHECKING:
    from collections.abc import Sequence


def versions() -> dict[str, str]:
    return {"simplejpeg": simplejpeg.__version__, "numpy": np.__version__}


def decode(files: Sequence[Any], threads: int) -> Step:
    """Every file read and decoded in full, in as many chunks as threads."""
    pool, out = ThreadPoolExecutor(threads), slots(1, (1, 1))

    def some(chunk: Sequence[Any]) -> None:
        for file in chunk:
            simplejpeg.decode_jpeg(Path(file).read_bytes())

    def step(_epoch: int) -> Batch:
        list(pool.map(some, [files[start::threads] for start in range(threads)]))
        return out

    return step


CASES: dict[str, Build] = {"decode": decode}
CHECKS: dict[str, Check] = {}
