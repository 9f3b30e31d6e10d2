"""`one_hot=True`: class ids of every source become rows of 0 and 1."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary.display.fields import label_words
from vary.errors import InputError
from vary.sources import Item, Source

IMAGES = np.zeros((6, 4, 4, 3), np.uint8)
IDS = [0, 2, 1, 2, 0, 2]


class Own(Source):
    fields = ("images", "labels")

    def __len__(self) -> int:
        return 6

    def item(self, index: int) -> Item:
        return Item(IMAGES[index], (IDS[index],))


class Named(Own):
    classes = ["a", "b", "c"]  # noqa: RUF012


def stream(source: Any, **options: Any) -> vary.Stream:
    return vary.stream(source, vary.Policy([]), one_hot=True, **options)


@pytest.mark.parametrize(
    "source",
    [
        (IMAGES, IDS),
        (IMAGES, [["a", "b", "c"][one] for one in IDS]),
        (IMAGES, np.eye(3, dtype=np.uint8)[IDS]),
        vary.Arrays(IMAGES, {"age": np.ones(6), "labels": IDS}),
        Named(),
        vary.Arrays(IMAGES, IDS)[:],
    ],
)
@pytest.mark.parametrize("options", [{}, {"process": True}, {"batch_size": 2, "prefetch": 0}])
def test_rows_of_every_source(source: Any, options: dict[str, Any]) -> None:
    train = stream(source, **options)
    for batch in train:
        assert batch.labels.dtype == np.float32
        assert (batch.labels == np.eye(3)[np.array(IDS)[batch.indices]]).all()
    spec = train.element_spec.labels
    assert (spec.shape[1:], spec.dtype) == ((3,), np.float32)
    assert train.replay(1).labels.tolist() == [[0, 0, 1]]
    assert pickle.loads(pickle.dumps(train)).peek().labels.shape[1] == 3
    train.close()


def test_a_folder_and_part_of_it(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("RGB", (4, 4)).save(tmp_path / name / f"{number}.png")
    (batch,) = stream(tmp_path, shuffle=False)
    assert batch.labels.tolist() == np.repeat(np.eye(3), 3, 0).tolist()
    part = vary.Folder(tmp_path).split(0.4)[1]
    assert next(iter(stream(part))).labels.shape[1] == 3
    with pytest.warns(UserWarning, match="no samples of 1 of the 4 classes"):
        wider = stream(tmp_path, classes=["z", "c", "b", "a"], shuffle=False)
    assert wider.peek().labels.tolist() == np.repeat(np.eye(4)[[3, 2, 1]], 3, 0).tolist()


def test_titles_of_pictures_name_the_class() -> None:
    names = ["ant", "bee", "cow"]
    assert label_words("labels", np.float32([0, 1, 0]), names) == "bee"
    assert label_words("labels", np.float32([0.5, 1, 0]), names).startswith("label [0.5")


def test_ids_of_a_part_have_the_classes_of_the_whole() -> None:
    assert stream(vary.Arrays(IMAGES, IDS)[[0, 2]], shuffle=False).peek().labels.tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (IMAGES, "goes with class ids, and the source has the fields images"),
        ((IMAGES, np.linspace(0, 1, 6)), r"labels of the source have shape .* and dtype float32"),
        ((IMAGES, np.ones((6, 2))), r"shape .*2\) and dtype float32; leave it out"),
        ((IMAGES, [0, 1, 2, -1, 0, 0]), "hold the class id -1.*give ids from 0 on"),
        (Own(), "number of classes, which the source does not state; give classes="),
        (vary.Pairs(IMAGES, IMAGES[..., 0]), "goes with class ids"),
    ],
)
def test_what_has_no_class_ids_is_refused(source: Any, text: str) -> None:
    with pytest.raises(InputError, match=text):
        stream(source)


def test_streams_of_a_mix_agree() -> None:
    with pytest.raises(InputError, match="one_hot"):
        vary.mix([stream((IMAGES, IDS)), vary.stream((IMAGES, IDS), vary.Policy([]))])
    mixed = vary.mix([stream((IMAGES, IDS)), stream((IMAGES, IDS))])
    assert next(iter(mixed)).labels.shape[1] == 3
