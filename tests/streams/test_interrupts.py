"""Ctrl-C at any moment: wherever it comes while an iteration begins, goes on or ends, no thread of it is left."""

import dis
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pytest
from streams.test_stop import collect, ours

import vary.streams
from vary.policy import Policy
from vary.streams import Stream, stream

FOLDER = str(Path(vary.streams.__file__).parent)


class Interrupt:
    """Raises KeyboardInterrupt at the n-th place where Python looks for signals: after a call, at the beginning of a
    function and where a loop repeats. Only places in vary.streams count."""

    def __init__(self, at: int) -> None:
        self.left = at
        self._codes: dict[CodeType, bytes] = {}
        self._last: dict[FrameType, str] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> "Interrupt | None":  # Any: differs between events
        code = frame.f_code
        if not code.co_filename.startswith(FOLDER):
            return None
        frame.f_trace_opcodes = True
        if event == "return":
            self._last.pop(frame, None)
        elif event == "opcode":
            codes = self._codes.setdefault(code, code.co_code)
            last, self._last[frame] = self._last.get(frame, ""), dis.opname[codes[frame.f_lasti]]
            self.left -= last.startswith(("CALL", "RESUME", "JUMP_BACKWARD"))
            if not self.left:
                self._last.clear()
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


def interrupted(use: Callable[[Stream], None], train: Stream, at: int) -> bool:
    """Did it come before the end?"""
    tracer = Interrupt(at)
    sys.settrace(tracer)
    try:
        use(train)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return tracer.left <= 0


def closed(train: Stream) -> None:
    batches = iter(train)
    next(batches)
    batches.close()


def dropped(train: Stream) -> None:
    for _ in train:
        break


@pytest.mark.parametrize("use", [closed, dropped])
def test_ctrl_c_leaves_no_thread(use: Callable[[Stream], None], monkeypatch: pytest.MonkeyPatch) -> None:
    in_finalizers: list[object] = []  # from where Python cannot raise it
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: in_finalizers.append(raised.exc_type))
    images = np.zeros((8, 4, 4, 3), np.uint8)
    at = 1
    while interrupted(use, stream(images, Policy([]), batch_size=2, threads=2), at):
        if ours():
            collect()
        at += 1
    assert at > 150, "the trace has seen an iteration"
    assert set(in_finalizers) <= {KeyboardInterrupt}
