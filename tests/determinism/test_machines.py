"""Stored hashes, on every instruction set and under different settings of the machine."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from determinism.hashes import STORED, compute, machine

import vary
from vary.plan.machine import targets

SCRIPT = STORED.with_name("hashes.py")
X86 = platform.machine() == "x86_64"
on_x86 = pytest.mark.skipif(not X86, reason="settings of x86-64 machines")


def child(*arguments: str, **environment: str) -> dict[str, Any]:
    """What hashes.py prints under `environment`."""
    paths = [str(Path(vary.__file__).parents[1]), str(SCRIPT.parents[1])]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment}
    run = subprocess.run([sys.executable, *arguments, SCRIPT], env=given, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout.splitlines()[-1]))


def stored() -> dict[str, dict[str, str]]:
    return dict(json.loads(STORED.read_text()))


def differing(found: dict[str, dict[str, str]]) -> list[str]:
    wanted = stored()
    assert found.keys() == wanted.keys()
    return [f"{name}: {kind}" for name, row in wanted.items() for kind in row if found[name].get(kind) != row[kind]]


def test_bytes_are_what_they_were() -> None:
    assert differing(compute()) == []


@pytest.mark.parametrize("target", targets())
def test_every_target_makes_the_same_bytes(target: str) -> None:
    found = child(VARY_TARGET=target)
    assert found["target"] == target
    assert differing(found["hashes"]) == []


def test_an_unknown_target_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import vary, numpy; vary.Policy([])(numpy.zeros((2, 2), 'uint8'))"],
        env={**os.environ, "VARY_TARGET": "v9", "PYTHONPATH": str(Path(vary.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "VARY_TARGET=v9 is not available here; choose one of: " + " ".join(targets()) in run.stderr


def dispatched() -> list[str]:
    """Features that this NumPy chooses at run time and this machine has."""
    core: Any = np._core._multiarray_umath  # type: ignore[attr-defined]
    return [name for name in core.__cpu_dispatch__ if name in machine()["features"]]  # type: ignore[operator]


@on_x86
def test_numpys_instruction_sets_do_not_matter() -> None:
    disabled = dispatched()
    found = child(NPY_DISABLE_CPU_FEATURES=" ".join(disabled))
    assert not set(disabled) & set(found["features"])
    assert differing(found["hashes"]) == []


@on_x86
@pytest.mark.parametrize("core", ["Prescott", "Haswell", "SkylakeX"])
def test_openblas_does_not_matter(core: str) -> None:
    assert differing(child(OPENBLAS_CORETYPE=core)["hashes"]) == []


@on_x86
def test_the_c_librarys_instruction_sets_do_not_matter() -> None:
    assert differing(child(GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-ERMS")["hashes"]) == []


FLUSHING = """
import ctypes, json, mmap, runpy, sys
import numpy as np
code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("0fae17c3"))  # ldmxcsr [rdi]; ret
load = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
tiny = np.full(1, 1e-40, np.float32)
from vary import Brightness, Policy, Resize, Rotate
image = (np.arange(3 * 64, dtype=np.float32).reshape(8, 8, 3) * np.float32(1e-41))
policies = [Policy([Rotate(10), Brightness((0.9, 0.9))]), Policy([Resize(3, 3)])]
def run(): return [policy.batch([image] * 4, seed=0, threads=n).tobytes() for policy in policies for n in (1, 2)]
plain = run()
assert all(any(out) for out in plain), "denormals come out"
load(ctypes.byref(ctypes.c_uint32(0x1F80 | 0x8040)))  # flush to zero, and take denormals as zero
assert (tiny * np.float32(1))[0] == 0, "the mode is on"
flushed = run()
assert (tiny * np.float32(1))[0] == 0, "and the caller keeps it"
print(json.dumps(plain == flushed))
"""


@on_x86
def test_a_caller_that_flushes_denormals_gets_the_same_bytes() -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(vary.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", FLUSHING], env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)
