"""Frameworks use batches and streams directly: runs the functions `check_*` of `children` in their environment.

A file runs in a process of its own, once for each of its backends of Keras.
"""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from conftest import FRAMEWORKS, OLD_KERAS
from frameworks import killed

CHILDREN = Path(__file__).parent / "children"
BACKENDS = ("jax", "torch", "tensorflow")
FILES = {
    "trees_jax": ("",),
    "trees_torch": ("",),
    "policies": ("",),
    "on_ray": ("",),
    "trees_tensorflow": ("tensorflow",),
    "keras_fit": BACKENDS,
    "keras_images": ("jax",),
    "keras_iterators": BACKENDS,
    "keras_dataset": BACKENDS,
    "keras_augment": BACKENDS,
    "pages": BACKENDS,
    "example": BACKENDS,
    "notebook": ("jax",),
    "stream_torch": ("",),
    "stream_jax": ("",),
    "stream_tensorflow": ("tensorflow",),
    "photos": BACKENDS,
}
OF_PICTURES = {"photos"}
OLD = sorted(path.parent.name for path in OLD_KERAS.glob("*/vary"))


def checks(file: str) -> list[str]:
    return re.findall(r"(?m)^def (check_\w+)", (CHILDREN / f"{file}.py").read_text(encoding="utf-8"))


CASES = [
    pytest.param(file, backend, check, marks=[pytest.mark.needs("pictures")] if file in OF_PICTURES else [])
    for file, backends in FILES.items()
    for backend in backends
    for check in checks(file)
]


@cache
def errors(home: Path, file: str, backend: str) -> dict[str, str]:
    """check -> its traceback, or "". home: of the environment."""
    command = [home / "bin" / "python", CHILDREN / "run.py", CHILDREN / f"{file}.py", *filter(None, [backend])]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    except subprocess.TimeoutExpired as error:  # kept as a result: another check would wait as long again
        return {"": f"no end within {error.timeout:g} seconds:\n{error.stdout}\n{error.stderr}"}
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"check"')]
    return {"": f"exit code {run.returncode}:\n{run.stdout}\n{run.stderr}"} | {
        one["check"]: one["error"] for one in lines
    }


@pytest.mark.needs("frameworks")
@pytest.mark.parametrize(("file", "backend", "check"), CASES)
def test_frameworks(file: str, backend: str, check: str) -> None:
    found = errors(FRAMEWORKS, file, backend)
    assert check in found, found[""]
    assert not found[check], found[check]


@pytest.mark.needs("frameworks")
@pytest.mark.parametrize("kind", killed.KINDS[:3])
def test_a_killed_training_goes_on_exactly(kind: str) -> None:
    assert killed.play(kind, 2, 1)


@pytest.mark.needs("old-keras")
@pytest.mark.parametrize("check", checks("keras_iterators"))
@pytest.mark.parametrize("version", OLD or ["none"])
def test_old_versions_of_keras(version: str, check: str) -> None:
    found = errors(OLD_KERAS / version, "keras_iterators", "jax")
    assert check in found, found[""]
    assert not found[check], found[check]


def test_every_file_of_checks_is_run() -> None:
    found = {path.stem for path in CHILDREN.glob("*.py") if "def check_" in path.read_text(encoding="utf-8")}
    assert found == {*FILES}
