"""Streams that do not match are refused at once, with the option, the values and the cure; so is another mix' state."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError
from vary.policy import Policy
from vary.sources import Arrays, Folder, Item
from vary.streams import Mixed, Stream, mix, stream
from vary.transforms import HorizontalFlip, Rescale, Resize

IMAGES = np.zeros((7, 6, 6, 3), np.uint8)
LABELS = np.arange(7)


def one(images: Any = IMAGES, policy: Any = None, labels: Any = LABELS, **options: Any) -> Stream:
    return stream(images, policy or Policy([Resize(4, 4)]), labels=labels, **options)


@pytest.mark.parametrize(
    ("streams", "says"),
    [
        ([], r"streams=\[\]; give a list of what vary.stream\(...\) returned, at least one"),
        (one(), r"streams=Stream\(.*; give a list"),
        ({"a": one()}, r"streams=\{.*; give a list"),
        ([one(), IMAGES], r"streams\[1\] is a ndarray; give what vary.stream\(...\) returned"),
        ([one(), mix([one()])], r"streams\[1\] is a mix itself; give its streams, each with its ratio"),
    ],
)
def test_streams_are_a_list_of_streams(streams: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        mix(streams)


@pytest.mark.parametrize("ratios", [[1], [1, 2, 3], 3, "12", {"a": 1, "b": 2}, []])
def test_as_many_ratios_as_streams(ratios: Any) -> None:
    with pytest.raises(InputError, match=r"ratios=.*; give a list of 2 numbers, one for each stream"):
        mix([one(), one()], ratios)


def test_a_ratio_is_a_number() -> None:
    with pytest.raises(InputError, match=r"ratios\[1\]=0; give numbers above 0, and leave out streams"):
        mix([one(), one()], [1, 0])


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (
            {"batch_size": 8},
            r"streams\[1\] has batch_size=8, streams\[0\] has batch_size=32; give all streams .* batch_size=",
        ),
        (
            {"shard": (0, 2)},
            r"has shard=\(0, 2\), streams\[0\] has shard=None; give all .* the same shard=",
        ),
        ({"uneven": "drop"}, r"has uneven='drop', streams\[0\] has uneven='pad'; give"),
        ({"threads": 1}, r"has threads=1, streams\[0\] has threads=None; give"),
        ({"process": True}, r"has process=True, streams\[0\] has process=False; give"),
        ({"prefetch": 3}, r"has prefetch=3, streams\[0\] has prefetch=2; give"),
        ({"layout": "NCHW"}, r"has layout='NCHW', streams\[0\] has layout='NHWC'; give"),
        (
            {"labels": None},
            r"has fields=\('images',\), streams\[0\] has fields=\('images', 'labels'\); give all the same labels=",
        ),
        ({"views": 2}, r"has images with views=2, streams\[0\] has images with views=None; give all as many views"),
        (
            {"policy": Policy([Resize(4, 4), Rescale(1 / 255)])},
            r"has images of dtype='float32', streams\[0\] has .*'uint8'; give",
        ),
        (
            {"dtype": "float32"},
            r"has images of dtype='float32', streams\[0\] has images of dtype='uint8'; give all the same dtype=",
        ),
        ({"images": IMAGES[..., :1]}, r"has images with channels=1, streams\[0\] has images with channels=3; give"),
        (
            {"policy": Policy([Resize(4, 5)])},
            r"has images of size=\(4, 5\), streams\[0\] has images of size=\(4, 4\); put the same",
        ),
        (
            {"labels": LABELS / 2},
            r"has labels of dtype and shape=\('float32', \(\)\), streams\[0\] has .*; give labels= of one",
        ),
        ({"labels": np.zeros((7, 2))}, r"has labels of dtype and shape=\('float32', \(2,\)\)"),
    ],
    ids=str,
)
def test_what_must_be_the_same_in_all(other: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        mix([one(), one(**other)])


def test_max_errors_must_be_the_same_unless_errors_are_raised() -> None:
    going = [one(on_error="replace", max_errors=3), one(), one(on_error="skip", max_errors=3)]
    assert mix(going).options.max_errors == 3
    says = r"streams\[3\] has max_errors=4, streams\[0\] has max_errors=3; it is counted over all streams"
    with pytest.raises(InputError, match=says):
        mix([*going, one(on_error="skip", max_errors=4)])


def test_ids_mean_the_same(folder: Path) -> None:
    streams = [one(), one(Folder(folder, classes=["dog", "cat"]), labels=None), one(folder, labels=None)]
    says = r"streams\[2\] has classes=\['cat', 'dog'\], streams\[1\] has classes=\['dog', 'cat'\]; ids would .*Folder\("
    with pytest.raises(InputError, match=says):
        mix(streams)
    assert mix(streams[:2]).classes == ["dog", "cat"]


@pytest.mark.parametrize("name", ["streams", "epochs"])
def test_names_of_views_may_not_be_attributes_of_batches(name: str) -> None:
    with pytest.raises(InputError, match=f"policy names views '{name}'; give a name"):
        one(policy={name: Policy([])})


def test_too_many_samples() -> None:
    class Vast(Arrays):
        def __len__(self) -> int:
            return 1 << 60

        def __getitem__(self, index: int) -> Item:
            return super().__getitem__(index % 7)

    streams = [one(Vast(IMAGES), labels=None)] * 2
    with pytest.raises(InputError, match="2305843009213693952 samples together; the limit is 2305843009213693951"):
        mix(streams)
    assert len(next(iter(mix(streams[:1]))).indices) == 32


STATES: list[tuple[Any, str]] = [
    (lambda: mix([one(seed=1), one(seed=3)]), r"another source, policy or keyword of streams\[1\] than this mix has"),
    (lambda: mix([one(policy=Policy([HorizontalFlip(), Resize(4, 4)])), one(seed=2)]), r"of streams\[0\] than"),
    (lambda: mix([one(seed=1)]), "other streams, or others of their sources, policies or keywords than this"),
    (lambda: mix([one(seed=1), one(seed=2)], [2, 1]), "ratios='2:1', this stream has ratios='1:1'"),
]


@pytest.mark.parametrize(("make", "says"), STATES)
def test_a_state_of_another_mix(make: Any, says: str) -> None:
    train = mix([one(seed=1), one(seed=2)])
    with pytest.raises(InputError, match=f"^the state was saved with .*{says}.*; make the stream as it was"):
        train.load_state_dict(make().state_dict())
    other = mix([one(seed=1, threads=1, batch_size=3), one(seed=2, threads=1, batch_size=3)], [0.5, 0.5])
    train.load_state_dict(other.state_dict())


def test_a_state_of_a_stream() -> None:
    with pytest.raises(InputError, match="state_dict has no 'streams', it is one of a single stream"):
        mix([one()]).load_state_dict(one().state_dict())
    with pytest.raises(InputError, match="state_dict has no 'samples', it is one of a mix"):
        one().load_state_dict(mix([one()]).state_dict())


@pytest.mark.parametrize("count", [1, 33, 34, 300])
def test_a_state_is_small(count: int) -> None:
    def make(seed: int = 0) -> Mixed:
        return mix([one(seed=seed), *(one(seed=k) for k in range(1, count))], [1000 + 7 * k for k in range(count)])

    state = make().state_dict()
    assert len(json.dumps(state)) < 1024
    make().load_state_dict(state)
    with pytest.raises(InputError, match=r"streams\[0\]" if count < 34 else "other streams"):
        make(5).load_state_dict(state)
