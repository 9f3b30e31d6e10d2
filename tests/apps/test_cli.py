"""Exit codes, one-line errors, clean pipes, and data that stays as it is."""

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import vary
from vary.apps.cli import main

Start = Callable[..., subprocess.Popen[str]]
Snapshot = Callable[[Path], dict[str, tuple[int, bytes]]]

USER_ERRORS = [  # arguments (DATA is the folder), what the message holds
    (["preview", "nowhere"], "'nowhere' does not exist"),
    (["preview", "empty"], "holds no pictures"),
    (["preview", "broken.jpg"], "broken.jpg: "),
    (["preview", "two\nlines.jpg"], "two lines.jpg: "),
    (["preview", "DATA", "--policy", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    (["preview", "DATA", "--policy", "wrong.yaml"], "did you mean Rotate?"),
    (["preview", "DATA", "--policy", "lines.yaml"], "lines.yaml: "),
    (["preview", "DATA", "-o", "nowhere/sheet.png"], "'nowhere' does not exist"),
    (["preview", "DATA", "-o", "sheet.txt"], ".png, .jpg or .webp"),
    (["preview", "DATA", "-o", "folder.png"], "'folder.png' is a folder"),
    (["preview", "right.yaml"], "right.yaml is a policy: vary preview SOURCE --policy right.yaml"),
    (["demo", "right.yaml"], "right.yaml is a policy: vary demo DATA --policy right.yaml"),
    (["preview", "nowhere.yaml"], "'nowhere.yaml' does not exist"),
    (["demo", "nowhere"], "'nowhere' does not exist"),
    (["demo", "DATA", "--policy", "wrong.yaml"], "did you mean Rotate?"),
    (["demo", "DATA", "-o", "DATA/sheet.png"], "written into the data"),
    (["explain", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    (["transforms", "Rotat"], "did you mean Rotate?"),
    (["transforms", "RandomRotation"], "Kornia's RandomRotation is Rotate here: Rotate(40)"),
    (["transforms", "Qqq"], "see: vary transforms"),
]
USAGE_ERRORS = [
    ["nonsense"],
    ["preview", "a", "b"],
    ["preview", "DATA", "--rows", "0"],
    ["preview", "DATA", "--columns", "1"],
    ["preview", "DATA", "--seed", "-1"],
    ["demo", "DATA", "--epochs", "0"],
    ["explain"],
    ["profile", "DATA", "--on-error", "stop"],
    *([command, "DATA", "--dtype", "float32"] for command in ("preview", "demo", "profile")),
    ["explain", "right.yaml", "--dtype", "float64"],
    *(["profile", "DATA", "--cache-bytes", size] for size in ("0", "5X", "-5M", "many", "", "0.4", "9" * 400)),
    ["cache", "clear"],
    *(
        ["explain", "right.yaml", "--size", size]
        for size in ("375", "0x5", "4x4x0", "4x4x1025", "4x4x3x3", "axb", "-4x4")
    ),
]


@pytest.fixture(autouse=True)
def things(work: Path) -> None:
    (work / "empty").mkdir()
    (work / "folder.png").mkdir()
    (work / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (work / "two\nlines.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (work / "wrong.yaml").write_text("- Rotat: 4\n")
    (work / "lines.yaml").write_text("- Rotate: [\n  4\n\n- b: {")
    vary.Policy([vary.Resize(20, 30), vary.Rotate(30)]).save("right.yaml")


def test_python_m_vary_is_the_command() -> None:
    script = Path(sys.executable).with_name("vary")
    for args in ([], ["--help"], ["transforms", "Rotate"], ["transforms", "Rotat"], ["nonsense"]):
        module, command = (
            subprocess.run([*start, *args], capture_output=True, text=True, check=False)
            for start in ([sys.executable, "-m", "vary"], [script])
        )
        assert module.stdout == command.stdout
        assert module.stderr == command.stderr
        assert module.returncode == command.returncode
        assert module.stdout or module.stderr


def filled(args: list[str], data: Path) -> list[str]:
    return [arg.replace("DATA", str(data)) for arg in args]


@pytest.mark.parametrize(("args", "says"), USER_ERRORS, ids=[" ".join(args) for args, _ in USER_ERRORS])
def test_user_errors(args: list[str], says: str, data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = sorted(Path().rglob("*"))
    assert main(filled(args, data)) == 1
    said = capfd.readouterr().err
    assert said.startswith("vary: error: ")
    assert said.count("\n") == 1
    assert says in said
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("args", USAGE_ERRORS, ids=" ".join)
def test_usage_errors(args: list[str], data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(filled(args, data))
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("usage: vary")


@pytest.mark.parametrize("command", ["", "demo", "preview", "explain", "profile", "cache", "transforms"])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*command.split(), "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: vary {command}".strip())


def test_no_arguments_print_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for args in ([], ["--help"]):
        with pytest.raises(SystemExit) as stopped:
            main(args)
        assert stopped.value.code == 0
    reported, said = capsys.readouterr()
    assert said == ""
    help_text = reported[: len(reported) // 2]
    assert reported == 2 * help_text
    done = start()
    assert done.communicate(timeout=60) == (help_text, "")
    assert done.returncode == 0


def test_a_process_of_its_own(start: Start, data: Path) -> None:
    done = start("preview", data, "--rows", 1, "--columns", 2)
    out, said = done.communicate(timeout=60)
    assert (out.splitlines()[-1], said) == ("vary-preview.png", "")
    assert done.returncode == 0
    done = start("preview", "nowhere")
    out, said = done.communicate(timeout=60)
    assert (done.returncode, out, said.count("\n")) == (1, "", 1)
    assert "Traceback" not in said


def test_a_warning_is_one_line(start: Start, data: Path) -> None:
    for part in ("train", "val"):
        shutil.copytree(data, Path("parts", part))
    done = start("preview", "parts", "--columns", 2)
    _, said = done.communicate(timeout=60)
    assert (done.returncode, said.count("\n")) == (0, 1)
    assert said.startswith("vary: warning: 'parts' is taken for ")
    assert "'parts/train'" in said


def test_file_names_that_are_not_utf8(start: Start, data: Path) -> None:
    (data / "cat").rename(data / os.fsdecode(b"\xff\xfe"))
    done = start("demo", data)
    out, said = done.communicate(timeout=60)
    assert (done.returncode, said) == (0, "")
    assert "\\udcff" in out


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    policy = vary.Policy.load("right.yaml")
    for args, expected in [
        (["--size", "375x500"], policy.explain((375, 500, 3))),
        (["--size", "40x60x1", "--seed", "4", "--index", "2"], policy.explain((40, 60, 1), seed=4, index=2)),
        ([], policy.explain((375, 500, 3))),
        (["--size", "40x60x12", "--dtype", "uint16"], policy.explain((40, 60, 12), dtype="uint16")),
        (["--size", "4x6x1024", "--dtype", "float16"], policy.explain((4, 6, 1024), dtype="float16")),
    ]:
        assert main(["explain", "right.yaml", *args]) == 0
        assert capsys.readouterr() == (expected + "\n", "")


@pytest.mark.parametrize("command", ["preview", "demo"])
def test_data_is_not_changed(command: str, data: Path, snapshot: Snapshot) -> None:
    before = snapshot(data)
    assert main([command, str(data), "-o", "sheet.png"]) == 0
    assert snapshot(data) == before
    assert Path("sheet.png").is_file()


def test_no_sheet_in_the_data(data: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot) -> None:
    before = snapshot(data)
    Path("link").symlink_to(data)
    for output in (data / "sheet.png", data / "cat" / "sheet.png", "link/cat/sheet.png", "../data/sheet.png"):
        assert main(["preview", str(data), "-o", str(output)]) == 1
    assert main(["preview", "link", "-o", str(data / "sheet.png")]) == 1
    one = str(data / "cat" / "0.png")
    assert main(["preview", one, "-o", one]) == 1
    Path("other.png").symlink_to(one)
    assert main(["preview", one, "-o", "other.png"]) == 1
    monkeypatch.chdir(data)
    assert main(["preview", "."]) == 1
    assert snapshot(data) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device", "sheet.png")])
def test_no_partial_sheet(
    error: BaseException, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    Path("sheet.png").write_text("an older sheet")
    before = sorted(Path().iterdir())
    monkeypatch.setattr(Path, "replace", fail)
    assert main(["preview", str(data), "-o", "sheet.png"]) == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert sorted(Path().iterdir()) == before
    assert Path("sheet.png").read_text() == "an older sheet"
    assert capsys.readouterr().err in ("vary: interrupted\n", "vary: error: sheet.png: No space left on device\n")


def test_a_new_sheet_has_the_usual_permissions(data: Path) -> None:
    assert main(["preview", str(data), "-o", "sheet.png"]) == 0
    Path("plain").touch()
    assert Path("sheet.png").stat().st_mode == Path("plain").stat().st_mode


def test_interrupted(start: Start, data: Path) -> None:
    before = sorted(Path().iterdir())
    process = start("demo", data, "--epochs", 10**7)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("8 pictures")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, said) == (130, "vary: interrupted\n")
    assert sorted(Path().iterdir()) == before


def test_a_closed_pipe(start: Start) -> None:
    process = start("transforms", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 141


@pytest.mark.parametrize("command", ["preview", "demo"])
def test_bars_are_for_terminals(command: str, start: Start, data: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = start(command, data, stderr=theirs)
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while chunk := terminal.read(4096):
                seen += chunk
        assert process.stdout is not None
        out = process.stdout.read()
        process.stdout.close()
        assert process.wait(60) == 0
    assert b"sheet" in seen
    assert "\x1b" not in out
    assert "\r" not in out
    quiet = start(command, data)
    assert quiet.communicate(timeout=60)[1] == ""
