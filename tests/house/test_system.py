"""tools/system.sh: it checks for system packages before a build, and installs what is missing or names the command."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "system.sh"
PRESENT = ("g++", "python3", "valgrind", "qemu-x86_64")

STUBS = {  # a system in which a thing is there once its package is installed
    "id": 'echo "$TEST_USER"',
    "uname": "echo x86_64",
    "apt-get": 'echo "apt-get $*" >>"$TEST_LOG"; for one; do touch "$TEST_HAS/$one"; done; [[ ! ${TEST_OFFLINE:-} ]]',
    "dnf": 'echo "dnf $*" >>"$TEST_LOG"; for one; do touch "$TEST_HAS/$one"; done',
    "g++": 'source="$(cat)"; case "$source" in '
    "*Python.h*) [[ -e $TEST_HAS/python3-dev || -e $TEST_HAS/python3-devel ]] ;; "
    "*jpeglib*) [[ -e $TEST_HAS/libjpeg-dev || -e $TEST_HAS/libjpeg-turbo-devel ]] ;; esac",
    "python3": 'case "$*" in *venv*) [[ -e $TEST_HAS/python3-venv || -e $TEST_HAS/python3 ]] ;; '
    "*version_info*) [[ ! ${TEST_OLD:-} ]] ;; -V) echo Python 3.9.1 ;; *) echo /include ;; esac",
    "sudo": "",
}


def system(
    tmp_path: Path, *args: str, without: str = "", user: int = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the script in a system that has the commands of STUBS, less those named in `without`."""
    commands, has = tmp_path / "bin", tmp_path / "has"
    if not commands.exists():
        commands.mkdir()
        has.mkdir()
        for name, code in STUBS.items():
            if name not in without.split():
                (commands / name).write_text(f"#!{shutil.which('bash')}\n{code}\n")
                (commands / name).chmod(0o755)
        for name in ("basename", "bash", "cat", "env", "touch"):
            (commands / name).symlink_to(str(shutil.which(name)))
    reported = {"PATH": str(commands), "TEST_HAS": str(has), "TEST_LOG": str(tmp_path / "log"), "TEST_USER": str(user)}
    return subprocess.run([SCRIPT, *args], capture_output=True, text=True, check=False, env=reported | more)


def log(tmp_path: Path) -> str:
    file = tmp_path / "log"
    return file.read_text() if file.exists() else ""


def test_root_gets_what_is_missing(tmp_path: Path) -> None:
    run = system(tmp_path)
    assert run.returncode == 0, run.stderr
    packages = "python3-venv python3-dev libjpeg-dev"
    assert run.stdout == (
        "Missing: Python's venv, Python's headers, libjpeg-turbo's headers. "
        f"You are root, so this installs them: apt-get install {packages}\n"
    )
    assert log(tmp_path).splitlines() == [
        "apt-get -qq update",
        f"apt-get -qq install -y --no-install-recommends {packages}",
    ]
    again = system(tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", ""), "nothing is done where nothing is missing"


def test_fedora_has_its_own_names(tmp_path: Path) -> None:
    run = system(tmp_path, without="apt-get")
    assert run.returncode == 0, run.stderr
    assert log(tmp_path) == "dnf -q -y install python3 python3-devel libjpeg-turbo-devel\n"


@pytest.mark.parametrize("sudo", ["sudo ", ""])
def test_other_users_get_the_command(tmp_path: Path, sudo: str) -> None:
    run = system(tmp_path, user=1000, without="" if sudo else "sudo")
    assert run.returncode == 1
    assert run.stderr.endswith(f"Install them: {sudo}apt-get install python3-venv python3-dev libjpeg-dev\n")
    assert run.stderr.count("\n") == 1
    assert not log(tmp_path)


def test_all_missing_packages_are_named(tmp_path: Path) -> None:
    run = system(tmp_path, user=1000, without="g++ python3")
    assert run.stderr.endswith("sudo apt-get install python3 python3-venv g++ python3-dev libjpeg-dev\n")


def test_without_a_known_package_manager_things_are_named(tmp_path: Path) -> None:
    run = system(tmp_path, without="apt-get dnf")
    assert run.returncode == 1
    assert "Missing: Python's venv, Python's headers, libjpeg-turbo's headers. Install them with your" in run.stderr


def test_an_installation_that_fails_says_what_is_still_missing(tmp_path: Path) -> None:
    run = system(tmp_path, TEST_OFFLINE="1", TEST_HAS=str(tmp_path / "elsewhere"))
    assert run.returncode == 1
    assert "apt-get failed." in run.stderr
    assert run.stderr.rstrip().endswith("Install them: sudo apt-get install python3-venv python3-dev libjpeg-dev")


def test_an_old_python_is_refused(tmp_path: Path) -> None:
    run = system(tmp_path, TEST_OLD="1")
    assert run.returncode == 1
    assert (
        run.stderr
        == "vary needs Python 3.11 or newer, and this is Python 3.9.1. To use another: make PYTHON=python3.12\n"
    )


def test_another_python_has_packages_of_its_own(tmp_path: Path) -> None:
    run = system(tmp_path, user=1000, PYTHON="python3.13")
    assert "apt-get install python3.13 python3.13-venv python3.13-dev" in run.stderr
    assert "This was checked for python3.13; to use another Python: make PYTHON=..." in run.stderr


def test_what_checks_need_is_never_an_error(tmp_path: Path) -> None:
    run = system(tmp_path, "checks", user=1000)
    assert run.returncode == 0
    assert run.stdout.startswith(
        "Missing: valgrind, an emulator of other processors; checks that need them are skipped."
    )
    assert run.stdout.endswith("sudo apt-get install valgrind qemu-user\n")
    assert not log(tmp_path)
    assert system(tmp_path, "checks").returncode == 0
    assert "install -y --no-install-recommends valgrind qemu-user" in log(tmp_path)


def test_readme_names_the_same_packages() -> None:
    build = SCRIPT.read_text(encoding="utf-8").partition('\nchecks="')[0]
    listed = [line.strip('"').split("|")[2:] for line in build.splitlines() if re.match(r"has_\w+\|", line)]
    assert len(listed) == 5
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for column, command in enumerate(("apt-get install", "dnf install")):
        (reported,) = re.findall(rf"(?m)^\|.*`sudo {command} (.*)` \|$", readme)
        wanted = {row[column].replace("$named", "python3") for row in listed} - {"python3"}
        assert set(reported.split()) == wanted | {"make"}


def test_options_of_pip_are_spelled_in_full() -> None:
    """Debian 12 has pip 23.0, which does not know -C."""
    assert not re.findall(r"\$\(PIP\)[^\n]* -C", (ROOT / "Makefile").read_text(encoding="utf-8"))


def test_the_scripts_parse() -> None:
    for script in (SCRIPT, ROOT / "tools" / "fresh.sh", ROOT / ".ci" / "run"):
        assert os.access(script, os.X_OK)
        subprocess.run(["bash", "-n", script], check=True)
