"""Making a plain batch involves only a few files, so that the way can be read."""

import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import vary

ROOM = Path(vary.__file__).parent / "streams"
MOST = 9


@pytest.mark.parametrize("kind", ["folder", "array"])
def test_a_plain_batch_uses_few_files(folder: Path, kind: str) -> None:
    policy = vary.Policy([vary.Rotate(9), vary.Resize(24, 20)])
    source: Any = folder if kind == "folder" else (np.zeros((2000, 9, 9, 3), np.uint8), np.arange(2000))
    train = vary.stream(source, policy, batch_size=2, cache=None)
    seen: set[Path] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (path := Path(frame.f_code.co_filename)).is_relative_to(ROOM):
            seen.add(path.relative_to(ROOM))

    batches = iter(train)
    next(batches)
    batches.close()
    threading.setprofile(note)  # of threads that begin from now on
    sys.setprofile(note)
    try:
        batches = iter(train)
        for _ in range(4):  # what the epoch needs once
            next(batches)
        seen.clear()
        for _ in range(5 if kind == "folder" else 100):
            next(batches)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        batches.close()
    assert Path("batches/render.py") in seen
    assert len(seen) <= MOST, sorted(map(str, seen))
