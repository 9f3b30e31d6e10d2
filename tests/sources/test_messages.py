"""Messages that name many classes, labels or files are shortened in the middle."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vary
from vary.errors import DecodeError, InputError, PolicyError, SourceError, VaryError, brief
from vary.sources import Arrays, Files, Folder

MANY = [f"{'a long name of a class ' * 4}{number:05}" for number in range(30_000)]
IMAGES = np.zeros((3, 4, 4, 3), np.uint8)
POLICY = vary.Policy([vary.Resize(4, 4)])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["a", "b"], "['a', 'b']"),
        ((), "()"),
        ([], "[]"),
        (None, "None"),
        (list(range(30_000)), "[0, 1, 2, 3, 4, "),
        (MANY[:2] * 3, "['a long name of a class "),
        (["x" * 10_000], "['xxx"),
    ],
)
def test_brief(value: Any, text: str) -> None:
    found = brief(value)
    assert found.startswith(text)
    assert len(found) < 450
    if len(value or ()) > 100:
        assert found.endswith(f"..., {value[-1]!r}] ({len(value):,} in all)")


@pytest.mark.parametrize("kind", [InputError, PolicyError, SourceError, DecodeError, VaryError])
def test_any_error_is_shortened(kind: type[VaryError]) -> None:
    error = kind("the beginning " + "x" * 100_000 + " the cure")
    assert len(str(error)) < 2000
    assert str(error).startswith("the beginning xxx")
    assert str(error).endswith("xxx the cure")
    assert str(kind("short")) == "short"


def messages(call: Callable[[], object]) -> list[str]:
    """What the call said, errors before the last resort shortened them."""
    with warnings.catch_warnings(record=True) as reported:
        warnings.simplefilter("always")
        try:
            call()
        except VaryError as error:
            return [str(error.args[0])]
    return [str(one.message) for one in reported]


def test_many_classes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in MANY[:2500]:
        (data / name).mkdir(parents=True)
        (data / name / "1.jpg").hardlink_to(data / MANY[0] / "1.jpg") if name != MANY[0] else (
            data / name / "1.jpg"
        ).write_bytes(b"x")
    folder = Folder(data, listing=tmp_path / "names")
    stream = vary.stream(Arrays(IMAGES, [0, 1, 2], classes=MANY), POLICY)
    other = vary.stream(Arrays(IMAGES, [0, 1, 2], classes=[*MANY[:-1], "another"]), POLICY)
    for one in (
        folder,
        folder[10:20],
        stream.source,
        stream,
        Files(["a.jpg"], [MANY[0]], classes=MANY),
        vary.mix([stream]),
    ):
        assert len(repr(one)) < 2000
    calls: list[Callable[[], object]] = [
        lambda: Folder(data, classes=["nope"]),
        lambda: Folder(data, classes=[*folder.classes, "nope", "nope"]),  # type: ignore[misc]
        lambda: Folder(data, classes=[*MANY, "other"], listing=tmp_path / "names"),
        lambda: vary.stream(data, POLICY, classes=MANY[:2]),
        lambda: vary.stream(data, POLICY, classes=MANY),
        lambda: vary.stream(folder, POLICY, classes=MANY[:2]),
        lambda: vary.stream(IMAGES, POLICY, labels=["x"] * 3, classes=MANY),
        lambda: vary.stream(IMAGES, POLICY, labels=[40_000] * 3, classes=MANY),
        lambda: vary.stream(IMAGES, POLICY, labels=MANY),
        lambda: vary.stream(IMAGES, POLICY, classes=MANY),
        lambda: vary.stream(IMAGES, POLICY, labels={name: [1, 2] for name in MANY}),
        lambda: Files(["a.jpg"] * 3, [MANY] * 2 + [MANY[1:]]),
        lambda: Files([MANY]),  # type: ignore[list-item, unused-ignore]
        lambda: vary.mix([stream, other]),
        lambda: stream.source[MANY],  # type: ignore[index]
        lambda: stream.source.split(MANY),  # type: ignore[attr-defined]
    ]
    for number, call in enumerate(calls):
        reported = messages(call)
        assert reported, number
        assert all(len(text) < 2000 for text in reported), (number, reported[0][:300])


def test_where_two_long_lists_differ_is_said() -> None:
    one = vary.stream(Arrays(IMAGES, [0, 1, 2], classes=MANY), POLICY)
    other = vary.stream(Arrays(IMAGES, [0, 1, 2], classes=[*MANY[:999], "dog", *MANY[1000:]]), POLICY)
    with pytest.raises(InputError, match="differ first at number 999: 'dog', 'a long name"):
        vary.mix([one, other])


def test_folders_with_and_without_pictures(tmp_path: Path) -> None:
    for number, name in enumerate(MANY[:1000]):
        (tmp_path / name).mkdir()
        if number % 2:
            (tmp_path / name / "1.jpg").write_bytes(b"")
    (text,) = messages(lambda: Folder(tmp_path))
    assert len(text) < 2000
    assert "(500 in all); remove them" in text
    (tmp_path / "loose.jpg").write_bytes(b"")
    (text,) = messages(lambda: Folder(tmp_path))
    assert len(text) < 2000
