"""What a user's own source returns is checked, and a StopIteration in it is an error, not the end of a loop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vary
from vary.errors import InputError
from vary.sources import Arrays, Files, Item, Source, Subset, batch_labels, class_ids, fingerprints_of, open_source

IMAGES = np.zeros((6, 5, 4, 3), np.uint8)
IDS = np.arange(6) % 2
POLICY = vary.Policy([])


class Own:
    """A source of which any method may be replaced."""

    fields: Any = ("images", "labels")
    classes = ("a", "b")

    def __init__(self, **methods: Callable[..., Any]) -> None:
        self.methods = {
            "len": lambda: 6,
            "item": lambda index: Item(IMAGES[index], (int(IDS[index]),)),
            "path": lambda index: f"{index}.png",
            "label_batch": lambda indices: (IDS[indices],),
            "fingerprints": lambda indices: list(map(int, indices)),
        } | methods

    def __len__(self) -> int:
        return self.methods["len"]()  # type: ignore[no-any-return]

    def __getitem__(self, index: int) -> Item:
        return self.methods["item"](index)  # type: ignore[no-any-return]

    def path(self, index: int) -> Any:
        return self.methods["path"](index)

    def label_batch(self, indices: Any) -> Any:
        return self.methods["label_batch"](indices)

    def fingerprints(self, indices: Any) -> Any:
        return self.methods["fingerprints"](indices)


def stops(*_: Any) -> Any:
    return next(iter(()))


WAYS: dict[str, Callable[[Own], Any]] = {  # in which a source is used
    "itself": lambda source: source,
    "subset": lambda source: Subset(source, np.arange(6)[::-1].copy()),  # type: ignore[arg-type]
    "classes": lambda source: open_source(source, classes=["b", "a"]),
    "both": lambda source: open_source(vary.sources.subset(source, [5, 0, 1, 2]), classes=["b", "a"]),
}
ways = pytest.mark.parametrize("way", WAYS)


@ways
def test_a_sound_source(way: str) -> None:
    source = WAYS[way](Own())
    n = len(source)
    (column,) = batch_labels(source, np.arange(n))
    names = source.classes
    assert [names[label] for label in column] == [names[source[index].labels[0]] for index in range(n)]
    assert len(fingerprints_of(source, range(n))) == n
    assert sum(len(batch.labels) for batch in vary.stream(source, POLICY, batch_size=4)) == n


@ways
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda indices: (IDS[indices][1:],), r"gave \d labels for \d samples; give an array with one of each"),
        (lambda indices: (IDS,) if len(indices) < 6 else (IDS[:5],), r"gave \d labels for \d samples"),
        (
            lambda indices: (IDS[indices], IDS[indices]),
            r"gave 2 columns; return a tuple of one array for each of \('la",
        ),
        (lambda _: (), "gave 0 columns"),
        (lambda _: None, "gave a NoneType; return a tuple of one array"),
        (lambda indices: IDS[indices], "gave a ndarray; return a tuple of one array"),
        (lambda indices: {"labels": IDS[indices]}, "gave a dict"),
        (lambda _: "labels", "gave a str"),
        (lambda _: (3,), r"gave 3 labels for \d samples"),
        (lambda indices: (iter(IDS[indices]),), r"gave <.*> labels for \d samples"),
        (lambda indices: ("a" * len(indices),), r"gave 'a+' labels for \d samples"),
    ],
)
def test_labels_are_counted(way: str, given: Any, says: str) -> None:
    own = Own()
    source = WAYS[way](own)
    own.methods["label_batch"] = given
    for read in (lambda: batch_labels(source, np.array([3, 1])), lambda: class_ids(source)):
        with pytest.raises(InputError, match=rf"^Own\.label_batch {says}"):
            read()


def test_labels_of_a_subclass_are_counted_and_converted() -> None:
    class Short(Arrays):
        def label_batch(self, indices: Any) -> Any:
            return tuple(column[1:] for column in super().label_batch(indices))

    class Floats(Files):
        def label_batch(self, indices: Any) -> Any:
            return ([float(index) for index in indices],)

    for source in (Short(IMAGES, IDS), Subset(Short(IMAGES, IDS), np.arange(1, 6))):
        with pytest.raises(InputError, match=r"^Short\.label_batch gave \d labels for \d samples"):
            next(iter(vary.stream(source, POLICY, batch_size=3)))
    (column,) = batch_labels(Floats(["a.png", "b.png"], [1, 2]), [1, 0])
    assert column.dtype == np.float32


@ways
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda indices: [1] * (len(indices) - 1), r"gave \d fingerprints for \d samples"),
        (lambda _: None, "gave a NoneType; return a list"),
        (lambda _: "123", "gave a str"),
        (lambda indices: [[1]] * len(indices), r"gave \[1\] for sample \d; return something hashable"),
    ],
)
def test_fingerprints_are_counted(way: str, given: Any, says: str) -> None:
    source = WAYS[way](Own(fingerprints=given))
    with pytest.raises(InputError, match=rf"^Own\.fingerprints {says}"):
        fingerprints_of(source, [2, 0, 1])


@ways
def test_a_path_is_text_or_none(way: str) -> None:
    own = Own()
    source = WAYS[way](own)
    for path, expected in (("x.png", "x.png"), (None, None), (Path("x.png"), "x.png")):
        own.methods["path"] = lambda _, path=path: path
        assert vary.sources.path_of(source, 1) == expected
    for wrong in (3, b"x.png"):
        own.methods["path"] = lambda _, wrong=wrong: wrong
        with pytest.raises(InputError, match=rf"^Own\.path\(\d\) returned {wrong!r}, a \w+; return a str, or None"):
            vary.sources.path_of(source, 1)


@ways
def test_a_sample_is_an_item(way: str) -> None:
    own = Own()
    source = WAYS[way](own)
    own.methods["item"] = lambda index: (IMAGES[index], 0)
    with pytest.raises(InputError, match=r"^sample \d of the source is a tuple; .*Item.*: Own\.__getitem__\(\d\)"):
        vary.sources.item_of(source, 1)
    with pytest.raises(InputError, match=r"^sample \d of the source is a tuple"):
        next(iter(vary.stream(source, POLICY)))


@pytest.mark.parametrize("length", [-1, None, 2.5, "6"])
def test_a_length_is_a_number(length: Any) -> None:
    for use in (open_source, lambda source: vary.sources.subset(source, [0])):
        with pytest.raises(InputError, match=rf"^Own\.__len__ returned {length!r}; return the number of samples"):
            use(Own(len=lambda: length))  # type: ignore[operator]


@pytest.mark.parametrize("fields", ["images", ("labels",), ("images", "labels", "labels"), ("images", 3), None, ()])
def test_fields_are_names(fields: Any) -> None:
    own = Own()
    own.fields = fields
    with pytest.raises(InputError, match=r"^Own\.fields is .*; give a tuple of names"):
        open_source(own)


@ways
@pytest.mark.parametrize("method", ["item", "path", "label_batch", "fingerprints"])
def test_a_method_that_stops_is_an_error(way: str, method: str) -> None:
    own = Own()
    source = WAYS[way](own)
    own.methods[method] = stops
    use: Any = {
        "item": vary.sources.item_of,
        "path": vary.sources.path_of,
        "label_batch": lambda source, index: batch_labels(source, [index]),
        "fingerprints": lambda source, index: fingerprints_of(source, [index]),
    }[method]
    name = "__getitem__" if method == "item" else method
    with pytest.raises(RuntimeError, match=rf"^Own\.{name}\(.*\) raised StopIteration") as caught:
        list(map(use, [source], [1]))
    assert isinstance(caught.value.__cause__, StopIteration)


def test_a_length_that_stops_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"^Own\.__len__\(\) raised StopIteration"):
        list(map(open_source, [Own(len=stops)]))


@pytest.mark.parametrize("error", [StopIteration, IndexError])
def test_a_loop_over_a_source_does_not_end_early(error: type[Exception]) -> None:
    class Ends(Source):
        def __len__(self) -> int:
            return 6

        def item(self, index: int) -> Item:
            if index == 3:
                raise error("a fault of the source")
            return Item(IMAGES[index])

    class Overridden(Arrays):
        def __getitem__(self, index: Any) -> Any:
            if index == 3:
                raise error("a fault of the source")
            return super().__getitem__(index)

    assert len(list(Arrays(IMAGES))) == 6
    for source in (Ends(), Ends()[:], Overridden(IMAGES), Overridden(IMAGES)[:]):
        with pytest.raises(RuntimeError if error is StopIteration else error, match=r"StopIteration|a fault"):
            list(source)
    with pytest.raises(RuntimeError if error is StopIteration else error):
        list(map(Ends().__getitem__, range(6)))
