"""Streams of images and masks: the same draws in every way, and errors that name the broken file."""

import os
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inputs.pairs import COUNT, POLICY, RANDOM, alone, classes, epoch_of, indexed, photo, rows, save
from PIL import Image

import vary
from vary import Folder, InputError, Pairs, Policy, PolicyError, VaryError
from vary.streams.batches.masks import MaskInputs

WAYS: dict[str, dict[str, Any]] = {
    "memory": {"cache": "memory"},
    "disk": {"cache": "disk"},
    "nothing kept": {"cache": None},
    "full decode": {"cache": "memory", "full_decode": True},
    "process": {"process": True},
    "one thread": {"threads": 1, "prefetch": 0},
    "one batch": {"batch_size": COUNT},
}


def test_a_row_is_what_the_policy_makes_of_both_files(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    stream = vary.stream(pairs, POLICY, batch_size=4, seed=5, full_decode=True)
    for epoch in range(2):
        made = list(rows(stream))
        assert len(made) == len(pairs) == COUNT
        for index, image, mask in made:
            one = alone(pairs, index, seed=5, epoch=epoch)
            assert np.array_equal(one.image, image)
            assert np.array_equal(one.mask, mask)
            assert set(np.unique(mask)) <= {*range(7), 9}
    replayed = stream.replay(3, epoch=1)
    assert np.array_equal(replayed.masks[0], alone(pairs, 3, seed=5, epoch=1).mask)


def test_images_are_those_of_a_stream_of_images(pair: tuple[Path, Path]) -> None:
    options: dict[str, Any] = {"batch_size": 4, "seed": 5}
    images = vary.stream(Folder(pair[0], labels={}), POLICY, **options)
    for batch, own in zip(images, vary.stream(Pairs(*pair), POLICY, **options), strict=True):
        assert np.array_equal(batch.images, own.images)
        assert batch.paths == own.paths


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_masks(pair: tuple[Path, Path], way: str) -> None:
    """The batches of the first epoch, which fills a cache, and of the second, which reads it."""
    options = {"batch_size": 3, "seed": 1, **WAYS[way]}
    stream, pairs = vary.stream(Pairs(*pair), POLICY, **options), Pairs(*pair)
    for epoch in range(2):
        for index, _, mask in rows(stream):
            assert np.array_equal(mask, alone(pairs, index, seed=1, epoch=epoch).mask)


def test_a_cache_keeps_masks(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = vary.sources.Folder.item

    def counted(self: Folder, index: int) -> Any:
        read.append(self.path(index))
        return real(self, index)

    monkeypatch.setattr(Folder, "item", counted)
    monkeypatch.setattr("vary.sources.folder.inherits", lambda *_: True)
    monkeypatch.setattr("vary.sources.pairs.inherits", lambda *_: True)
    for cache in ("memory", "disk"):
        stream = vary.stream(Pairs(*pair), POLICY, batch_size=3, seed=1, cache=cache)
        first = epoch_of(stream)
        stream.set_epoch(0)
        read.clear()
        assert epoch_of(stream) == first
        assert read == []
        kept = stream.report().cache_bytes
        assert kept > COUNT * 90 * 107  # bytes of masks alone
        again = vary.stream(Pairs(*pair), POLICY, batch_size=3, seed=1, cache=cache)
        assert epoch_of(again) == first


def test_memory_for_masks_is_expected(pair: tuple[Path, Path]) -> None:
    """With masks, cache="auto" stores nothing, although the images alone would fit."""
    pairs = Pairs(*pair)
    options: dict[str, Any] = {"batch_size": 3, "seed": 1, "cache": "auto"}
    images, both = (vary.stream(one, POLICY, **options)._store for one in (pairs.images, pairs))
    assert images is not None
    assert both is not None
    pixels = sum(vary.read_mask(pairs.masks.path(n)).size for n in range(COUNT))
    assert both.demand - images.demand == pytest.approx(pixels, abs=2)  # type: ignore[attr-defined]
    limited = vary.stream(pairs, POLICY, cache_bytes=images.demand + pixels // 2, **options)  # type: ignore[attr-defined]
    assert limited.report().cache.startswith("none: all files would take")


def test_a_mask_that_changes_is_read_again(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    stream = vary.stream(pairs, POLICY, batch_size=3, seed=1, cache="memory", frozen=True)
    before = epoch_of(stream)
    path = Path(pairs.masks.path(4))
    size = vary.read_mask(path).shape
    save(indexed(np.full(size, 5, np.uint8)), path)
    os.utime(path, ns=(1, 1))
    after = epoch_of(stream)
    assert {index for index in before if before[index] != after[index]} == {4}
    assert set(after[4][1]) <= {5, 9}


@pytest.mark.parametrize("form", ["flat", "one channel"])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint16", "bool", "int16"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_arrays(form: str, dtype: str, layout: str) -> None:
    images = RANDOM.integers(0, 256, (11, 30, 40, 3), dtype=np.uint8)
    masks = RANDOM.integers(0, 2 if dtype == "bool" else 100, (11, 30, 40)).astype(dtype)
    policy = Policy([vary.Rotate(40), vary.RandomCrop(20, 16)], fill=0, mask_fill=1)
    stream = vary.stream(
        Pairs(images, masks if form == "flat" else masks[..., None]), policy, batch_size=4, seed=2, layout=layout
    )
    shape = (20, 16) if form == "flat" else (1, 20, 16) if layout == "NCHW" else (20, 16, 1)
    assert stream.element_spec.masks.shape == (None, *shape)
    assert stream.element_spec.masks.dtype == masks.dtype
    for index, image, mask in rows(stream):
        one = policy(image=images[index], mask=masks[index], seed=2, index=index, layout=layout)
        assert np.array_equal(one.image, image)
        assert mask.shape == shape
        assert mask.dtype == masks.dtype
        assert np.array_equal(one.mask, mask.reshape(20, 16))


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("which", ["image", "mask", "no mask", "size"])
def test_broken_files_are_skipped_or_replaced(pair: tuple[Path, Path], which: str, process: bool) -> None:
    pairs = Pairs(*pair)
    names = {2: pairs.path(2) or "", 7: pairs.path(7) or ""} if which in ("image", "size") else {}
    names = names or {n: pairs.masks.path(n) for n in (2, 7)}
    for name in names.values():
        if which == "size":
            index = pairs.paths.index(name)
            save(indexed(classes(5, 5)), Path(pairs.masks.path(index)))
        elif which == "no mask":
            Path(name).unlink()
        else:
            Path(name).write_bytes(b"broken")
    options: dict[str, Any] = {"batch_size": 4, "seed": 5, "process": process}
    with pytest.raises(VaryError, match=re.escape(str(pair[0].parent))) as error:
        epoch_of(vary.stream(pairs, POLICY, **options))
    assert any(name in str(error.value) for name in names.values())
    stream = vary.stream(pairs, POLICY, on_error="skip", **options)
    made = epoch_of(stream)
    assert made.keys() == set(range(COUNT)) - {2, 7}
    skipped = stream.report().skipped
    if which == "no mask":  # named by the reason: the sample is that of the image
        assert all(any(name in one.reason for one in skipped) for name in names.values())
    else:
        assert {one.path for one in skipped} == {*names.values()}
    for index, (_, mask) in made.items():
        assert mask == alone(pairs, index, seed=5).mask.tobytes()
    replaced = list(vary.stream(pairs, POLICY, on_error="replace", **options))
    assert sum(len(batch.masks) for batch in replaced) == COUNT
    for batch in replaced:
        for index, view, mask in zip(batch.indices.tolist(), batch.views.tolist(), batch.masks, strict=True):
            assert np.array_equal(mask, alone(pairs, index, seed=5, view=view).mask)


def test_resuming_in_the_middle(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    options: dict[str, Any] = {"batch_size": 4, "seed": 5}
    whole = [batch.masks.copy() for batch in vary.stream(pairs, POLICY, **options)]
    stream = vary.stream(pairs, POLICY, **options)
    iterator = iter(stream)
    next(iterator)
    state = stream.state_dict()
    other = vary.stream(Pairs(*pair), POLICY, **options)
    other.load_state_dict(state)
    rest = [batch.masks.copy() for batch in other]
    assert len(rest) == len(whole) - 1
    assert all(map(np.array_equal, rest, whole[1:]))
    vary.testing.check_resume(lambda: vary.stream(Pairs(*pair), POLICY, **options))
    with pytest.raises(InputError, match="other fields or classes of the source"):
        vary.stream(pairs.images, POLICY, **options).load_state_dict(state)


def test_shards_repeats_weights_and_mixes(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    seen: list[int] = []
    for rank in range(2):
        for index, _, mask in rows(vary.stream(pairs, POLICY, batch_size=2, seed=5, shard=(rank, 2))):
            assert np.array_equal(mask, alone(pairs, index, seed=5).mask)
            seen.append(index)
    assert sorted(seen) == list(range(COUNT))
    for keywords in ({"repeat": 3}, {"weights": [1 + n % 3 for n in range(COUNT)]}, {"shuffle_block_size": 4}):
        for batch in vary.stream(pairs, POLICY, batch_size=4, seed=5, **keywords):
            for index, view, mask in zip(batch.indices.tolist(), batch.views.tolist(), batch.masks, strict=True):
                assert np.array_equal(mask, alone(pairs, index, seed=5, view=view).mask)
    arrays = Pairs(np.zeros((6, 30, 40, 3), np.uint8), np.full((6, 30, 40), 8, np.uint8))
    for process in (False, True):
        mixed = vary.mix(
            [vary.stream(one, POLICY, batch_size=6, seed=5, process=process) for one in (pairs, arrays)], ratios=[2, 1]
        )
        for batch in mixed:
            for number, index, mask in zip(batch.streams, batch.indices.tolist(), batch.masks, strict=True):
                if number:
                    assert set(np.unique(mask)) <= {8, 9}
                else:
                    assert np.array_equal(mask, alone(pairs, index, seed=5).mask)
        assert mixed.element_spec.masks.shape == (None, 24, 20)
    deep = Pairs(arrays.images, np.full((6, 30, 40), 8, np.uint16))
    with pytest.raises(InputError, match="masks of dtype and form"):
        next(iter(vary.mix([vary.stream(one, POLICY, batch_size=6) for one in (pairs, deep)])))
    with pytest.raises(InputError, match="fields"):
        vary.mix([vary.stream(one, POLICY, batch_size=6) for one in (pairs, arrays.images)])


def test_several_views(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    batch = next(iter(vary.stream(pairs, POLICY, batch_size=4, seed=5, views=2)))
    assert batch.images.shape == (4, 2, 24, 20, 3)
    assert batch.masks.shape == (4, 2, 24, 20)
    for index, masks in zip(batch.indices.tolist(), batch.masks, strict=True):
        for view, mask in enumerate(masks):
            assert np.array_equal(mask, alone(pairs, index, seed=5, view=view).mask)
    small = Policy([vary.Resize(8, 9)])
    stream = vary.stream(pairs, {"large": (POLICY, 2), "small": small}, batch_size=4, seed=5)
    assert stream.fields == ("large", "small", "large_masks", "small_masks")
    for batch in stream:
        assert batch.small_masks.shape[1:] == (8, 9) == stream.element_spec.small_masks.shape[1:]
        assert batch.large_masks.shape[1:] == (2, 24, 20) == stream.element_spec.large_masks.shape[1:]
        for index, masks, mask in zip(batch.indices.tolist(), batch.large_masks, batch.small_masks, strict=True):
            assert np.array_equal(masks[1], alone(pairs, index, seed=5, view=1).mask)
            numbers = vary.read_mask(pairs.masks.path(index))
            image = np.zeros((*numbers.shape, 3), np.uint8)
            assert np.array_equal(mask, small(image=image, mask=numbers, seed=5, index=index, view=2).mask)
    for names in ({"a": small, "a_masks": small}, {"masks": small}):
        with pytest.raises(InputError, match="policy names views"):
            vary.stream(pairs, names)


def test_threads_may_share_an_iterator(pair: tuple[Path, Path]) -> None:
    pairs, found = Pairs(*pair), dict[int, bytes]()
    stream = vary.stream(pairs, POLICY, batch_size=2, seed=5, repeat=4)
    iterator = iter(stream)

    def consume() -> None:
        for batch in iterator:
            for index, view, mask in zip(batch.indices.tolist(), batch.views.tolist(), batch.masks, strict=True):
                found[index, view] = mask.tobytes()  # type: ignore[index]

    threads = [threading.Thread(target=consume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == COUNT * 4
    for (index, view), mask in found.items():  # type: ignore[misc]
        assert mask == alone(pairs, index, seed=5, view=view).mask.tobytes()


def test_of_a_large_batch_only_some_masks_are_decoded_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Masks divide a batch into slices; JPEGs alone, which are decoded in the core's buffers, do not."""
    monkeypatch.setattr("vary.streams.batches.render.PER_THREAD", 2)
    monkeypatch.setattr("vary.streams.batches.render.BYTES", 1)
    opened, real = list[int](), MaskInputs.open

    def counted(self: MaskInputs, places: range) -> Any:
        opened.append(len(places))
        return real(self, places)

    monkeypatch.setattr(MaskInputs, "open", counted)
    for number in range(11):
        save(photo(60, 80, number), tmp_path / f"images/{number:02}.jpg")
        save(indexed(classes(60, 80, number)), tmp_path / f"masks/{number:02}.png")
    save(photo(6, 8), tmp_path / "images/04.jpg")
    pairs = Pairs(tmp_path / "images", tmp_path / "masks")
    for policy in (POLICY, Policy([vary.Lambda(np.copy), *POLICY.transforms], fill=0, mask_fill=9)):
        stream = vary.stream(
            pairs, policy, batch_size=11, seed=5, cache=None, threads=1, on_error="skip", full_decode=True
        )
        made = list(rows(stream))
        assert len(made) == 10
        for index, image, mask in made:
            one = policy(
                image=vary.read_image(pairs.path(index) or ""),
                mask=vary.read_mask(pairs.masks.path(index)),
                seed=5,
                index=index,
            )
            assert np.array_equal(one.image, image)
            assert np.array_equal(one.mask, mask)
    assert max(opened) == 2


def test_a_fill_that_masks_cannot_hold() -> None:
    pairs = Pairs(np.zeros((6, 30, 40, 3), np.uint8), np.zeros((6, 30, 40), np.uint8))
    with pytest.raises(PolicyError, match=r"Policy\(mask_fill=256\): masks of uint8 hold 0 .. 255"):
        next(iter(vary.stream(pairs, Policy([vary.Rotate(40)], fill=0, mask_fill=256))))


def test_a_function_that_changes_the_size() -> None:
    pairs = Pairs(np.zeros((6, 30, 40, 3), np.uint8), np.zeros((6, 30, 40), np.uint8))
    with pytest.raises(PolicyError, match="changed the size of a picture, so masks do not fit any more"):
        next(iter(vary.stream(pairs, Policy([vary.Lambda(lambda image: image[::2])]))))


def test_they_are_shown(pair: tuple[Path, Path], tmp_path: Path) -> None:
    pairs = Pairs(*pair)
    stream = vary.stream(pairs, POLICY, batch_size=4, seed=5, layout="NCHW")
    assert "masks: (4, 24, 20) uint8 in 0 .. " in repr(stream.peek())
    assert "each number is shown as a grey of its own" in stream._repr_html_()
    stream.preview().save(tmp_path / "sheet.png")
    both = np.asarray(Image.open(tmp_path / "sheet.png"))
    vary.stream(pairs.images, POLICY, batch_size=4, seed=5).preview().save(tmp_path / "sheet.png")
    assert both.shape != np.asarray(Image.open(tmp_path / "sheet.png")).shape
    shown = POLICY.preview(pairs, n=2, rows=2)
    assert [title[0] for title in shown.sheet.titles] == ["", ""]
    wide = vary.stream(Pairs(np.zeros((2, 9, 9, 3), np.uint8), np.zeros((2, 9, 9, 1), int)), Policy([]), views=2)
    assert len(wide.preview().sheet.cells[0]) == 4


def test_real_pictures_and_their_masks(pictures_root: Path) -> None:
    root = pictures_root / "pets_seg"
    pairs = Pairs(root / "images", root / "masks")
    policy = Policy([vary.RandomResizedCrop(64, 64), vary.HorizontalFlip(), vary.ColorJitter(0.2, 0.2)])
    stream = vary.stream(pairs, policy, batch_size=8, seed=5)
    for index, image, mask in rows(stream):
        numbers = vary.read_mask(pairs.masks.path(index))
        assert image.shape == (64, 64, 3)
        assert set(np.unique(mask)) <= set(np.unique(numbers))
        one = policy(image=vary.read_image(pairs.path(index) or ""), mask=numbers, seed=5, index=index)
        assert np.array_equal(mask, one.mask)


def test_keras_gets_masks_as_targets(pair: tuple[Path, Path]) -> None:
    """`model.fit(stream)` asks for batches by number, from within keras."""
    for policy, kinds in (
        (POLICY, (np.ndarray, np.ndarray)),
        ({"large": POLICY, "small": Policy([vary.Resize(8, 9)])}, (dict, dict)),
    ):
        stream = vary.stream(Pairs(*pair), policy, batch_size=4, seed=5)
        inside = {"__name__": "keras.trainer", "stream": stream}
        exec("x, y = stream[0]", inside)
        assert (type(inside["x"]), type(inside["y"])) == kinds
        if isinstance(inside["y"], dict):
            assert [*inside["x"], *inside["y"]] == [*stream.fields]
        else:
            assert np.array_equal(inside["y"], stream.peek().masks)
