"""A saved listing: opened without a walk, the same source as the walked folder; a damaged or wrong one is an error."""

import os
import pickle
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sources.relative import relative

from vary import HorizontalFlip, Policy, Resize, stream
from vary.errors import InputError, SourceError
from vary.sources import Encoded, Folder, listing

NAMES = ("cat/b.jpg", "cat/deep/a.png", "cat/deep-a.png", "cat-b/x.jpg", "dog/10.jpg", "dog/9.jpg", "dog/a b.jpg")
OPENED = """
import os, pickle, sys, vary
os.chdir("/")
source = pickle.loads(bytes.fromhex(sys.argv[1]))
os.write(1, pickle.dumps((list(source.paths), source.labels.tolist(), source.classes, source[3].image.data)))
"""
SEARCHED = [str(Path(path).resolve()) for path in sys.path]  # as long as nobody has changed the folder
MADE = "import sys, vary; print(len(vary.Folder(sys.argv[1], listing=sys.argv[2])))"


def plant(root: Path, *names: str) -> Path:
    """Files that hold their own names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.fsencode(name))
    return root


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return plant(tmp_path / "data", *NAMES)


@pytest.fixture
def saved(data: Path, tmp_path: Path) -> Path:
    Folder(data, listing=tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def no_walk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def refuse(path: object) -> None:
        raise AssertionError(f"{path} was walked")

    return lambda: monkeypatch.setattr(os, "scandir", refuse)


def held(source: Folder, index: int) -> bytes:
    image = source[index].image
    assert isinstance(image, Encoded)
    return image.data


def inside(folder: Path | str) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208  Path.iterdir scans, which `no_walk` refuses


def state(root: Path) -> list[tuple[str, int]]:
    return [(str(path), path.lstat().st_mtime_ns) for path in (root, *sorted(root.rglob("*")))]


def assert_same(one: Folder, other: Folder) -> None:
    assert one.paths == other.paths
    assert (one.classes, one.fields, len(one)) == (other.classes, other.fields, len(other))
    places = np.arange(-len(one), len(one))
    if one.classes is not None:
        assert one.labels is not None
        assert other.labels is not None
        assert one.labels.dtype == other.labels.dtype == np.int64
        assert np.array_equal(one.labels, other.labels)
        assert other.label_batch(places)[0].dtype == np.int64
        assert np.array_equal(other.label_batch(places)[0], one.labels[places])
    for index in places.tolist():
        assert one[index] == other[index]
        assert other[index].labels == (() if one.labels is None else (one.labels[index],))
        assert one.path(index) == other.path(index)
        assert one.fingerprints([index]) == other.fingerprints([index])


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (NAMES, None),
        (NAMES, ["dog", "cat", "cat-b"]),
        ((*NAMES, "loose.jpg", "emu/readme.txt"), ["dog", "emu", "cat-b"]),
        (("b.jpg", "a.jpg", "notes/x.txt"), None),
        ([f"{number}/a.jpg" for number in range(300)], None),
    ],
)
def test_it_is_the_folder_that_was_walked(
    tmp_path: Path, names: tuple[str, ...], classes: list[str] | None, no_walk: Callable[[], None]
) -> None:
    root, file = plant(tmp_path / "data", *names), tmp_path / "saved"
    before = state(root)
    walked, first = Folder(root, classes=classes), Folder(root, classes=classes, listing=file)
    assert state(root) == before
    wanted = classes or sorted({name.partition("/")[0] for name in names if name.count("/") and name[-4:] != ".txt"})
    assert walked.classes == (wanted or None)
    kept = [name for name in names if not wanted or name.partition("/")[0] in wanted if "txt" not in name]
    assert relative(walked) == sorted(kept)
    if walked.labels is not None:
        assert [wanted[label] for label in walked.labels] == [path.partition("/")[0] for path in relative(walked)]
    no_walk()
    for other in (first, Folder(root, listing=str(file)), Folder(root, classes=walked.classes, listing=file)):
        assert_same(walked, other)
    assert inside(tmp_path) == ["data", "saved"]


def test_whatever_the_names_the_order_is_that_of_whole_paths(tmp_path: Path) -> None:
    draw = random.Random(5)
    names = {
        "/".join("".join(draw.choices("a-0!~\xe9\U0001f408", k=draw.randint(1, 2))) for _ in range(draw.randint(2, 4)))
        + ".jpg"
        for _ in range(400)
    }
    assert relative(Folder(plant(tmp_path, *names))) == sorted(names)


def test_only_the_named_classes_are_walked(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir, seen = os.scandir, []
    monkeypatch.setattr(os, "scandir", lambda path: seen.append(path) or scandir(path))
    Folder(data, classes=["cat"])
    assert seen == [f"{data}{tail}" for tail in ("", "/cat", "/cat/deep")]


def test_opening_reads_no_picture(
    data: Path, saved: Path, no_walk: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat

    def guarded(path: str, **options: bool) -> os.stat_result:
        assert not str(path).endswith((".jpg", ".png", "/cat", "/dog"))
        return stat(path, **options)

    no_walk()
    monkeypatch.setattr(os, "stat", guarded)
    assert len(Folder(data, listing=saved)) == len(NAMES)


def test_it_is_not_compared_with_the_folder(data: Path, saved: Path) -> None:
    plant(data, "cat/aa.jpg", "emu/a.jpg")
    (data / "cat" / "b.jpg").unlink()
    source = Folder(data, listing=saved)
    assert relative(source) == sorted(NAMES)
    with pytest.raises(SourceError, match=rf"cat/b.jpg: was there when .* No such file .*; delete '{saved}' to list"):
        source[source.paths.index(f"{data}/cat/b.jpg")]
    saved.unlink()
    assert Folder(data, listing=saved).classes == ["cat", "cat-b", "dog", "emu"]


def test_the_folder_may_move(data: Path, saved: Path, tmp_path: Path, no_walk: Callable[[], None]) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = data.rename(tmp_path / "elsewhere" / data.name)
    no_walk()
    source = Folder(moved, listing=saved.rename(tmp_path / "also"))
    assert [held(source, index).decode() for index in range(len(NAMES))] == sorted(NAMES)
    assert source.path(0) == f"{moved}/{min(NAMES)}"


def test_any_file_name(tmp_path: Path) -> None:
    odd = [b"\xff\xfe.jpg", b"two\nlines.jpg", "caf\xe9 \U0001f408.jpg".encode(), b"\xed\xa0\x80.jpg", b"\r\x01 .jpg"]
    names = [os.fsdecode(folder + b"/" + name) for folder in (b"\xe9", b"a\nb", "\xe9".encode()) for name in odd]
    root = plant(tmp_path / os.fsdecode(b"d\xff"), *names)
    for source in (Folder(root), Folder(root, listing=tmp_path / "saved"), Folder(root, listing=tmp_path / "saved")):
        assert relative(source) == sorted(names)
        assert source.classes == sorted({name.partition("/")[0] for name in names})
        for index, name in enumerate(sorted(names)):
            assert held(source, index) == os.fsencode(name)
        assert pickle.loads(pickle.dumps(source)).paths == source.paths


def test_paths_are_a_sequence(data: Path, saved: Path) -> None:
    names = tuple(f"{data}/{name}" for name in sorted(NAMES))
    for paths in (Folder(data).paths, Folder(data, listing=saved).paths):
        assert (len(paths), paths[0], paths[-1], paths[np.int64(2)]) == (7, names[0], names[-1], names[2])
        for cut in (slice(2), slice(-2, None), slice(None, None, -3), slice(9, 99)):
            assert paths[cut] == names[cut]
        assert (list(paths), list(reversed(paths)), paths.index(names[3])) == ([*names], [*reversed(names)], 3)
        assert paths == names
        assert paths == list(names)
        assert paths != names[:-1]
        assert paths != (*names[:-1], "x")
        assert paths != "cat"
        assert repr(paths) == f"<7 paths: {names[0]!r}, {names[1]!r}, {names[2]!r}, ...>"
        for index in (7, -8):
            with pytest.raises(IndexError, match=rf"index {index}; there are 7"):
                paths[index]
    for index in (7, -8):
        with pytest.raises(IndexError, match="there are 7"):
            Folder(data, listing=saved).label_batch([0, index])


def test_a_stream_is_the_same_with_and_without(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    for name in ("b/0.png", "b/1.png", "a/5.png", "a/x/7.png", "c/2.png"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (9, 8, 3), np.uint8)).save(tmp_path / "data" / name)
    policy = Policy([HorizontalFlip(), Resize(6, 6)])
    runs = [
        [batch for _ in range(2) for batch in stream(Folder(tmp_path / "data", listing=file), policy, batch_size=2)]
        for file in (None, tmp_path / "saved", tmp_path / "saved")
    ]
    for one, *others in zip(*runs, strict=True):
        for other in others:
            assert (one.paths, one.epoch) == (other.paths, other.epoch)
            for field in ("images", "labels", "indices"):
                assert np.array_equal(getattr(one, field), getattr(other, field))


def many(draft: listing.Draft, classes: int = 1000, each: int = 1000) -> None:
    for number in range(classes):
        draft.add([f"n{number:08}/n{number:08}_{place:05}.JPEG" for place in range(each)])
        draft.runs[0].append(draft.count)
        draft.runs[1].append(number)
    draft.classes = [f"n{number:08}" for number in range(classes)]


def resident(file: Path) -> int:
    """Bytes of a mapped file that this process has touched."""
    found = 0
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").partition(str(file))[2].splitlines():
        if line.startswith("Rss:"):
            found = int(line.split()[1]) * 1024
            break
    return found


def test_a_million_files_cost_less_than_100_bytes_each_and_nothing_when_mapped(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        with listing.drafted(None) as draft:
            many(draft, 100)
        walked = draft.listing()
        del draft
        assert tracemalloc.get_traced_memory()[0] / len(walked) < 100
        with listing.drafted(str(tmp_path / "saved")) as draft:
            tracemalloc.stop()
            many(draft)
        del draft
        tracemalloc.start()
        mapped = listing.load(str(tmp_path / "saved"))
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
    assert len(mapped) == 1_000_000
    assert (tmp_path / "saved").stat().st_size / len(mapped) < 100
    if Path("/proc/self/smaps").exists():
        assert 0 < resident(tmp_path / "saved") < 2_000_000
    assert mapped[765_432] == "n00000765/n00000765_00432.JPEG"
    assert mapped.class_ids([765_432, 999_999, 0]).tolist() == [765, 999, 0]


def test_it_pickles_as_the_path_of_its_file(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_walk: Callable[[], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    plant(data, *(f"{number:04}/a.jpg" for number in range(500)))
    walked, source = Folder(data), Folder(data, listing="new")
    assert len(pickle.dumps(source)) < 500 < 500 * 10 < len(pickle.dumps(walked))
    assert_same(pickle.loads(pickle.dumps(walked)), walked)
    command = [sys.executable, "-c", OPENED, pickle.dumps(source).hex()]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(SEARCHED)}
    run = subprocess.run(command, env=env, capture_output=True, check=False)
    assert_same(pickle.loads(pickle.dumps(source)), source)
    assert run.returncode == 0, run.stderr
    assert source.labels is not None
    assert pickle.loads(run.stdout) == (list(source.paths), source.labels.tolist(), source.classes, held(source, 3))
    text = pickle.dumps(source)
    (data / "0499" / "a.jpg").rename(data / "0499" / "z.jpg")
    Folder(data, listing="other")
    no_walk()
    Path("other").replace("new")
    with pytest.raises(SourceError, match=f"{tmp_path}/new: is not the listing that was pickled"):
        pickle.loads(text)
    assert source[0] == walked[0], "whoever has the old one mapped keeps it"
    Path("new").unlink()
    with pytest.raises(SourceError, match=f"{tmp_path}/new: the listing cannot be read: No such file"):
        pickle.loads(text)


def test_several_processes_make_it_at_once(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", MADE, str(data), str(tmp_path / "saved")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [run.communicate()[0] for run in runs] == ["7\n"] * 3
    assert inside(tmp_path) == ["data", "saved"]
    Folder(data, listing=tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "saved").read_bytes()


@pytest.mark.parametrize(
    "place",
    [
        "data/saved",
        "data/cat/saved",
        "data/new/saved",
        "link/saved",
        "deep/saved",
        "far/../data/saved",
        "file",
        "deep/out",
        "away/saved",
    ],
)
def test_nothing_is_written_into_the_data(
    data: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path, "away/a.jpg")
    (data / "emu").symlink_to(tmp_path / "away")
    (tmp_path / "link").symlink_to(data)
    (tmp_path / "deep").symlink_to(data / "cat" / "deep")
    (tmp_path / "file").symlink_to(data / "saved")
    (tmp_path / "deep" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "far").mkdir()
    (tmp_path / "root").symlink_to(data)
    monkeypatch.chdir(tmp_path)
    before = state(data)
    for root in (data, Path("data"), Path("root")):
        with pytest.raises(InputError, match=r"listing.* lies in .*; give another path"):
            Folder(root, listing=place)
        monkeypatch.chdir(data)
        with pytest.raises(InputError, match="lies in"):
            Folder(".", listing="saved")
        monkeypatch.chdir(tmp_path)
    assert state(data) == before
    assert inside("away") == ["a.jpg"]
    assert len(Folder("root", listing="saved")) == 8, "beside the data is fine"


def test_a_listing_has_its_classes(data: Path, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=rf"classes=\['dog'\], but .*'{saved}' has \['cat', 'cat-b', 'dog'\]; give .*delete it"
    ):
        Folder(data, classes=["dog"], listing=saved)
    plant(tmp_path, "flat/a.jpg")
    assert Folder(tmp_path / "flat", listing=tmp_path / "other").classes is None
    with pytest.raises(SourceError, match=r"classes=\[\], but .* has None"):
        Folder(tmp_path / "flat", classes=[], listing=tmp_path / "other")


def test_no_listing_is_left_where_the_walk_or_the_writing_fails(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path, "mixed/a.jpg", "mixed/cat/b.jpg", "parts/train/cat/a.jpg", "parts/val/cat/a.jpg")
    before = inside(tmp_path)
    with pytest.raises(SourceError, match=r"^'.*mixed' holds 1 pictures directly"):
        Folder(tmp_path / "mixed", listing=tmp_path / "saved")
    with pytest.raises(UserWarning, match="parts of a data set"):  # warnings are errors here
        Folder(tmp_path / "parts", listing=tmp_path / "saved")
    with pytest.raises(
        SourceError, match=r"absent/saved: the listing cannot be written: No such file .*; give another"
    ):
        Folder(data, listing=tmp_path / "absent" / "saved")
    with pytest.raises(SourceError, match="mixed: the listing cannot be read: Is a directory; give another"):
        Folder(data, listing=tmp_path / "mixed")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(SourceError, match=r"saved: the listing cannot be written: No space left .*; give another"):
            Folder(data, listing=tmp_path / "saved")
    with monkeypatch.context() as patch:
        patch.setattr(listing.Draft, "add", full)
        with pytest.raises(SourceError, match=r"saved: the listing cannot be written: No space left .*; give another"):
            Folder(data, listing=tmp_path / "saved")
    assert inside(tmp_path) == before


def wrong(file: Path) -> str:
    with pytest.raises(SourceError) as caught:
        listing.load(str(file))
    assert str(caught.value).startswith(f"{file}: ")
    assert "delete it, and it is made again" in str(caught.value)
    return str(caught.value)


def parts(text: bytes) -> tuple[int, int, int]:
    """Where the names begin and end, and the bounds end: all before and after is checked on opening."""
    names = listing.HEAD.unpack(text[: listing.HEAD.size])[3]
    return listing.HEAD.size, listing.HEAD.size + names, len(text) - len("data\0cat\0cat-b\0dog\0") - 6 * 8


def test_one_that_is_cut_or_too_long_is_refused(saved: Path) -> None:
    text = saved.read_bytes()
    for size in range(len(text)):
        saved.write_bytes(text[:size])
        assert ("is no listing" in wrong(saved)) == (size < listing.HEAD.size)
    saved.write_bytes(text + b"\0")
    assert f"has {len(text) + 1} bytes instead of {len(text)}" in wrong(saved)


def test_a_flipped_bit_outside_of_the_names_is_refused(saved: Path) -> None:
    text = saved.read_bytes()
    names, _, runs = parts(text)
    for place in (*range(names), *range(runs, len(text))):
        for bit in range(8):
            saved.write_bytes(text[:place] + bytes([text[place] ^ 1 << bit]) + text[place + 1 :])
            wrong(saved)
    saved.write_bytes(text[:16] + b"\2" + text[17:])
    assert "is a listing of version 2, and this vary reads 1" in wrong(saved)
    saved.write_bytes(b"\xff\xd8\xff" * 99)
    assert "is no listing (297 bytes); give another path" in wrong(saved)


def damaged(text: bytes) -> Iterator[bytes]:
    """Any byte of the names and bounds another one; whole parts gone, or moved."""
    names, _, runs = parts(text)
    for place in range(names, runs):
        for value in {0, 1, 255, ord("/"), ord("."), text[place] ^ 1, text[place] ^ 128} - {text[place]}:
            yield text[:place] + bytes([value]) + text[place + 1 :]
    for start in range(names, runs, 8):
        for stop in range(start + 8, runs + 1, 8):
            yield text[:start] + bytes(stop - start) + text[stop:]
    for shift in range(1, runs - names):
        yield text[:names] + text[names + shift : runs] + text[names : names + shift] + text[runs:]
    yield text[:names] + b"\xff" * (runs - names) + text[runs:]
    yield text.replace(b"dog/9.jpg", b"dog/../ab")
    yield text.replace(b"cat/b.jpg", b"dog/9.jpg")
    yield text.replace(b"cat-b/x.jpg", b"dog/a b.jpg")


def taken(source: Folder, index: int) -> str | SourceError:
    try:
        return held(source, index).decode()
    except SourceError as error:
        return error


def test_damage_to_the_names_is_an_error_at_access_or_a_file_that_is_missing(data: Path, saved: Path) -> None:
    """It is never another class, and nothing else is ever raised."""
    plant(data, "ab")
    sound, names = saved.read_bytes(), sorted(NAMES)
    _, end, _ = parts(sound)
    for text in damaged(sound):
        saved.unlink()  # a new file each time: the old ones may still be mapped
        saved.write_bytes(text)
        source = Folder(data, listing=saved)
        assert source.classes is not None
        assert source.labels is not None
        assert [source.classes[label] for label in source.labels] == [name.partition("/")[0] for name in names]
        found = [taken(source, index) for index in range(len(names))]
        for one, name in zip(found, names, strict=True):
            if isinstance(one, SourceError):
                assert str(saved) in str(one)
                assert "delete" in str(one)
            else:
                assert one.partition("/")[0] == name.partition("/")[0]
        padding = slice(end, end + -end % 8)
        assert found != names or text[: padding.start] + text[padding.stop :] == sound[:end] + sound[padding.stop :]


def test_a_name_that_leaves_the_folder_is_damage(tmp_path: Path) -> None:
    root, file = plant(tmp_path, "ab.jpg", "flat/12345.jpg") / "flat", tmp_path / "saved"
    Folder(root, listing=file)
    file.write_bytes(file.read_bytes().replace(b"12345.jpg", b"../ab.jpg"))
    with pytest.raises(SourceError, match="saved: this listing is damaged at name 0; delete it"):
        Folder(root, listing=file)[0]


@pytest.mark.parametrize("runs", [[(5, 3), (0, 1)], [(3, 4), (0, 1)], [(3, 5), (0, 7)], [(3, 5), (-1, 1)]], ids=str)
def test_classes_that_do_not_add_up(tmp_path: Path, runs: list[tuple[int, int]]) -> None:
    """With a right check: made by a program that counts wrongly, or by somebody who means harm."""
    for name in ("a/1.jpg", "a/2.jpg", "a/3.jpg", "b/4.jpg", "b/5.jpg"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    file = str(tmp_path / "list")
    Folder(tmp_path / "data", listing=file)
    data = Path(file).read_bytes()
    _, _, _, _, count, classes, _, _ = listing.HEAD.unpack(data[: listing.HEAD.size])
    at = len(data) - classes - 16 * count
    tables = np.array(runs, "<i8").tobytes() + data[-classes:]
    head = data[: listing.HEAD.size - 16]
    Path(file).write_bytes(head + listing._check(head, tables) + data[listing.HEAD.size : at] + tables)
    with pytest.raises(SourceError, match="this listing counts its classes wrongly; "):
        Folder(tmp_path / "data", listing=file)


def test_warning_for_a_listing_of_another_folder(tmp_path: Path) -> None:
    for part in ("train", "val"):
        path = tmp_path / part / "cat" / "1.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    file = tmp_path / "list"
    Folder(tmp_path / "val", listing=file)
    Folder(tmp_path / "val", listing=file)  # without a word
    with pytest.warns(UserWarning, match="was made of a folder 'val', this is 'train'; give each a listing of its own"):
        Folder(tmp_path / "train", listing=file)
