"""Attributes that would be set without effect, and arguments that a call does not have, are refused."""

from pathlib import Path

import numpy as np
import pytest

import vary
from vary.errors import InputError, SourceError
from vary.policy import Policy
from vary.streams import stream


def test_a_keyword_cannot_be_set_on_a_stream(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=4)
    for name in ("batch_size", "seed", "labels", "weights"):
        with pytest.raises(AttributeError, match=rf"make a new one: vary.stream\(..., {name}=3\)"):
            setattr(train, name, 3)
    assert len(train) == 6


def test_a_transform_alone_varies_no_picture(images: np.ndarray) -> None:
    with pytest.raises(TypeError, match=r"Policy\(\[Rotate\(angle=\(-40.0, 40.0\)\)\]\)\(image\)"):
        vary.Rotate(40)(images[0])  # type: ignore[operator]


def test_a_picture_to_explain_has_pixels(policy: Policy) -> None:
    for shape in ((0, 10, 3), (10, 0), (5.5, 3), ("5", 3)):
        with pytest.raises(InputError, match="has no pixel; give whole numbers of at least 1"):
            policy.explain(shape)  # type: ignore[arg-type]


def test_classes_are_names(folder: Path) -> None:
    with pytest.raises(SourceError, match="holds a int; give names, as text"):
        vary.Folder(folder, classes=["cat", "dog", 3])  # type: ignore[list-item]


def test_names_of_other_libraries_for_a_split(folder: Path) -> None:
    source = vary.Folder(folder)
    with pytest.raises(InputError, match=r"source\.split has no argument 'random_state'; .*seed"):
        source.split(0.2, random_state=3)  # type: ignore[call-arg]
    with pytest.raises(InputError, match=r"source\.split needs 'validation'"):
        source.split()  # type: ignore[call-arg]


def test_a_shape_of_one_number_is_refused() -> None:
    for wrong in (224, (224,), (1, 2, 3, 4)):
        with pytest.raises(InputError, match=r"; give \(height, width\) or \(height, width, channels\)"):
            Policy([]).explain(wrong)  # type: ignore[arg-type]
