"""Folders of pictures to run the commands on, and the commands as users start them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIZES = [(90, 120), (120, 80), (64, 64), (75, 130)]  # height x width

Snapshot = dict[str, tuple[int, bytes]]


def picture(number: int, height: int, width: int) -> Image.Image:
    """Smooth, coloured, different for each number."""
    coarse = np.random.default_rng(number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes of four pictures, JPEG and PNG."""
    root = tmp_path / "data"
    for place, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number, size in enumerate(SIZES):
            suffix = "jpg" if number % 2 else "png"
            picture(10 * place + number, *size).save(root / name / f"{number}.{suffix}")
    return root


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def snapshot() -> Callable[[Path], Snapshot]:
    def take(folder: Path) -> Snapshot:
        return {
            str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in [folder, *sorted(folder.rglob("*"))]
        }

    return take


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Start:
    """Start the command in a process of its own; keywords are Popen's."""

    def run(*args: object, **how: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "vary", *map(str, args)]
        pipes: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background has it ignored
        try:
            return subprocess.Popen(command, text=True, env={**os.environ, "NO_COLOR": "1"}, **(pipes | how))
        finally:
            signal.signal(signal.SIGINT, before)

    return run
