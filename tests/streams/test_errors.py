"""Broken and vanished files, and functions that fail: an error that names them, or a skipped sample."""

import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.codecs.decode import prepare, read_image
from vary.errors import DecodeError, SourceError
from vary.plan.request import Address, Request
from vary.policy import Policy
from vary.sources import Arrays, Folder, Item
from vary.streams import mix, stream
from vary.transforms import Lambda


@pytest.fixture
def broken(folder: Path) -> Path:
    """Of 22 pictures, one JPEG cut short, one that is none behind its first bytes, one cut PNG, one empty, one gone."""
    jpeg, png = folder / "cat" / "03.jpg", folder / "dog" / "02.png"
    jpeg.write_bytes(jpeg.read_bytes()[:-200])
    (folder / "cat" / "09.jpg").write_bytes(b"\xff\xd8\xff\xe0 and nothing else")
    png.write_bytes(png.read_bytes()[:100])
    (folder / "dog" / "04.png").write_bytes(b"")
    return folder


BROKEN = ["cat/03.jpg", "cat/09.jpg", "dog/02.png", "dog/04.png"]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_an_error_with_its_path(broken: Path, policy: Policy, name: str, threads: int) -> None:
    for other in BROKEN:
        if other != name:
            (broken / other).unlink()
    train = stream(broken, policy, shuffle=False, batch_size=6, threads=threads)
    place = [train.source.path(index) for index in range(19)].index(str(broken / name))
    batches = iter(train)
    for _ in range(place // 6):
        next(batches)
    with pytest.raises(DecodeError, match=name) as caught:
        next(batches)
    assert caught.value.path == str(broken / name)
    assert caught.value.reason
    assert next(batches, None) is None, "an error ends the epoch"
    assert train.epoch == 1
    train.set_epoch(0)
    with pytest.raises(DecodeError, match=name):
        list(train)


@pytest.mark.parametrize("threads", [1, 3])
def test_broken_files_are_skipped_counted_and_listed(broken: Path, policy: Policy, threads: int) -> None:
    train = stream(broken, policy, on_error="skip", batch_size=6, seed=1, threads=threads)
    (broken / "dog" / "16.png").unlink()
    sound = Folder(broken)
    batches = list(train)
    paths = [path for batch in batches for path in batch.paths or ()]
    assert sorted(paths) == sorted(set(map(sound.path, range(21))) - {str(broken / name) for name in BROKEN})
    for batch in batches:
        images, labels = batch
        assert len(images) == len(labels) == len(batch.indices) == len(batch.paths or ())
        for image, label, index in zip(images, labels, batch.indices.tolist(), strict=True):
            picture = prepare(train.source[index].image)  # type: ignore[arg-type]
            request = Request(([picture],), Address(1, 0, 0, np.array([index])))
            (alone,) = policy.runner(3, "uint8").batch(request).arrays
            assert np.array_equal(image, alone[0]), index
            assert train.source.label_batch([index])[0] == [label]
    skipped = train.report().skipped
    assert sorted(path for path, _ in skipped) == sorted(str(broken / name) for name in [*BROKEN, "dog/16.png"])
    reasons = {Path(path).name: reason for path, reason in skipped}
    assert all(reasons.values())
    assert "cat/03" not in reasons["03.jpg"], "the path is not told twice"
    assert "No such file" in reasons["16.png"]
    assert train.report().images == 17


def test_a_batch_that_loses_all_is_left_out(broken: Path, policy: Policy) -> None:
    train = stream(broken, policy, on_error="skip", batch_size=1)
    batches = list(train)
    assert len(batches) == 18
    assert all(len(batch.indices) == 1 for batch in batches)
    assert (train.report().batches, len(train.report().skipped)) == (18, 4)
    for name in Path(broken / "cat").iterdir():
        name.write_bytes(b"\xff\xd8\xff")
    for name in Path(broken / "dog").iterdir():
        name.write_bytes(b"nothing")
    train = stream(broken, policy, on_error="skip", batch_size=3)
    for _ in range(2):
        with pytest.raises(SourceError, match=r"no picture came through: 22 are broken; the first: .*/data/"):
            list(train)
    assert len(train.report().skipped) == 22
    train.load_state_dict(train.state_dict() | {"epoch": 0, "position": 20})
    assert list(train) == [], "of the rest of an epoch that may well be"


def test_allow_truncated_reads_the_intact_part(broken: Path, policy: Policy) -> None:
    cut = broken / "cat" / "11.png"
    cut.write_bytes(cut.read_bytes()[:-300])
    for allow_truncated, lost in ((False, {"03.jpg", "11.png"}), (True, set())):
        train = stream(broken, policy, on_error="skip", allow_truncated=allow_truncated)
        list(train)
        assert {Path(path).name for path, _ in train.report().skipped} == {"02.png", "04.png", "09.jpg"} | lost


def test_a_file_over_the_limit_is_refused(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, on_error="skip", max_pixels=3000)
    list(train)
    assert 0 < len(train.report().skipped) < 22
    assert all("limit of 3000" in reason for _, reason in train.report().skipped)
    with pytest.raises(DecodeError, match=r"limit of 100; .*max_pixels="):
        list(stream(folder, policy, max_pixels=100))


def test_a_vanished_file_is_an_error_with_its_path(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, shuffle=False)
    (folder / "cat" / "05.png").unlink()
    with pytest.raises(SourceError, match=r"cat/05\.png: was there when the folder was listed"):
        list(train)
    source = Folder(folder)
    (folder / "cat" / "01.png").unlink()
    assert len(next(iter(stream(source, policy, on_error="skip")))[0]) == 20
    with pytest.raises(SourceError, match=r"cat/01\.png"):
        list(stream(source, policy))


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_an_error_of_a_function_is_raised_with_its_batch(numbered: np.ndarray, on_error: Any) -> None:
    def fails(image: np.ndarray) -> np.ndarray:
        if image[0, 0, 0] == 5:
            raise ValueError("not five")
        return image

    batches = iter(stream(numbered, Policy([Lambda(fails)]), shuffle=False, batch_size=2, on_error=on_error))
    assert [int(next(batches).indices[0]) for _ in range(2)] == [0, 2]
    with pytest.raises(ValueError, match="not five") as caught:
        next(batches)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "fails"
    assert "make" in names
    assert next(batches, None) is None


@pytest.mark.parametrize("name", [*BROKEN, "dog/16.png"])
def test_an_error_that_ends_the_epoch_names_the_cure(broken: Path, policy: Policy, name: str) -> None:
    source = Folder(broken)
    source.paths = (name,)
    (broken / "dog" / "16.png").unlink()
    with pytest.raises((DecodeError, SourceError)) as caught:
        list(stream(source, policy))
    assert str(caught.value).count(name) == 1
    assert 'on_error="skip" goes on without' in str(caught.value)
    assert ("allow_truncated=True reads the part that can be decoded" in str(caught.value)) == (
        name == "cat/03.jpg"
    )  # 02.png has no row
    with pytest.raises((DecodeError, SourceError)) as caught:
        read_image(broken / name)
    assert "on_error" not in str(caught.value)
    train = stream(source, policy, on_error="skip")
    with pytest.raises(SourceError, match="no picture came through: 1 are broken"):
        list(train)
    assert "skipped: 1" in str(train.report())
    assert "on_error" not in str(train.report())


class Stops(Arrays):
    """A user's bug: `next` of an iterator that is at its end, in one of the methods."""

    method = "item"

    def item(self, index: int) -> Item:
        return self._or_stop("item", index, super().item(index))

    def label_batch(self, indices: Any) -> Any:
        return self._or_stop("label_batch", 20 if 20 in np.asarray(indices) else 0, super().label_batch(indices))

    def path(self, index: int) -> Any:
        return self._or_stop("path", index, f"/data/{index}.png")

    def _or_stop(self, method: str, index: int, value: Any) -> Any:
        return next(iter(())) if method == self.method and index == 20 else value


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("method", ["item", "label_batch", "path"])
def test_a_stop_iteration_of_a_source_is_an_error(method: str, process: bool) -> None:
    source = Stops(np.zeros((40, 4, 4, 3), np.uint8), np.arange(40))
    source.method = method
    with stream(source, Policy([]), batch_size=4, shuffle=False, process=process) as train:
        with pytest.raises(RuntimeError, match="StopIteration"):
            [batch.paths for batch in train]
        train.load_state_dict(train.state_dict() | {"epoch": 0, "position": 20})
        with pytest.raises(RuntimeError, match="StopIteration"):
            _ = train.peek().paths
        with pytest.raises(RuntimeError, match="StopIteration"):
            _ = train.replay(20).paths


@pytest.mark.parametrize("options", [{}, {"prefetch": 0}, {"views": 2}, {"on_error": "skip"}])
def test_a_stop_iteration_of_a_function_is_an_error(numbered: np.ndarray, options: dict[str, Any]) -> None:
    def stops(image: np.ndarray) -> np.ndarray:
        return next(iter(())) if image[0, 0, 0] == 5 else image  # type: ignore[no-any-return]

    train = stream(numbered, Policy([Lambda(stops)]), batch_size=2, shuffle=False, **options)
    batches = iter(train)
    assert [int(next(batches).indices[0]) for _ in range(2)] == [0, 2]
    with pytest.raises(RuntimeError, match="StopIteration"):
        next(batches)
    both = mix([train, stream(numbered, Policy([]), batch_size=2, **options)])
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(both)
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(stream(numbered, Policy([Lambda(stops)])).batches(2))
