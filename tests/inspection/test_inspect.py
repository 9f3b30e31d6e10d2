"""`vary.inspect` and `vary inspect`: counts are right, faults are listed, and pictures that occur twice are found."""

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

import vary
from vary.apps.cli import main
from vary.errors import InputError
from vary.inspection.hashes import FURTHEST, THUMBNAIL, close_pairs, groups_of


def photo(seed: int, height: int = 120, width: int = 150) -> Image.Image:
    """Something like a photograph: smooth areas of several colours."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (6, 7, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two parts of two classes: 5 cats and 4 dogs, 2 cats and 2 dogs."""
    root = tmp_path / "pets"
    for part, cats, dogs in (("train", 5, 4), ("val", 2, 2)):
        for name, count in (("cat", cats), ("dog", dogs)):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                seed = number + 10 * (name == "dog") + 100 * (part == "val")
                photo(seed, 90 + number, 100 + 2 * number).save(root / part / name / f"{number}.jpg", quality=90)
    return root


def test_counts(data: Path) -> None:
    found = vary.inspect(data)
    train, val = found.parts
    assert [part.name for part in found.parts] == ["train", "val"]
    assert (train.classes, val.classes) == ({"cat": 5, "dog": 4}, {"cat": 2, "dog": 2})
    assert (train.formats, train.broken) == ({"JPEG RGB": 9}, ())
    known = found.as_dict()
    assert known["parts"][0]["heights"] == [90, 91, 92, 93, 94]
    assert known["parts"][0]["widths"] == [100, 102, 104, 106, 108]
    assert not found.twins
    assert not found.advice()
    assert json.loads(found.as_json()) == known
    assert "train: 9 samples" in str(found)
    assert "  classes  cat 5, dog 4\n" in str(found)


def changed(path: Path, how: str) -> Path:
    """A copy of this picture beside it."""
    with Image.open(path) as opened:
        picture = opened.copy()
    other = path.with_name(f"{path.stem}-{how}.jpg")
    if how == "copied":
        shutil.copyfile(path, other)
    elif how == "smaller":
        picture.resize((70, 60)).save(other, quality=70)
    elif how == "compressed":
        picture.save(other, quality=30)
    elif how == "brighter":
        ImageEnhance.Brightness(picture).enhance(1.1).save(other, quality=90)
    elif how == "grey":
        picture.convert("L").save(other, quality=90)
    else:
        other = other.with_suffix(f".{how}")
        picture.save(other)
    return other


@pytest.mark.parametrize("how", ["copied", "smaller", "compressed", "brighter", "grey", "png", "webp"])
@pytest.mark.parametrize("place", ["same class", "other class", "other part"])
def test_pictures_that_occur_twice(data: Path, how: str, place: str) -> None:
    first = data / "train" / "cat" / "2.jpg"
    other = changed(first, how)
    if place != "same class":
        to = data / ("train" if place == "other class" else "val") / ("dog" if place == "other class" else "cat")
        other = Path(shutil.move(other, to / other.name))
    found = vary.inspect(data)
    (twins,) = found.twins
    assert {sample.path for sample in twins.samples} == {str(first), str(other)}
    assert twins.is_same == (how == "copied")
    assert (bool(found.leaks), bool(found.contradictions)) == (place == "other part", place == "other class")
    said = {"other part": "in more than one part", "other class": "in more than one class"}.get(place)
    assert [said in one for one in found.advice()] == ([True] if said else [])
    assert ("nearly the same: " in str(found)) == (how != "copied")


def test_parts_can_be_given(data: Path) -> None:
    shutil.copyfile(data / "train" / "cat" / "0.jpg", data / "val" / "cat" / "x.jpg")
    for found in (
        vary.inspect(data / "train", against=data / "val"),
        vary.inspect({"train": vary.Folder(data / "train"), "val": data / "val"}),
    ):
        assert len(found.leaks) == 1
    assert not vary.inspect(data / "train").twins
    for wrong in (0, "4", 1.5, True):
        with pytest.raises(InputError, match=f"threads={wrong!r}; give a whole number"):
            vary.inspect(data, threads=wrong)  # type: ignore[arg-type]


def test_broken_files_are_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (data / "train" / "cat" / "0.jpg").read_bytes()
    for name, content in (("cut.jpg", whole[: len(whole) // 2]), ("none.jpg", b""), ("text.png", b"not a picture")):
        (data / "train" / "dog" / name).write_bytes(content)
    (train, _) = vary.inspect(data).parts
    assert sorted(Path(one.path or "").name for one in train.broken) == ["cut.jpg", "none.jpg", "text.png"]
    assert all(one.path in one.fault for one in train.broken if one.path)
    assert sum(train.formats.values()) == 9
    assert train.classes == {"cat": 5, "dog": 7}
    assert main(["inspect", str(data)]) == 0
    assert '! train: 3 broken files; on_error="skip" leaves them out' in capsys.readouterr().out


def test_everything_broken(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    found = vary.inspect(tmp_path)
    assert len(found.parts[0].broken) == 1
    assert found.as_dict()["parts"][0]["heights"] == []
    assert str(found)
    sheet = found.sheet()
    sheet.save(tmp_path / "sheet.png")
    assert vary.read_image(tmp_path / "sheet.png").size
    assert sheet._repr_png_()
    assert "a.jpg" in sheet._repr_html_()


def test_every_folder_is_a_part(data: Path) -> None:
    shutil.copytree(data / "val", data / "holdout")
    (data / "val").rename(data / "Val")
    (data / "notes").mkdir()
    shutil.copytree(data / "holdout", data / "Test")
    assert [part.name for part in vary.inspect(data).parts] == ["train", "Val", "holdout", "Test"]
    (data / "holdout").rename(data / "extra")
    assert [part.name for part in vary.inspect(data).parts] == ["train", "Val", "Test", "extra"]


def test_a_picture_without_a_label_contradicts_none(data: Path) -> None:
    (data / "test").mkdir()
    shutil.copyfile(data / "train" / "cat" / "0.jpg", data / "test" / "0.jpg")
    found = vary.inspect(data)
    assert (len(found.leaks), found.contradictions) == (1, ())
    assert found.advice() == ["2 pictures in more than one part: scores on the held-back part mislead"]


def test_equal_pictures_are_surer_than_similar_ones(data: Path) -> None:
    first = data / "train" / "cat" / "2.jpg"
    smaller = changed(first, "smaller")
    shutil.copyfile(first, data / "train" / "dog" / "x.jpg")
    found = vary.inspect(data)
    assert [(one.is_same, len(one.samples)) for one in found.twins] == [(True, 2), (False, 3)]
    assert found.advice() == [
        "2 pictures in more than one class: one label is wrong",
        "1 picture nearly the same in more than one class: one label may be wrong",
    ]
    assert str(smaller) in {one.path for one in found.twins[1].samples}


def test_leaks_hide_no_contradictions(data: Path) -> None:
    shutil.copyfile(data / "train" / "cat" / "0.jpg", data / "val" / "cat" / "x.jpg")
    shutil.copyfile(data / "train" / "cat" / "1.jpg", data / "train" / "dog" / "x.jpg")
    text = str(vary.inspect(data))
    assert "in several parts: 2 pictures\n" in text
    assert "in several classes: 2 pictures\n" in text
    assert "4 pictures in all more than once" in text


def test_arrays_of_other_shapes_are_not_the_same() -> None:
    images = np.zeros((1, 40, 60, 3), np.uint8)
    found = vary.inspect({"a": images, "b": images.reshape(1, 60, 40, 3)})
    assert [one.is_same for one in found.twins] == [False]


def test_uneven_classes_and_small_pictures(data: Path) -> None:
    for number in range(10):
        photo(1000 + number, 20, 30).save(data / "train" / "cat" / f"small{number}.png")
    found = vary.inspect(data)
    assert [one.partition(": ")[2] for one in found.advice()] == [
        "15 of cat and 4 of dog; weights= evens them",
        "10 pictures of less than 32 pixels on a side",
    ]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_arrays(dtype: str, channels: int) -> None:
    largest = 1 if dtype == "float32" else np.iinfo(dtype).max
    images = np.stack([np.asarray(photo(number).convert("L"), np.float64) / 255 * largest for number in range(4)])
    whole = np.repeat(images[..., None], channels, 3).astype(dtype)
    found = vary.inspect((np.concatenate([whole, whole[2:3]]), [0, 1, 0, 1, 1]))
    assert [[sample.index for sample in twins.samples] for twins in found.twins] == [[2, 4]]
    assert found.contradictions[0].is_same
    assert found.parts[0].formats == {f"array {dtype}": 5}
    assert found.sheet()._repr_png_()


def test_the_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(data / "train" / "cat" / "1.jpg", "smaller")
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    assert main(["inspect", str(data), "--json", "-o", str(tmp_path / "sheet.png")]) == 0
    known = json.loads(capsys.readouterr().out)
    assert [one["class"] for one in known["twins"][0]["pictures"]] == ["cat", "cat"]
    assert vary.read_image(tmp_path / "sheet.png").shape[1] > 300
    assert main(["inspect", str(data / "train"), "--against", str(data / "val"), "--threads", "1"]) == 0
    assert "against: 4 samples" in capsys.readouterr().out
    assert main(["inspect", str(data), "-o", str(data / "sheet.png")]) == 1
    assert "would be written into the data" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before
    assert main(["inspect", str(tmp_path / "none")]) == 1


def test_no_thread_is_left(data: Path) -> None:
    before = set(threading.enumerate())
    vary.inspect(data, threads=3)
    with pytest.raises(ZeroDivisionError):
        vary.inspect(data, threads=3, progress=lambda _: 1 // 0)
    assert not [one.name for one in threading.enumerate() if one.name.startswith("vary") and one not in before]


@pytest.mark.needs("pictures")
def test_real_photos_are_not_taken_for_each_other(pictures_root: Path) -> None:
    assert [
        sorted(sample.name for sample in twins.samples) for twins in vary.inspect(pictures_root / "cats_dogs").twins
    ] == []


def test_all_close_hashes_are_found() -> None:
    """The same as comparing each with each other."""
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**63, 300, np.uint64)
    for place in range(0, 300, 3):  # neighbours at each distance
        flipped = random.choice(64, random.integers(0, 7), replace=False)
        hashes[place + 1] = hashes[place] ^ np.uint64(sum(1 << int(bit) for bit in flipped))
    flat = np.zeros((300, THUMBNAIL, THUMBNAIL), np.uint8)
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None])
    expected = [(a, b) for a in range(300) for b in range(a + 1, 300) if distances[a, b] <= FURTHEST]
    assert len(expected) > 40
    assert list(map(tuple, close_pairs(hashes, flat).tolist())) == expected
    flat[1::3] = random.integers(0, 256, (100, THUMBNAIL, THUMBNAIL), np.uint8)
    assert not len(close_pairs(hashes, flat)), "thumbnails decide, too"
    assert close_pairs(np.zeros(0, np.uint64), flat[:0]).shape == (0, 2)


def test_many_equal_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vary.inspection.hashes.LARGEST", 7)
    pairs = close_pairs(np.zeros(40, np.uint64), np.zeros((40, THUMBNAIL, THUMBNAIL), np.uint8))
    assert pairs.tolist() == [[0, place] for place in range(1, 40)]
    assert groups_of(pairs, 40) == [list(range(40))]


@pytest.mark.parametrize("kind", ["equal", "one band", "two bands"])
def test_many_pictures_take_little_time(kind: str) -> None:
    """Numbers of compared pairs, not seconds: 20,000 pictures have 200 million pairs."""
    count, free = 20_000, {"equal": 0, "one band": 51, "two bands": 45}[kind]
    hashes = np.random.default_rng(0).integers(0, 2**free, count, np.uint64)
    compared = 0
    real = np.bitwise_count

    def counting(values: np.ndarray) -> np.ndarray:
        nonlocal compared
        compared += values.size
        return real(values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "bitwise_count", counting)
        pairs = close_pairs(hashes, np.zeros((count, THUMBNAIL, THUMBNAIL), np.uint8))
    assert len(pairs) == (count - 1 if kind == "equal" else 0)
    assert compared < 1000 * count


def test_groups() -> None:
    assert groups_of(np.array([[0, 5], [3, 4], [2, 5], [7, 8], [4, 9]]), 10) == [[0, 2, 5], [3, 4, 9], [7, 8]]
    assert groups_of(np.zeros((0, 2), np.int64), 3) == []
