"""`flow_from_directory` and `flow_from_dataframe` by default: what is read, in which order, and what is said."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_images.pictures import folder_of_pictures, random_images
from PIL import Image

from vary.errors import DecodeError, SourceError
from vary.keras import ImageDataGenerator, PairIterator, TrapWarning, img_to_array, load_img
from vary.streams.cache.budget import BUDGET

HOW: dict[str, Any] = {"target_size": (20, 15), "shuffle": False, "batch_size": 4}


def loaded(it: Any, **how: Any) -> np.ndarray:
    return np.stack([img_to_array(load_img(path, target_size=(20, 15), **how)) for path in it.filepaths])


def whole(it: Any) -> Any:
    """All batches of an epoch together."""
    found = [next(it) for _ in range(len(it))]
    if isinstance(found[0], np.ndarray):
        return np.concatenate(found)
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def test_hidden_and_empty_folders_are_no_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"cat": 2, "dog": 3, ".ipynb_checkpoints": 1, "__MACOSX": 1, "empty": 0, "cat/.thumbs": 1, "dog/inner": 1}
    root = folder_of_pictures(tmp_path, counts)
    (root / "cat" / "._0.jpg").write_bytes(b"")
    Image.fromarray(random_images(1, (9, 9, 3))[0]).save(root / "loose.png")
    it = ImageDataGenerator().flow_from_directory(root, **HOW)
    assert it.class_indices == {"cat": 0, "dog": 1}
    assert it.filenames == ["cat/0.jpg", "cat/1.png", "dog/0.jpg", "dog/1.png", "dog/2.jpg", "dog/inner/0.jpg"]
    assert it.classes.tolist() == [0, 0, 1, 1, 1, 1]
    said = capsys.readouterr().out
    assert said.startswith("Found 6 images belonging to 2 classes.")
    assert ".ipynb_checkpoints, __MACOSX, empty" in said
    assert "1 images directly in" in said


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "box"])
@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
def test_images_are_those_of_load_img(tmp_path: Path, interpolation: str, color_mode: str) -> None:
    root = folder_of_pictures(tmp_path, {"a": 5, "b": 2})
    for keep in (False, True):
        how: Any = {"interpolation": interpolation, "color_mode": color_mode, "keep_aspect_ratio": keep}
        it = ImageDataGenerator().flow_from_directory(root, class_mode=None, **how, **HOW)
        for _ in range(2):  # from files, then from memory
            assert (whole(it) == loaded(it, **how)).all()


@pytest.mark.parametrize("how", [{"subsampling": one} for one in (0, 1, 2)] + [{"progressive": True}])
def test_jpeg_files_by_their_nearest_pixels_are_those_of_load_img(tmp_path: Path, how: dict[str, Any]) -> None:
    """Also where two pixels are equally near, and Pillow's rounding errors decide."""
    random = np.random.default_rng(4)
    sizes = [(375, 500), (512, 256), (1, 1), (1, 700), (333, 1), *random.integers(1, 400, (20, 2)).tolist()]
    (tmp_path / "a").mkdir()
    for number, (height, width) in enumerate(sizes):
        picture = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "a" / f"{number:02}.jpg", quality=90, **how)
    for target in [(150, 150), (1, 1), (224, 37), (299, 500)]:
        it = ImageDataGenerator().flow_from_directory(str(tmp_path), target_size=target, shuffle=False, class_mode=None)
        assert (it[0] == [img_to_array(load_img(path, target_size=target)) for path in it.filepaths]).all()


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("keep_aspect_ratio", [False, True])
def test_other_jpeg_files_are_those_of_load_img(
    tmp_path: Path, mode: str, interpolation: str, keep_aspect_ratio: bool
) -> None:
    """Grey, inks, or turned by their orientation."""
    picture = Image.fromarray(random_images(1, (60, 90, 3))[0]).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6 if mode == "RGB" else 1
    (tmp_path / "a").mkdir()
    picture.save(tmp_path / "a" / "0.jpg", exif=exif)
    how: dict[str, Any] = {
        "target_size": (40, 32),
        "interpolation": interpolation,
        "keep_aspect_ratio": keep_aspect_ratio,
    }
    it = ImageDataGenerator().flow_from_directory(str(tmp_path), class_mode=None, **how)
    assert (it[0][0] == img_to_array(load_img(it.filepaths[0], **how))).all()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_a_jpeg_file_that_lost_rows_is_named(tmp_path: Path, interpolation: str) -> None:
    (tmp_path / "a").mkdir()
    whole, cut = tmp_path / "whole.jpg", tmp_path / "a" / "cut.jpg"
    Image.fromarray(random_images(1, (60, 90, 3))[0]).save(whole)
    cut.write_bytes(whole.read_bytes()[:-900])
    it = ImageDataGenerator().flow_from_directory(str(tmp_path), target_size=(9, 9), interpolation=interpolation)
    with pytest.raises(DecodeError, match=r"cut\.jpg: .*truncated"):
        next(it)


def test_orientation_and_16_bits_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    wide = (random_images(1, (20, 15, 1))[0, ..., 0].astype(np.uint16) * 257)[:, :15]
    Image.fromarray(wide).save(tmp_path / "a" / "deep.png")
    it = ImageDataGenerator().flow_from_directory(tmp_path, color_mode="grayscale", class_mode=None, **HOW)
    assert (next(it)[0, ..., 0] == wide).all()
    (tmp_path / "b").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    image = random_images(1, (15, 20, 3))[0]
    Image.fromarray(image).save(tmp_path / "b" / "turned.jpg", exif=exif, quality=95, subsampling=0)
    it = ImageDataGenerator().flow_from_directory(tmp_path, classes=["b"], class_mode=None, **HOW)
    assert np.abs(next(it)[0] - np.rot90(image, 3)).mean() < 8


def test_class_modes(tmp_path: Path) -> None:
    root = folder_of_pictures(tmp_path, {"a": 2, "b": 3})
    generator = ImageDataGenerator(horizontal_flip=True)
    x, y = whole(generator.flow_from_directory(root, **HOW))
    assert y.tolist() == [[1, 0]] * 2 + [[0, 1]] * 3
    assert y.dtype == np.float32
    for mode in ("binary", "sparse"):
        x, y = whole(generator.flow_from_directory(root, class_mode=mode, **HOW))
        assert y.tolist() == [0, 0, 1, 1, 1]
        assert y.dtype == np.int64
    x, y = next(generator.flow_from_directory(root, class_mode="input", **HOW))
    assert (x == y).all()
    assert not np.shares_memory(x, y)
    _, y = whole(generator.flow_from_directory(root, classes=["b", "a"], class_mode="sparse", **HOW))
    assert y.tolist() == [0, 0, 0, 1, 1]


def test_subsets_divide_each_class(tmp_path: Path) -> None:
    root = folder_of_pictures(tmp_path, {"a": 10, "b": 5})
    generator = ImageDataGenerator(validation_split=0.2, rotation_range=90)
    training, validation = (
        generator.flow_from_directory(root, subset=one, **HOW) for one in ("training", "validation")
    )
    assert np.bincount(training.classes).tolist() == [8, 4]
    assert np.bincount(validation.classes).tolist() == [2, 1]
    assert not set(training.filenames) & set(validation.filenames)
    assert (whole(validation)[0] == loaded(validation)).all()


def test_names_of_each_batch(tmp_path: Path) -> None:
    root = folder_of_pictures(tmp_path, {"a": 5, "b": 4})
    it = ImageDataGenerator().flow_from_directory(root, target_size=(20, 15), batch_size=4, seed=3)
    seen = []
    for _ in range(len(it)):
        _, y = next(it)
        names = it.batch_filenames
        assert [name[0] for name in names] == ["ab"[one.argmax()] for one in y]
        seen += names
    assert sorted(seen) == it.filenames


def test_broken_files_are_errors_or_left_out_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder_of_pictures(tmp_path, {"a": 5, "b": 4})
    broken = ["a/1.png", "b/0.jpg"]
    for name in broken:
        (root / name).write_bytes(b"\xff\xd8\xff no image")
    generator = ImageDataGenerator(rotation_range=20)
    with pytest.raises(DecodeError, match=r"a/1\.png"):
        whole(generator.flow_from_directory(root, **HOW))
    it = generator.flow_from_directory(root, on_error="skip", seed=1, **HOW)
    x, y = whole(it)
    assert len(x) == len(y) == 7
    assert sorted(it.skipped) == [str(root / name) for name in broken]
    assert capsys.readouterr().out.count("Skipped") == 2
    whole_it = ImageDataGenerator(rotation_range=20).flow_from_directory(root, on_error="skip", seed=1, **HOW)
    assert (whole(whole_it)[0] == x).all()


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    root = folder_of_pictures(tmp_path, {"a": 3})
    it = ImageDataGenerator().flow_from_directory(root, **HOW)
    (root / "a/2.jpg").unlink()
    with pytest.raises(SourceError, match=r"a/2\.jpg"):
        next(it)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    root = folder_of_pictures(tmp_path, {"a": 3})
    it = ImageDataGenerator().flow_from_directory(root, class_mode=None, **HOW)
    first = whole(it)
    Image.fromarray(random_images(1, (50, 60, 3), seed=99)[0]).save(root / "a/1.png")
    second = whole(it)
    assert (second == loaded(it)).all()
    assert (first[1] != second[1]).any()


def test_images_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder_of_pictures(tmp_path, {"a": 4, "b": 4})
    it = ImageDataGenerator(rotation_range=30).flow_from_directory(root, **HOW)
    whole(it)
    monkeypatch.setattr("vary.keras.files._loaded", None)  # not called any more
    whole(it)
    again = pickle.loads(pickle.dumps(it))
    with pytest.raises(TypeError):
        whole(again)


def test_files_are_kept_within_the_budget_of_all_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder_of_pictures(tmp_path, {"a": 4, "b": 4})
    it = ImageDataGenerator().flow_from_directory(root, **HOW)
    monkeypatch.setattr(BUDGET, "limit_locked", lambda _: 3 * 20 * 15 * 3)
    first = whole(it)[0]
    assert len(it._images._kept._images) == 3
    assert it._images._kept.held == 3 * 20 * 15 * 3
    assert (whole(it)[0] == first).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"color_mode": "cmyk"}, "color_mode='cmyk'"),
        ({"class_mode": "output"}, "Invalid class_mode"),
        ({"target_size": None}, "target_size=None"),
        ({"target_size": 150}, "target_size=150"),
        ({"interpolation": "cubic"}, "interpolation='cubic'"),
        ({"subset": "training"}, "validation_split"),
        ({"on_error": "ignore"}, "on_error='ignore'"),
        ({"classes": "a"}, "classes='a'"),
        ({"classes": ["a", "a"]}, "each once"),
    ],
)
def test_wrong_arguments_are_errors(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    root = folder_of_pictures(tmp_path, {"a": 1, "b": 1})
    with pytest.raises(ValueError, match=said):
        ImageDataGenerator().flow_from_directory(root, **given)


def test_traps_of_folders(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a folder"):
        ImageDataGenerator().flow_from_directory(tmp_path / "absent")
    root = folder_of_pictures(tmp_path, {"train": 1, "test": 1, "validation": 1})
    with pytest.warns(TrapWarning, match="parts of the data"):
        ImageDataGenerator().flow_from_directory(root)
    with pytest.warns(TrapWarning, match="class_mode='binary' and 3 classes"):
        ImageDataGenerator().flow_from_directory(root, class_mode="binary", classes=["train", "test", "validation"])
    with pytest.warns(TrapWarning, match="no folder for"):
        ImageDataGenerator().flow_from_directory(root, classes=["train", "cat"])


def test_a_folder_without_images_is_a_trap(tmp_path: Path) -> None:
    with pytest.warns(TrapWarning, match="there are no images"):
        it = ImageDataGenerator().flow_from_directory(tmp_path)
    assert (it.samples, it.num_classes, len(it)) == (0, 0, 0)


def test_pairs_leave_out_what_one_of_them_cannot_read(tmp_path: Path) -> None:
    images, masks = (folder_of_pictures(tmp_path / one, {"a": 8}) for one in ("images", "masks"))
    (images / "a/1.png").write_bytes(b"no image")
    (masks / "a/4.jpg").write_bytes(b"no image")
    flows = [
        ImageDataGenerator(horizontal_flip=True).flow_from_directory(
            root, target_size=(20, 15), class_mode=None, batch_size=8, on_error="skip", seed=1
        )
        for root in (images, masks)
    ]
    pair = PairIterator(*flows)
    x, y = next(pair)
    assert len(x) == len(y) == 6
    assert (x == y).all()
    assert sorted(pair.batch_indices.tolist()) == [0, 2, 3, 5, 6, 7]


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_batch_of_broken_files_is_another_batch_of_the_epoch(tmp_path: Path, batch_size: int) -> None:
    root = folder_of_pictures(tmp_path, {"a": 6})
    names = sorted(path.name for path in (root / "a").iterdir())
    for name in names[2:4]:
        (root / "a" / name).write_bytes(b"no image")
    how = {**HOW, "batch_size": batch_size, "shuffle": False, "on_error": "skip", "class_mode": None}
    it = ImageDataGenerator().flow_from_directory(root, **how)
    found = []
    for _ in range(len(it)):
        assert len(next(it)) == batch_size  # Keras would make NaN of an empty batch
        found += it.batch_filenames
    used = [names[at] for at in ([0, 1, 4, 4, 4, 5] if batch_size == 1 else [0, 1, 4, 5, 4, 5])]
    assert found == [f"a/{name}" for name in used]
    assert all("BytesIO" not in reason for reason in it.skipped.values())
    again = PairIterator(*(ImageDataGenerator().flow_from_directory(root, **how) for _ in range(2)))
    assert all(len(again[k][0]) == len(again[k][1]) == batch_size for k in range(len(again)))
    for name in names:
        (root / "a" / name).write_bytes(b"no image")
    with pytest.raises(DecodeError, match=r"none of the 6 images could be read.*a/"):
        next(ImageDataGenerator().flow_from_directory(root, **how))


def test_a_folder_is_read_once_where_links_lead_back(tmp_path: Path) -> None:
    root = folder_of_pictures(tmp_path, {"a": 4, "b": 3})
    (root / "a/up").symlink_to("..")
    (root / "a/itself").symlink_to(".")
    (root / "b/others").symlink_to("../a")
    found = ImageDataGenerator().flow_from_directory(root, follow_links=True, target_size=(20, 15)).filenames
    assert [sum(name.startswith(one) for name in found) for one in ("a/", "b/others/", "b/")] == [4, 4, 7]


def test_classes_may_be_an_array(tmp_path: Path) -> None:
    root = folder_of_pictures(tmp_path, {"a": 2, "b": 2})
    it = ImageDataGenerator().flow_from_directory(root, classes=np.array(["b", "a"]))  # type: ignore[arg-type]
    assert it.class_indices == {"b": 0, "a": 1}
    assert ImageDataGenerator().flow_from_directory(root, classes=[]).num_classes == 2
