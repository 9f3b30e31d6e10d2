"""Several pictures of each sample, decoded once."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from vary.codecs.decode import read_image
from vary.errors import DecodeError, InputError, PolicyError, SourceError
from vary.plan.runner import Runner
from vary.policy import Policy
from vary.sources import Arrays, Folder
from vary.streams import average_views, stream
from vary.streams.cache import blocks
from vary.transforms import HorizontalFlip, Lambda, RandomCrop, Resize, Rotate, Transpose

SMALL = Policy([Rotate(90), RandomCrop(6, 5)])


def test_views_have_an_axis_of_their_own(images: np.ndarray, policy: Policy) -> None:
    train = stream((images, np.arange(23)), policy, views=3, batch_size=7, seed=4, repeat=2)
    for found in train:
        assert found.images.shape == (len(found.indices), 3, 24, 20, 3)
        assert np.array_equal(found.labels, found.indices)
        assert set(found.views.tolist()) <= {0, 3}
        for several, index, view in zip(found.images, found.indices.tolist(), found.views.tolist(), strict=True):
            for number, picture in enumerate(several):
                assert np.array_equal(picture, policy(images[index], seed=4, index=index, view=view + number))
    planar = next(iter(stream(images, policy, views=2, batch_size=7, layout="NCHW", dtype="float32")))
    assert (planar[0].shape, planar[0].dtype.name) == ((7, 2, 3, 24, 20), "float32")
    one, alone = (next(iter(stream(images, policy, **options))) for options in ({"views": 1}, {}))
    assert np.array_equal(one[0], alone[0][:, None])


def test_policies_by_name(images: np.ndarray, policy: Policy) -> None:
    policies = {"global": (policy, 2), "one": policy, "local": (SMALL, 3)}
    train = stream((images, np.arange(23)), policies, batch_size=5, seed=1, shuffle=False, repeat=2)
    assert train.fields == ("global", "one", "local", "labels")
    found = list(train)[1]
    assert found.fields == train.fields
    assert [array.shape[:-3] for array in found] == [(5, 2), (5,), (5, 3), ()]
    assert found.local.shape == (5, 3, 6, 5, 3)
    for place, (index, repeat) in enumerate(divmod(slot, 2) for slot in range(5, 10)):
        assert (found.indices[place], found.views[place], found.labels[place]) == (index, 6 * repeat, index)
        views = [policy(images[index], seed=1, index=index, view=6 * repeat + number) for number in range(3)]
        assert np.array_equal(getattr(found, "global")[place], views[:2])
        assert np.array_equal(found.one[place], views[2])
        local = [SMALL(images[index], seed=1, index=index, view=6 * repeat + 3 + number) for number in range(3)]
        assert np.array_equal(found.local[place], local)


@pytest.mark.parametrize("cache", [None, "memory"])
@pytest.mark.parametrize("several", [False, True])
def test_files_are_decoded_once(
    folder: Path, policy: Policy, monkeypatch: pytest.MonkeyPatch, several: bool, cache: Literal["memory"] | None
) -> None:
    decoded: list[int] = []
    run, keep = Runner.batch, blocks.keep

    def watched_run(*given: Any) -> Any:
        done = run(*given)
        decoded.append(done.counts.decodes)
        return done

    def watched_keep(files: list[Any], *rest: Any) -> Any:
        decoded.append(sum(isinstance(file, bytes) for file in files))
        return keep(files, *rest)

    monkeypatch.setattr(Runner, "batch", watched_run)
    monkeypatch.setattr(blocks, "keep", watched_keep)
    specs: Any = {"images": (policy, 4), "small": SMALL} if several else policy
    options: Any = {"batch_size": 6, "seed": 2, "full_decode": True, "cache": cache, "prefetch": 0}
    train = stream(folder, specs, views=None if several else 4, **options)
    for epoch in range(2):
        for one in train:
            for place, (path, index) in enumerate(zip(one.paths or [], one.indices.tolist(), strict=True)):
                views = [policy(read_image(path), seed=2, epoch=epoch, index=index, view=view) for view in range(4)]
                assert np.array_equal(one.images[place], views)
    jpegs = sum(path.suffix == ".jpg" for path in folder.rglob("*"))
    assert sum(decoded) == jpegs * (1 if cache else 2)
    assert train.report().cache_hits == (22 if cache else 0)


@pytest.mark.parametrize("options", [{"views": 2}, {"repeat": 3}, {"views": 2, "repeat": 3}])
def test_a_broken_file_is_left_out_of_all_views(folder: Path, policy: Policy, options: dict[str, Any]) -> None:
    broken = [folder / "cat" / "03.jpg", folder / "cat" / "09.jpg", folder / "dog" / "02.png"]
    for path in broken:
        path.write_bytes(path.read_bytes()[:-200])
    train = stream(folder, policy, on_error="skip", batch_size=4, **options)
    found = list(train)
    times = options.get("repeat", 1)
    assert sum(len(one.indices) for one in found) == 19 * times
    assert all(len({len(one.indices), len(one.views), *map(len, one)}) == 1 for one in found)
    assert sorted(path for path, _ in train.report().skipped) == sorted(map(str, broken))
    with pytest.raises(DecodeError) as caught:
        list(stream(folder, policy, shuffle=False, **options))
    assert caught.value.path == str(broken[0])
    assert str(caught.value).count("03.jpg") == 1
    assert "on_error" in str(caught.value)


def test_a_sample_whose_views_all_fail_is_left_out(folder: Path, policy: Policy) -> None:
    source = Folder(folder)
    source.paths = ("dog/00.jpg",)
    (folder / "dog" / "00.jpg").write_bytes(b"\xff\xd8\xff and nothing else")
    for train in (
        stream(source, Policy([]), on_error="skip", repeat=3),
        stream(source, policy, on_error="skip", views=3),
    ):
        with pytest.raises(SourceError, match="no picture came through"):
            list(train)


def test_a_view_of_which_all_fail_has_no_size(folder: Path) -> None:
    """Of the first three slots, the second repetition is of the broken file alone."""
    (folder / "dog" / "00.jpg").write_bytes(b"\xff\xd8\xff and nothing else")
    source = Folder(folder, classes=["dog"])
    source.paths = ("dog/00.jpg", "dog/02.png")
    train = stream(source, Policy([]), on_error="skip", repeat=2, shuffle=False, batch_size=3)
    assert [(batch.indices.tolist(), batch.views.tolist()) for batch in train] == [([1], [0]), ([1], [1])]


def test_the_error_for_different_sizes_names_the_cure(images: np.ndarray) -> None:
    wide = images[:, :, :5]
    for options in ({"views": 6}, {"repeat": 6}):
        with pytest.raises(InputError, match=r"must come out in one size.*put Resize\(height, width\) into the policy"):
            list(stream(wide[:1], Policy([Transpose()]), **options))
    list(stream(wide[:1], Policy([Transpose(), Resize(4, 4)]), views=6))


def test_functions_see_each_view(images: np.ndarray) -> None:
    def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        image += rng.integers(0, 9, image.shape, np.uint8)
        return image

    before = images.copy()
    policy = Policy([HorizontalFlip(), Lambda(noisy)])
    (found,) = stream(images, policy, views=2, shuffle=False)
    for view in range(2):
        assert np.array_equal(found[0][:, view], policy.batch(images, seed=0, view=view))
    assert np.array_equal(images, before)


def test_memory_and_work_are_those_of_all_views(images: np.ndarray, policy: Policy) -> None:
    train = stream(list(images), policy, views=3, batch_size=5, prefetch=1)
    list(train)
    assert train.report().bytes_in_flight == 5 * (2 * 3 * 24 * 20 * 3 + 9 * 8 * 3)
    assert train.report().images == 23


@pytest.mark.parametrize(
    ("policy", "views", "error", "says"),
    [
        ({}, None, PolicyError, r'policy={} names no views; give {"global": \(policy, 2\)'),
        ({"a": 3}, None, PolicyError, r"policy\['a'\]=3 is a int, not a Policy"),
        ({"a": (3, 3)}, None, PolicyError, r"policy\['a'\]=3 is a int, not a Policy"),
        ({"a": (SMALL, 0)}, None, InputError, r"policy\['a'\]=.*; give \(policy, views\), with at least one view"),
        ({"a": (SMALL, True)}, None, InputError, r"give \(policy, views\)"),
        ({"a": (SMALL,)}, None, InputError, r"give \(policy, views\)"),
        (
            {"labels": SMALL},
            None,
            InputError,
            r"names views 'labels'; give a name like those of variables, other than labels, indices",
        ),
        ({1: SMALL}, None, InputError, "names views 1; give a name"),
        ({"a": SMALL}, 2, InputError, r"views=2 goes with one policy; of several, each has its number: \(policy, 2\)"),
        (SMALL, 0, InputError, "views=0; give a whole number of at least 1, or None"),
    ],
)
def test_invalid_views(images: np.ndarray, policy: Any, views: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        stream(Arrays(images, np.arange(23)), policy, views=views)


def test_predictions_are_averaged_over_views(images: np.ndarray, policy: Policy) -> None:
    test = stream(images, policy, views=5, frozen=True, shuffle=False, batch_size=23)
    (first,), (second,) = test, test
    assert np.array_equal(first.images, second.images), "frozen: the same views in every epoch"
    predictions = first.images.reshape(-1, *first.images.shape[2:]).mean(axis=(1, 2))
    averaged = average_views(predictions, 5)
    assert np.allclose(averaged, first.images.mean(axis=(1, 2, 3)))
    assert average_views([1, 2, 3, 5], 2).tolist() == [1.5, 4]
    for wrong in (4, 0):
        with pytest.raises(InputError, match=r"predictions has shape \(115, 3\) and views=\d; give views rows"):
            average_views(predictions, wrong)
