"""Pairs of images and masks: by name or by order, and errors that name both."""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inputs.pairs import COUNT, POLICY, RANDOM, classes, epoch_of, indexed, photo, rows, save

import vary
from vary import Files, Folder, InputError, Pairs, SourceError, VaryError


def test_lists_of_arrays_and_a_mapped_file(tmp_path: Path) -> None:
    images = [RANDOM.integers(0, 256, (30 + n, 40, 3), dtype=np.uint8) for n in range(5)]
    masks = [RANDOM.integers(0, 9, (30 + n, 40), dtype=np.uint16) for n in range(5)]
    for index, image, mask in rows(vary.stream(Pairs(images, masks), POLICY, batch_size=2, seed=2)):
        one = POLICY(image=images[index], mask=masks[index], seed=2, index=index)
        assert np.array_equal(one.image, image)
        assert np.array_equal(one.mask, mask)
    np.save(tmp_path / "masks.npy", np.stack([mask[:30] for mask in masks]))
    mapped = np.load(tmp_path / "masks.npy", mmap_mode="r")
    pairs = Pairs(np.stack([image[:30] for image in images]), mapped)
    assert len(pickle.dumps(pairs.masks)) < 2000  # the place of the file, not its numbers
    here = epoch_of(vary.stream(pairs, POLICY, batch_size=2, seed=2))
    assert epoch_of(vary.stream(pairs, POLICY, batch_size=2, seed=2, process=True)) == here


class Own(vary.sources.Source):
    """Arrays, or files of a folder, that are made when they are asked for."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def __len__(self) -> int:
        return len(self.given)

    def item(self, index: int) -> vary.sources.Item:
        one = self.given[index]
        return one if isinstance(one, vary.sources.Item) else vary.sources.Item(one)


def test_sources_of_your_own(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    expected = epoch_of(vary.stream(pairs, POLICY, batch_size=4, seed=5))
    for images, masks in [
        (Own(pairs.images), Own(pairs.masks)),
        (Own(pairs.images), [vary.read_mask(pairs.masks.path(n)) for n in range(COUNT)]),
        (pair[0], Own([vary.read_mask(pairs.masks.path(n)) for n in range(COUNT)])),
    ]:
        for cache in (None, "memory"):
            stream = vary.stream(Pairs(images, masks), POLICY, batch_size=4, seed=5, cache=cache)
            assert epoch_of(stream) == expected
            stream.set_epoch(0)
            assert epoch_of(stream) == expected


def test_sources_of_your_own_that_return_no_masks() -> None:
    images = RANDOM.integers(0, 256, (3, 30, 40, 3), dtype=np.uint8)
    good = np.zeros((30, 40), np.int64)
    for wrong, says in [
        (np.zeros((30, 40, 3), int), "the mask of sample 2 has shape (30, 40, 3)"),
        (np.zeros((30, 40)), "the mask of sample 2 is float64"),
        (np.zeros((30, 40), np.uint8), "the mask of sample 2 is uint8 with 2 axes, and mask 0 is int64 with 2"),
        ("a.png", "the mask of sample 2 is of type str"),
        (np.zeros((40, 30), np.int64), "sample 2: the image is 30 x 40, and its mask mask 2 40 x 30"),
    ]:
        with pytest.raises(VaryError, match=re.escape(says)):
            epoch_of(vary.stream(Pairs(images, Own([good, good, wrong])), POLICY, shuffle=False))


def test_splits_and_subsets_draw_as_the_whole(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    whole = epoch_of(vary.stream(pairs, POLICY, batch_size=4, seed=5))
    training, validation = pairs.split(0.3)
    for part in (training, validation, pairs[3:9][::2], pairs[[5, 1]]):
        made = epoch_of(vary.stream(part, POLICY, batch_size=4, seed=5))
        assert made == {index: whole[index] for index in made}
        assert len(made) == len(part)
    assert len(training) + len(validation) == COUNT
    assert training.classes is None
    assert pairs[3:5].paths == tuple(pairs.paths[3:5])
    item = pairs[2]
    assert (item.image.path, item.labels[0].path) == (pairs.path(2), pairs.masks.path(2))


def test_folders_and_files_as_sources(pair: tuple[Path, Path]) -> None:
    """Sub-folders are no classes here, and Files are paired by the paths below their common folder."""
    expected = epoch_of(vary.stream(Pairs(*pair), POLICY, batch_size=4, seed=5))
    images, masks = Folder(pair[0]), Folder(pair[1])
    assert images.classes == ["a", "b"]
    shuffled = RANDOM.permutation(COUNT)
    for given in [
        (images, masks),
        (str(pair[0]), masks),
        (images, Files([masks.paths[n] for n in shuffled])),
        (Files(images.paths), masks),
        (images, masks[[*range(COUNT)[::-1]]]),
    ]:
        assert epoch_of(vary.stream(Pairs(*given), POLICY, batch_size=4, seed=5)) == expected
    some = Pairs(images[2:12:3], Files(masks.paths[2:12:3]), by="order")
    assert [Path(path).name[:2] for path in some.paths] == ["04", "10", "03", "09"]


def test_names_that_differ_go_by_order(pair: tuple[Path, Path]) -> None:
    images = Folder(pair[0]).paths
    masks = [str(save(indexed(classes(90, 120)), pair[0].parent / f"m/{n}_mask.png")) for n in range(COUNT)]
    with pytest.raises(SourceError, match=r"by='order' pairs two vary\.Files in the order of their paths"):
        Pairs(Files(images), Files(masks))
    pairs = Pairs(Files(images), Files(masks), by="order")
    assert [pairs[n].labels[0].path for n in range(COUNT)] == masks


def test_a_missing_partner_is_named(pair: tuple[Path, Path]) -> None:
    lost = pair[1] / "a/02.v1.png"
    lost.unlink()
    with pytest.raises(SourceError) as error:
        Pairs(*pair)
    assert f"1 image without a mask: {pair[0] / 'a/02.v1.jpg'}; {str(pair[1])!r} has no" in str(error.value)
    (pair[0] / "a/02.v1.jpg").unlink()
    assert len(Pairs(*pair)) == COUNT - 1
    (pair[0] / "b/03.v1.jpg").unlink()
    with pytest.raises(SourceError) as error:
        Pairs(*pair)
    assert f"1 mask without an image: {pair[1] / 'b/03.v1.png'}; {str(pair[0])!r} has no" in str(error.value)
    for path in pair[0].rglob("*.jpg"):
        path.unlink()
    with pytest.raises(SourceError, match=r"10 masks without an image: (\S+, ){3}and 7 more; "):
        Pairs(*pair)


def test_names_are_compared_exactly(tmp_path: Path) -> None:
    """Hidden files are no pictures, capitals count, and only the last suffix is cut off."""
    for name in ("a.b", "a.b.c", "A", ".hidden"):
        save(photo(20, 30), tmp_path / f"images/{name}.JPG", format="JPEG")
        save(indexed(classes(20, 30)), tmp_path / f"masks/{name}.Png")
    save(indexed(classes(20, 30)), tmp_path / "masks/.other.png")
    (tmp_path / "masks/notes.txt").write_text("no picture")
    pairs = Pairs(tmp_path / "images", tmp_path / "masks")
    assert [Path(path).stem for path in pairs.paths] == ["A", "a.b", "a.b.c"]
    assert [Path(pairs.masks.path(n)).stem for n in range(3)] == ["A", "a.b", "a.b.c"]
    (tmp_path / "masks/A.Png").rename(tmp_path / "masks/a.png")
    with pytest.raises(SourceError, match=r"1 image without a mask: \S+/A.JPG"):
        Pairs(tmp_path / "images", tmp_path / "masks")


def test_two_files_of_one_name(pair: tuple[Path, Path]) -> None:
    save(photo(9, 9), pair[0] / "a/02.v1.png")
    with pytest.raises(SourceError) as error:
        Pairs(*pair)
    assert f"two images have one name but for their suffixes: {pair[0] / 'a/02.v1'}.jpg and " in str(error.value)
    with pytest.raises(SourceError, match="two masks have one name"):
        Pairs(pair[1], pair[0])


def test_a_missing_folder_is_named_without_talk_of_classes(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("none", "empty"):
        for what, given in (("images", (tmp_path / name, pair[1])), ("masks", (pair[0], tmp_path / name))):
            with pytest.raises(SourceError, match=f"the {what} of vary.Pairs: .*give the folder that holds") as error:
                Pairs(*given)
            assert "sub-folder" not in str(error.value)


def test_pairs_of_arrays_call_masks_masks() -> None:
    pairs = Pairs(np.zeros((5, 3, 4, 3), np.uint8), np.zeros((5, 3, 4), np.uint8))
    parts = "Arrays(5 images, fields=('images',)), Arrays(5 masks, fields=('masks',))"
    assert repr(pairs) == f"Pairs({parts})"


def test_invalid_sources_of_pairs(pair: tuple[Path, Path], tmp_path: Path) -> None:
    images = np.zeros((5, 30, 40, 3), np.uint8)
    masks = np.zeros((5, 30, 40), np.uint8)
    (tmp_path / "empty").mkdir()
    for given, says in [
        ((images, masks[:4]), "there are 5 images and 4 masks"),
        ((images, masks[:, 1:]), "image has shape (30, 40, 3), and mask has shape (29, 40)"),
        (([*images], [*masks[:4], masks[4, 1:]]), "image 4 has shape (30, 40, 3), and mask 4 has shape (29, 40)"),
        ((images, images), "masks[0] has shape (30, 40, 3); give one number for each pixel"),
        ((images, vary.Arrays(images)), "masks[0] has shape (30, 40, 3)"),
        ((images, masks / 255), "masks[0] is float64"),
        ((images, masks[0]), "masks has shape (30, 40)"),
        ((images, []), "masks is empty"),
        ((images, ["a.png"]), "masks[0] is a path, 'a.png'; vary.Files(paths)"),
        (((images, [0, 1, 2, 3, 4]), masks), "the source of images has the fields ('images', 'labels')"),
        ((Pairs(images, masks), masks), "the source of images has the fields ('images', 'masks')"),
        ((pair[0], Files(Folder(pair[1]).paths, [*range(COUNT)])), "the source of masks has the fields"),
        ((tmp_path / "empty", pair[1]), "holds no pictures"),
        ((pair[0], tmp_path / "none"), "does not exist"),
        ((images, masks, "name"), "by='name' goes with files"),
        ((images, masks, "stem"), "by='stem'; give 'name', 'order', or None"),
        ((images, None), "NoneType is not a source"),
    ]:
        with pytest.raises(VaryError, match=re.escape(says)):
            Pairs(*given[:2], by=given[2] if len(given) > 2 else None)
    for keywords in ({"labels": [0] * 5}, {"classes": ["a"]}, {"weights": "balanced"}):
        with pytest.raises(InputError):
            vary.stream(Pairs(images, masks), POLICY, **keywords)
