"""`vary migrate` and files: encodings, line ends, writing, several files, errors."""

from pathlib import Path

import pytest

from vary.apps import keras_code
from vary.apps.cli import main

OLD = "from keras.preprocessing.image import load_img"
NEW = "from vary.keras import load_img"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1"], ids=["utf-8", "with a byte order mark", "latin-1"]
)
def test_line_ends_and_encodings_stay(tmp_path: Path, end: str, encoding: str) -> None:
    head = "# coding: latin-1" if encoding == "latin-1" else "# é"
    lines = [head, "x = 'é'", "\x0c", "{}", "m.{}(g)"]
    path = tmp_path / "a.py"
    path.write_bytes(((end or "\n").join(lines).format(OLD, "fit_generator") + end).encode(encoding))
    assert main(["migrate", str(path)]) == 0
    assert path.read_bytes() == ((end or "\n").join(lines).format(NEW, "fit") + end).encode(encoding)


def test_a_file_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link stays a link, the mode stays, and if writing fails the file is as it was."""
    path, link = tmp_path / "a.py", tmp_path / "link.py"
    path.write_text(OLD)
    path.chmod(0o751)
    link.symlink_to(path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert main(["migrate", str(link)]) == 1
    assert path.read_text() == OLD
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.py", "link.py"]
    assert main(["migrate", str(link)]) == 0
    assert link.is_symlink()
    assert path.read_text() == NEW
    assert path.stat().st_mode & 0o777 == 0o751


def test_several_files_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that cannot be parsed stay as they are, and are named; the others are migrated."""
    for name in ("a.py", "sub/b.py", "sub/.hidden/c.py", "venv/d.py", "e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(OLD)
    (tmp_path / "old.py").write_text("print 'x'\n" + OLD)
    assert main(["migrate", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "old.py cannot be parsed as Python 3" in error
    assert "1 of 3 files" in error
    found = {
        one.relative_to(tmp_path).as_posix()
        for one in tmp_path.rglob("*.*")
        if one.is_file() and NEW in one.read_text()
    }
    assert found == {"a.py", "sub/b.py"}
    assert main(["migrate", str(tmp_path / "a.py"), str(tmp_path / "sub" / "b.py")]) == 0


def test_changes_that_would_break_a_program_are_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(keras_code.OLD_CALLS, "fit_generator", ("1 fit", keras_code.EPOCHS))
    path = tmp_path / "a.py"
    path.write_text("m.fit_generator(g)")
    assert main(["migrate", str(path)]) == 1
    assert path.read_text() == "m.fit_generator(g)"
    assert "the changes would break it" in capsys.readouterr().err


def test_the_end_of_a_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text(OLD)
    assert main(["migrate", str(path), "--diff"]) == 0
    assert f"+{NEW}\n\\ No newline at end of file\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.txt", "", "ends in .py or .ipynb"),
        ("a.py", "print 'x'", "cannot be parsed as Python 3"),
        ("a.ipynb", "{", "is not a notebook"),
        ("a.ipynb", "[]", "has no cells"),
        ("a.ipynb", '{"cells": [3]}', "its cells are not as in one"),
        ("a.ipynb", '{"cells": [{"x": 1}]}', "its cells are not as in one"),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": null}]}', "its cells are not as in one"),
        ("b.py", None, "No such file"),
    ],
)
def test_errors(tmp_path: Path, name: str, text: str | None, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    assert main(["migrate", str(path)]) == 1
    assert says in capsys.readouterr().err
