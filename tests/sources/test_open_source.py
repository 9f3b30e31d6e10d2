"""Objects that are accepted as a source, and errors for others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError, SourceError
from vary.sources import Arrays, Folder, Item, open_source

IMAGES = np.zeros((2, 4, 5, 3), np.uint8)


class Own:
    """A source of the user's own."""

    fields = ("images", "labels")
    classes = None

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Item:
        return Item(IMAGES[index], (index,))

    def path(self, index: int) -> str | None:
        return f"{index}"

    def label_batch(self, indices: Any) -> tuple[np.ndarray, ...]:
        return (np.asarray(indices),)


def test_accepted_sources(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    for path in (tmp_path, str(tmp_path)):
        folder = open_source(path)
        assert isinstance(folder, Folder)
        assert folder.root == str(tmp_path)
    for images in (IMAGES, list(IMAGES)):
        assert open_source(images).fields == ("images",)
        source = open_source(images, [1, 2])
        assert isinstance(source, Arrays)
        assert source.fields == ("images", "labels")
        assert open_source((images, [1, 2]))[1].labels == (2,)
        assert open_source(images, {"age": [1.0, 2.0]}).fields == ("images", "age")
    own = Own()
    assert open_source(own) is own


@pytest.mark.parametrize(
    ("obj", "labels", "says"),
    [
        ((IMAGES, [1, 2]), [1, 2], "a tuple brings its own"),
        (Own(), [1], "a Own brings its own"),
        ((IMAGES,), None, "a tuple of 1"),
        (None, None, "NoneType is not a source: it lacks fields, .*__len__"),
        ({"images": IMAGES}, None, "dict is not a source: it lacks fields; give a folder's path"),
        ((IMAGES, [1]), None, "2 images but 1 labels"),
    ],
)
def test_mistakes_are_named(obj: object, labels: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        open_source(obj, labels)


def test_a_wrong_path_is_a_source_error() -> None:
    with pytest.raises(SourceError, match="does not exist"):
        open_source("there/is/no/such/folder")
