"""Guards the kernels by instruction counts, also on a busy machine: `python -m benchmarks.instructions DRIVER`.

DRIVER is the test program built from native/tests/kernel_driver.cc. Without an argument it prints the names of its
kernels, one a line; `DRIVER NAME` runs that kernel over its fixed picture a fixed number of times, on the instruction
set that VARY_TARGET names. Each kernel is run under `valgrind --tool=callgrind`; a count more than 2 % away
from that in instructions.json fails: above, something got slower; below, the gain is to be kept (`--update`).

Counts are stored for each target and compiler, because another compiler makes other instructions; for one that has none
stored they are only printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

STORE = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.02
TARGET = "v3" if platform.machine().lower() in {"x86_64", "amd64"} else "base"  # valgrind knows no AVX-512

Counts = dict[str, int]


def compiler_of(driver: Path) -> str:
    """The compiler of the binary: the newest of the version texts that compilers write into it."""
    marks = re.findall(rb"GCC: \([^)]*\) ([\d.]+)|clang version ([\d.]+)", driver.read_bytes())
    names = {f"gcc {gcc.decode()}" if gcc else f"clang {clang.decode()}" for gcc, clang in marks}
    clang = {name for name in names if name.startswith("clang")}  # start-up files contain GCC's text as well
    return max(clang or names, default="unknown compiler")


def kernels(driver: Path) -> list[str]:
    listed = subprocess.run([str(driver)], check=True, capture_output=True, text=True)
    return listed.stdout.split()


def count(driver: Path, kernel: str, target: str) -> int:
    """Instructions of one run of `kernel`, including the start of the program."""
    with tempfile.TemporaryDirectory(prefix="vary-callgrind-") as folder:
        output = Path(folder) / "counts"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", str(driver), kernel]
        environment = {**os.environ, "VARY_TARGET": target}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{result.stderr}")
        match = re.search(r"^(?:summary|totals): (\d+)", output.read_text(), re.MULTILINE)
    if match is None:
        raise SystemExit(f"callgrind printed no total for {kernel}")
    return int(match[1])


def compare(kernel: str, counted: int, stored: int | None) -> tuple[bool, str]:
    """Is the count within its bounds, and the line to print."""
    if stored is None:
        return False, f"{kernel}: {counted:,} instructions, none stored for this target and compiler; see --update"
    change = counted / stored - 1
    verdict = "holds" if abs(change) <= TOLERANCE else "MORE" if change > 0 else "FEWER: keep the gain with --update"
    return abs(change) <= TOLERANCE, f"{kernel}: {counted:,} instructions, {stored:,} stored, {change:+.2%}: {verdict}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__.splitlines()[0])
    parser.add_argument("driver", type=Path, help="the program built from native/tests/kernel_driver.cc")
    parser.add_argument("--target", default=TARGET, help=f"instruction set to count on (default {TARGET})")
    parser.add_argument("--update", action="store_true", help="store what is counted")
    chosen = parser.parse_args()
    driver = chosen.driver.resolve()
    key = f"{chosen.target}, {compiler_of(driver)}"
    stored: dict[str, Counts] = json.loads(STORE.read_text()) if STORE.exists() else {}
    counted = {kernel: count(driver, kernel, chosen.target) for kernel in kernels(driver)}
    if not counted:
        raise SystemExit(f"{driver} lists no kernels")
    if chosen.update:
        STORE.write_text(json.dumps({**stored, key: counted}, indent=1, sort_keys=True) + "\n")
        print(f"stored {len(counted)} counts for {key}")
        return 0
    if key not in stored:
        print(f"No counts are stored for {key}; --update stores them. Counted:", counted)
        return 0
    known = stored[key]
    verdicts = [compare(kernel, found, known.get(kernel)) for kernel, found in counted.items()]
    verdicts += [(False, f"{kernel}: stored, but not listed by the driver") for kernel in known.keys() - counted.keys()]
    print(f"{key}:", *(text for _, text in verdicts), sep="\n  ")
    return 0 if all(holds for holds, _ in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
