"""Tar files: their index, their labels, and what is wrong with them."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from sources.formats import CLASSES, COUNT, POLICY, add, given_expected, given_pictures, tars  # noqa: F401  fixtures

import vary
from vary.errors import InputError, SourceError


def test_indexes_are_kept_and_used(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    tars(pictures, tmp_path)
    kept = sorted((tmp_path / "cache" / "tars").iterdir())
    assert len(kept) == 6  # members and labels of each
    assert not list(tmp_path.glob("*index*")), "data folders are not written"
    opened: list[str] = []
    real = tarfile.open
    monkeypatch.setattr(tarfile, "open", lambda *a, **k: (opened.append("tar"), real(*a, **k))[1])
    shards = [tmp_path / f"pets-{number:02}.tar" for number in range(3)]
    assert len(vary.WebDataset(shards, "cls")) == COUNT
    assert not opened
    for path in kept:
        whole = path.read_bytes()
        for damaged in (b"", whole[:40], whole[:-1], whole[:-9] + b"x" + whole[-8:], b"{}\n" + whole):
            path.write_bytes(damaged)
            assert len(vary.WebDataset(shards, "cls")) == COUNT
            assert path.read_bytes() == whole
    assert len(opened) == 15
    (tmp_path / "cache" / "tars" / kept[0].name).unlink()
    assert vary.WebDataset(shards, "cls", index=False).classes == CLASSES
    assert len(list((tmp_path / "cache" / "tars").iterdir())) == 5  # its members were not kept again, its labels were
    vary.WebDataset(shards[0], index=True)
    assert [path.name for path in tmp_path.glob("*index*")] == ["pets-00.tar.vary-index"]


def test_a_changed_tar(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    old = tars(pictures, tmp_path)
    tars(pictures[::-1], tmp_path)
    with pytest.raises(SourceError, match=r"pets-00\.tar: has changed since it was listed"):
        old[0]
    new = vary.WebDataset(tmp_path / "pets-*.tar", "cls")
    assert [item.image.data for item in new] == pictures[::-1]
    (tmp_path / "pets-00.tar").unlink()
    with pytest.raises(SourceError, match=r"pets-00\.tar: was listed, but No such file"):
        new[0]


@pytest.mark.parametrize("fails", ["mkdir", "write_bytes", "replace"])
def test_an_index_that_cannot_be_written(
    pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    with monkeypatch.context() as patched:
        patched.setattr(Path, fails, full)
        assert len(tars(pictures, tmp_path)) == COUNT
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def written(folder: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(folder / "one.tar", "w") as tar:
        for name, data in members:
            add(tar, name, data)
    return folder / "one.tar"


def test_labels_of_tars(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    tars(pictures, tmp_path)
    paths = [tmp_path / f"pets-{number:02}.tar" for number in range(3)]
    several = vary.WebDataset(paths, {"breed": "cls", "age": "json:animal.age"})
    assert several.fields == ("images", "breed", "age")
    assert several.label_batch([12])[1].tolist() == [12]
    assert vary.WebDataset(paths).fields == ("images",)
    assert len(vary.WebDataset(tmp_path / "pets-0{0,1}.tar")) == 10
    numbers = written(tmp_path, ("a.png", pictures[1]), ("a.cls", b"7"), ("b.png", pictures[1]), ("b.cls", b"-1"))
    assert vary.WebDataset(numbers, "cls").label_batch([0, 1])[0].tolist() == [7, -1]
    with pytest.raises(SourceError, match=r"a\.json: no label in b'\[1\]'"):
        vary.WebDataset(written(tmp_path, ("a.png", pictures[1]), ("a.json", b"[1]")), "json:label")
    with pytest.raises(SourceError, match=r"b has no \.cls for labels; its members are \['png'\]"):
        vary.WebDataset(written(tmp_path, ("a.png", b"1"), ("a.cls", b"7"), ("b.png", b"1")), "cls")
    for wrong in ("json", "cls:label", "", 3, {"age": "json"}):
        with pytest.raises(InputError, match="give the suffix of members that hold a text"):
            vary.WebDataset(numbers, wrong)  # type: ignore[arg-type]


def test_wrong_tars(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    png = pictures[1]
    for members, message in (
        ([("a.txt", b"x")], "a has no picture; its members are"),
        ([("a.png", png), ("a.jpg", png)], "name one suffix as images="),
        ([("a.png", png), ("b.png", png), ("a.cls", b"1")], "a occurs twice"),
        ([], "no picture in 1 tar files"),
    ):
        with pytest.raises(SourceError, match=message):
            vary.WebDataset(written(tmp_path, *members))
    both = written(tmp_path, ("a.png", png), ("a.jpg", b"x"))
    assert vary.WebDataset(both, images=[".PNG"])[0].image.data == png
    path = written(tmp_path, ("a.png", png), ("b.png", png))
    whole = path.read_bytes()
    for cut in (600, 512 + len(png) // 2, 100):
        path.write_bytes(whole[:cut])
        with pytest.raises(SourceError, match=r"one\.tar is (cut off within|not a tar file, or is cut off)"):
            vary.WebDataset(path)
    heads = ((b"\x1f\x8b\x08", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"(\xb5/\xfd", "zstd"))
    for head, name in heads:
        path.write_bytes(head + whole)
        with pytest.raises(SourceError, match=f"is compressed \\({name}\\) and cannot be read at random; unpack"):
            vary.WebDataset(path)
    for shards, error in (
        ([], InputError),
        (7, InputError),
        (tmp_path / "none-*.tar", SourceError),
        (tmp_path / "none.tar", SourceError),
        (tmp_path, SourceError),
        ([path, path], InputError),
    ):
        with pytest.raises(error, match="shards"):
            vary.WebDataset(shards)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match=r"one\.tar' is a file; .*vary\.WebDataset\(path, labels=\) reads tar files"):
        vary.stream(path, POLICY)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_nothing_is_lost_of_a_damaged_tar(pictures: list[bytes], tmp_path: Path, form: int) -> None:
    """tarfile takes a damaged header for the end."""
    path = tmp_path / "one.tar"
    with tarfile.open(path, "w", format=form) as tar:
        for number in range(6):
            add(tar, f"{number}.png", pictures[1])
    whole = path.read_bytes()
    with tarfile.open(path) as tar:
        starts = [member.offset for member in tar]
    assert len(vary.WebDataset(path, index=False)) == 6
    for cut in (starts[3], starts[3] + 100, starts[3] + 511, starts[3] + 512):
        path.write_bytes(whole[:cut])
        with pytest.raises(SourceError, match=r"one\.tar is (cut off|damaged)"):
            vary.WebDataset(path, index=False)
    flipped = bytearray(whole)
    flipped[starts[4] + 5] ^= 1
    for wrong in (bytes(flipped), whole + whole, whole + b"\0" * 99_000 + b"x"):
        path.write_bytes(wrong)
        with pytest.raises(SourceError, match=r"is damaged after [35]\.png \([46] members\)"):
            vary.WebDataset(path, index=False)
    path.write_bytes(whole + b"\0" * 99_000)
    assert len(vary.WebDataset(path, index=False)) == 6


def test_links_and_members_that_occur_twice(pictures: list[bytes], tmp_path: Path) -> None:
    def link(kind: bytes, target: str) -> Path:
        with tarfile.open(tmp_path / "one.tar", "w") as tar:
            add(tar, "./a.png", pictures[1])
            add(tar, "b.png", pictures[2])
            member = tarfile.TarInfo("c.png")
            member.type, member.linkname = kind, target
            tar.addfile(member)
        return tmp_path / "one.tar"

    for target in ("a.png", "./a.png"):
        source = vary.WebDataset(link(tarfile.LNKTYPE, target), index=False)
        assert [item.image.data for item in source] == [pictures[1], pictures[2], pictures[1]]
    with pytest.raises(SourceError, match=r"c\.png is a symbolic link to a\.png; .*--dereference"):
        vary.WebDataset(link(tarfile.SYMTYPE, "a.png"), index=False)
    with pytest.raises(SourceError, match=r"c\.png is a link to z\.png, which is not before it"):
        vary.WebDataset(link(tarfile.LNKTYPE, "z.png"), index=False)
    for second in ("a.png", "a.PNG"):
        with pytest.raises(SourceError, match=r"a has two members \.png"):
            vary.WebDataset(written(tmp_path, ("a.png", b"1"), (second, b"2")), index=False)


def test_names_of_members(pictures: list[bytes], tmp_path: Path) -> None:
    several = written(tmp_path, ("a.input.png", pictures[1]), ("a.target.png", pictures[2]))
    assert vary.WebDataset(several, images=["input.png"])[0].image.data == pictures[1]
    with pytest.raises(SourceError, match="several pictures; name one suffix as images="):
        vary.WebDataset(several)
    assert len(vary.WebDataset(written(tmp_path, ("BZ_0001.png", pictures[1])))) == 1
    texts = ("a.png", b""), ("a.cls", b"007"), ("b.png", b""), ("b.cls", b"7")
    assert vary.WebDataset(written(tmp_path, *texts), "cls", index=False).classes == ["007", "7"]
    with pytest.raises(InputError, match=r"the range \{5\.\.0\} is empty"):
        vary.WebDataset("one-{5..0}.tar")


def test_an_index_of_an_older_version(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 left out all that followed a damaged header."""
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    path = written(tmp_path, ("a.png", pictures[1]), ("b.png", pictures[2]))
    monkeypatch.setattr("vary.sources.tars.VERSION", 1)
    assert len(vary.WebDataset(path)) == 2
    (kept,) = (tmp_path / "cache" / "tars").iterdir()
    assert b'"version": 1' in kept.read_bytes()
    monkeypatch.undo()
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    assert len(vary.WebDataset(path)) == 2
    assert b'"version": 1' not in kept.read_bytes()


@pytest.mark.parametrize("form", ["gnu", "ustar", "pax", "v7"])
def test_tars_of_gnu_tar(pictures: list[bytes], tmp_path: Path, form: str) -> None:
    tar = shutil.which("tar")
    if tar is None or b"GNU tar" not in subprocess.run([tar, "--version"], capture_output=True).stdout:
        pytest.skip("GNU tar is not installed")
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(pictures[number])
    os.link(tmp_path / "1.png", tmp_path / "3.png")
    names = [f"{number}.png" for number in range(4)]
    subprocess.run([str(tar), f"--format={form}", "-cf", "one.tar", *names], cwd=tmp_path, check=True)
    source = vary.WebDataset(tmp_path / "one.tar", index=False)
    assert [item.image.data for item in source] == [*pictures[:3], pictures[1]]


def test_labels_of_an_earlier_run(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept with the index, for this tar and these labels alone."""
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    from vary.sources import webdataset as module

    read: list[int] = []
    real = module._value
    monkeypatch.setattr(module, "_value", lambda *of: (read.append(1), real(*of))[1])
    one = written(tmp_path, ("a.png", pictures[1]), ("a.cls", b"3"), ("a.json", b'{"x": 5}'))
    for labels, wanted, reads in (("cls", 3, 1), ("cls", 3, 0), ("json:x", 5, 1), ("json:x", 5, 0)):
        read.clear()
        assert vary.WebDataset(one, labels).label_batch([0])[0].tolist() == [wanted]
        assert len(read) == reads
    for path in (tmp_path / "cache" / "tars").glob("*-*"):
        path.write_bytes(path.read_bytes().replace(b'["3"]', b'["8"]').replace(b"[5]", b"[8]"))
    assert vary.WebDataset(one, "cls").label_batch([0])[0].tolist() == [3]
    assert vary.WebDataset(one, "json:x").label_batch([0])[0].tolist() == [5]
    os.utime(written(tmp_path, ("a.png", pictures[1]), ("a.cls", b"4")), ns=(1, 1))
    assert vary.WebDataset(one, "cls").label_batch([0])[0].tolist() == [4]


def test_sparse_members_are_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a.png")
    member.type = tarfile.GNUTYPE_SPARSE
    with tarfile.open(tmp_path / "one.tar", "w") as tar:
        tar.addfile(member)
    with pytest.raises(SourceError, match=r"a\.png is stored in pieces"):
        vary.WebDataset(tmp_path / "one.tar", index=False)
