"""Objects compiled for one instruction set define no symbol that the linker could use for another.

A weak symbol would let the linker run one instruction set's copy of a function on every machine; a call into libm
would let the C library decide bytes.
"""

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ALLOWED_CALLS = {
    *("memcpy", "memmove", "memset", "memcmp"),
    *("_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail", "__cxa_guard_acquire", "__cxa_guard_release"),
}


def faults(target: str, symbols: str) -> list[str]:
    """What is wrong in the output of `nm --format=posix -C` for an object of `target`."""
    found = []
    for line in symbols.splitlines():
        match = re.match(r"(.*) ([A-Za-z])(?: [0-9a-f]+)*\s*$", line)
        assert match, line
        name, kind = match.groups()
        if name.startswith("DW.ref."):  # data that tells which personality routine unwinds: the same in every object
            continue
        if kind in "WwVvui":
            found.append(f"weak: {name}")
        elif kind == "U" and name not in ALLOWED_CALLS and not name.startswith("vary::"):
            found.append(f"calls {name}")
        elif kind.isupper() and kind != "U" and f"vary::{target}::" not in name:
            found.append(f"defined outside vary::{target}: {name}")
    return found


def test_kernel_objects(build_root: Path) -> None:
    nm = shutil.which("nm")
    assert nm, "nm is absent: install binutils"
    folders = sorted(build_root.glob("CMakeFiles/vary_kernels_*.dir"))
    targets = {folder.name.removeprefix("vary_kernels_").removesuffix(".dir"): folder for folder in folders}
    assert set(targets) == ({"v2", "v3", "v4"} if platform.machine() == "x86_64" else {"base"})
    found = []
    for target, folder in targets.items():
        objects = sorted(folder.rglob("*.o"))
        assert objects, folder
        for path in objects:
            run = subprocess.run([nm, "--format=posix", "-C", path], capture_output=True, text=True, check=True)
            found += [f"{target}/{path.name}: {text}" for text in faults(target, run.stdout)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("vary::v3::kernels() T 0 1f", ""),
        ("vary::v3::(anonymous namespace)::row(float*, int) t 40 1f", ""),
        ("memcpy U         ", ""),
        ("DW.ref.__gxx_personality_v0 V 0 8", ""),
        ("float const& std::min<float>(float const&, float const&) W 0 1f", "weak: float const& std::min"),
        ("vary::table u 0 40", "weak: vary::table"),
        ("expf U         ", "calls expf"),
        ("vary::v2::kernels() T 0 1f", "defined outside vary::v3"),
    ],
)
def test_faults_are_found(line: str, says: str) -> None:
    found = faults("v3", line)
    assert (len(found) == 1 and says in found[0]) if says else not found
