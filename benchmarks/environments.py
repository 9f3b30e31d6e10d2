"""A separate environment for each contestant, under benchmarks/.envs, made when it is first needed.

A stamp in each says what it was made from. It is made again if the requirements or, for vary, the source tree changed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
ENVS = HERE / ".envs"
SOURCES = ("src", "native", "pyproject.toml", "CMakeLists.txt")
WITH_VARY = ("vary", "tensorflow", "jax", "torch")  # the repository is installed into these

# One thread each unless a case says otherwise; nothing is looked up on the network.
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "ALBUMENTATIONS_NO_TELEMETRY": "1",
    "ALBUMENTATIONS_OFFLINE": "1",
    "PYTHONWARNINGS": "ignore",
}
# Choices that a machine may have made for older OpenBLAS builds; they slow a current NumPy.
DROPPED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "VARY_TARGET", "PYTHONPATH")


def process_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    return {**kept, **SETTINGS}


def python_of(name: str) -> Path:
    folder = "Scripts" if os.name == "nt" else "bin"
    return ENVS / name / folder / "python"


def digest(name: str, sources: Path) -> str:
    """A hash of what the environment is made of: requirements, the interpreter and, with vary, the source tree."""
    sums = hashlib.sha256(sys.version.encode())
    sums.update(requirements(name).read_bytes())
    for source in SOURCES if name in WITH_VARY else ():
        path = sources / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix not in {".pyc", ".so"}:
                sums.update(str(file.relative_to(sources)).encode() + file.read_bytes())
    return sums.hexdigest()


def requirements(name: str) -> Path:
    return HERE / "requirements" / f"{name}.txt"


def ensure(name: str, peer: str, sources: Path = REPOSITORY) -> Path:
    """The interpreter of environment `name`, made, or made again if its stamp does not match.

    peer: whose requirements it has. sources: of vary, if that belongs to it.
    """
    python, stamp, wanted = python_of(name), ENVS / name / "stamp", digest(peer, sources)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"making environment {name}", file=sys.stderr, flush=True)
    venv.create(ENVS / name, with_pip=True, clear=True)
    install(python, "-r", str(requirements(peer)))
    if peer in WITH_VARY:
        install(python, str(sources))
    stamp.write_text(wanted)
    return python


def checkout(commit: str, folder: Path) -> Path:
    """The repository's files as they were at `commit`, in this folder."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, stdout=subprocess.PIPE, check=False)
    if archive.returncode != 0:
        raise SystemExit(f"--before {commit}: git knows no such commit here; give one of this repository")
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    return folder


def install(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"pip install {' '.join(what)} failed:\n{result.stdout}")
