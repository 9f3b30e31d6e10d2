"""Mistakes of new users, one a line of mistakes.txt: each is an error or a warning that holds the words beside it.

A line is `code  ##  words | words`. The words are the cure, or what tells one mistake from another. Lines are grouped
under headings, and a group is a test. The code sees the names of `names()`, in a folder with pictures.
"""

import contextlib
import io
import itertools
import pathlib
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary

LONGEST = 2000  # characters of a message
DELIBERATE = (vary.VaryError, AttributeError, TypeError, ImportError, IndexError)

Mistakes = list[tuple[str, list[str]]]


def groups() -> dict[str, Mistakes]:
    found: dict[str, Mistakes] = {}
    heading = ""
    for line in pathlib.Path(__file__).with_name("mistakes.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            heading = line[2:]
        elif line:
            code, _, words = line.partition("  ##  ")
            found.setdefault(heading, []).append((code, words.split(" | ")))
    return found


GROUPS = groups()


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([127 + 80 * np.sin(x / 9), 127 + 80 * np.cos(y / 7), (x * 2 + y) % 200], 2)
    noise = np.random.default_rng(seed).normal(0, 10, (height, width, 3))
    return np.clip(waves + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """`data/train` and `data/val` with classes, an `empty` folder and one with a `broken` file."""
    root = tmp_path_factory.mktemp("mistakes")
    for place, name in itertools.product(range(4), ("train/cat", "train/dog", "val/cat")):
        (root / "data" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(60 + place, 80 - place, place)).save(root / "data" / name / f"{place}.jpg")
    (root / "empty").mkdir()
    (root / "broken" / "a").mkdir(parents=True)
    (root / "broken" / "a" / "x.jpg").write_bytes(b"broken")
    Image.fromarray(photo(50, 50)).save(root / "broken" / "a" / "y.jpg")
    return root


def names(root: pathlib.Path) -> dict[str, Any]:
    images = np.stack([photo(60, 80, place) for place in range(8)])
    policy = vary.Policy([vary.Resize(24, 20), vary.Rotate(40), vary.Rescale(1 / 255)])
    folder = root / "data" / "train"

    def load(text: str) -> vary.Policy:
        (root / "mine.yaml").write_text(text)
        return vary.Policy.load(root / "mine.yaml")

    return {
        "vary": vary, "np": np, "Image": Image, "pathlib": pathlib, "image": images[0], "images": images,
        "floats": images.astype("float32") / 255, "labels": np.arange(8) % 2, "policy": policy, "folder": folder,
        "root": root, "empty": root / "empty", "broken": root / "broken",
        "paths": [str(path) for path in sorted(folder.rglob("*.jpg"))],
        "train": vary.stream(folder, policy, batch_size=4), "load": load,
        "first": lambda stream: next(iter(stream)), "watched": lambda stream: [None for _ in stream],
    }  # fmt: skip


def outcome(code: str, known: dict[str, Any]) -> list[str]:
    """What the code says: its error, if it is one of vary's or a deliberate one, and its warnings."""
    said = []
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        try:
            exec(code, known)
        except Exception as error:  # noqa: BLE001  any other is a fault, which names the line
            said.append(str(error) if isinstance(error, DELIBERATE) else f"an unguided {type(error).__name__}")
    return said + [str(one.message) for one in caught]


def faults(code: str, words: list[str], said: list[str]) -> list[str]:
    """What is wrong with the outcome of a mistake."""
    if not said:
        return [f"{code}: silent"]
    text = " ".join(said).replace("\n", " ")
    long = [f"{code}: a message of {len(one)} characters" for one in said if len(one) >= LONGEST]
    return long + [f"{code}: {word!r} is not in {text!r}" for word in words if word not in text]


def test_there_are_many() -> None:
    mistakes = list(itertools.chain(*GROUPS.values()))
    assert len(mistakes) >= 300
    assert len({code for code, _ in mistakes}) == len(mistakes)
    assert all(word for _, words in mistakes for word in words)


def test_the_checks_of_messages_find_faults() -> None:
    assert faults("x", ["cure"], []) == ["x: silent"]
    assert faults("x", ["cure"], ["no help"]) == ["x: 'cure' is not in 'no help'"]
    assert faults("x", ["cure"], ["cure" * 500]) == ["x: a message of 2000 characters"]
    assert faults("x", ["cure"], ["the cure"]) == []
    assert outcome("1 / 0", {}) == ["an unguided ZeroDivisionError"]


@pytest.mark.parametrize("group", GROUPS)
def test_mistakes_name_the_cure(group: str, root: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("VARY_CACHE", str(root / "cache"))
    found = [fault for code, words in GROUPS[group] for fault in faults(code, words, outcome(code, names(root)))]
    assert not found, "\n".join(found)
