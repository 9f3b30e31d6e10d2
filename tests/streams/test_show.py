"""Streams, mixes, batches and reports in terminals and notebooks: what is shown and read, and that nothing changes."""

import base64
import io
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary.display.fields import batch_html, batch_png, batch_sheet, batch_text
from vary.errors import InputError, SourceError
from vary.policy import Policy
from vary.sources import Folder
from vary.streams import mix, stream
from vary.streams.report import Report, Skipped, Work
from vary.transforms import HorizontalFlip, Lambda, Normalize, Rescale, Resize

FLIP = Policy([HorizontalFlip(p=0)])


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def images_of(html: str) -> list[np.ndarray]:
    sources = re.findall(r'src="data:image/[a-z]+;base64,([^"]*)"', html)
    assert html.count("src=") == len(sources), "nothing is loaded from elsewhere"
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(source))).convert("RGB")) for source in sources]


def test_a_stream_says_what_it_holds(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=4, seed=9, layout="NCHW", cache=None)
    html = train._repr_html_()
    text = text_of(html)
    assert f"Folder {folder}" in text
    assert "22 samples in 6 batches of 4" in text
    assert "2: cat 11 , dog 11" in text
    assert "options seed 9, layout NCHW, cache None" in text
    assert "Rotate angle -30 .. 30 degrees" in text
    assert "shown as it is" in text
    assert len(images_of(html)) == 4
    with Image.open(io.BytesIO(train._repr_png_() or b"")) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_the_row_is_what_training_sees(images: np.ndarray, layout: str) -> None:
    train = stream(images, Policy([HorizontalFlip()]), batch_size=6, seed=9, layout=layout)
    seen = [cell.image for cell in train.preview().sheet.cells]
    batch = next(iter(train))
    expected = batch.images if layout == "NHWC" else batch.images.transpose(0, 2, 3, 1)
    assert (np.stack(seen) == expected).all()
    assert (np.stack([cell.image for cell in batch_sheet(batch).cells]) == expected).all()


def test_showing_changes_nothing(folder: Path, policy: Policy) -> None:
    def run(spec: bool) -> list[Any]:
        train = stream(folder, policy, batch_size=4, seed=9, cache=None)
        found: list[Any] = []
        for _ in range(2):
            for batch in train:
                if spec:
                    for one in (train, batch, train.report()):
                        assert one._repr_html_()
                    assert train.preview(3)
                    assert train._repr_png_()
                found.append((batch.epoch, batch.indices.tolist(), batch.images.tobytes(), train.state_dict()))
            report = train.report()
            found.append((report.epoch, report.images, report.batches, report.cache_hits, report.skipped))
        return found

    assert run(spec=True) == run(spec=False)


class Counted(Folder):
    """A folder that counts the files that are read."""

    reads = 0

    def __getitem__(self, index: int) -> Any:
        Counted.reads += 1
        return super().__getitem__(index)


def test_only_what_is_shown_is_read(folder: Path, policy: Policy) -> None:
    train = stream(Counted(folder), policy, batch_size=22, cache=None)
    assert train.element_spec  # asks the first sample what there is
    Counted.reads = 0
    assert len(images_of(train._repr_html_())) == 8
    assert Counted.reads == 8
    repr(train)
    assert Counted.reads == 8
    train.preview(5)
    assert Counted.reads == 13


def test_many_classes_are_counted_without_their_files(tmp_path: Path) -> None:
    small = io.BytesIO()
    Image.new("RGB", (4, 4)).save(small, "PNG")
    for number in range(40):
        place = tmp_path / "data" / f"class {number:02}"
        place.mkdir(parents=True)
        for file in range(1 + number % 3):
            (place / f"{file}.png").write_bytes(small.getvalue())
    source = Folder(tmp_path / "data", listing=tmp_path / "listing")
    counts = source.class_counts()
    assert counts == np.bincount(source.labels).tolist()
    assert counts[:4] == [1, 2, 3, 1]
    train = stream(source, FLIP)
    assert "40: class 00 1 , class 01 2 , class 02 3 " in text_of(train._repr_html_())
    assert "and 28 more (1 to 3 samples each)" in text_of(train._repr_html_())
    assert "(40 in all)" in repr(train)
    assert len(repr(train)) < 500


def test_classes_of_arrays(images: np.ndarray) -> None:
    ids = np.arange(23) % 3
    named = vary.Arrays(images, ids, classes=["a", "b", "c", "never"])
    assert "4: a 8 , b 8 , c 7 , never 0" in text_of(stream(named, FLIP)._repr_html_())
    assert "3: 0 8 , 1 8 , 2 7" in text_of(stream((images, ids), FLIP)._repr_html_())
    assert "3: a 8 , b 8 , c 7" in text_of(stream((images, list("abc" * 7 + "ab")), FLIP)._repr_html_())
    for labels in (ids.astype(np.float32), np.eye(3)[ids], ids - 5, ids * 10**9):
        assert "classes" not in text_of(stream((images, labels), FLIP)._repr_html_())


def test_labels_are_shown_by_name(images: np.ndarray) -> None:
    ids = np.arange(23) % 3
    hot = np.eye(3, dtype=np.uint8)[ids]
    hot[0] = [1, 0, 1]
    named = ["a", "b", "c"]
    for labels, classes, said in (
        (ids, named, "a"),
        (hot, named, "a, c"),
        (ids / 2, None, "label 0"),
        (list("xyz" * 8)[:23], None, "x"),
    ):
        source = vary.Arrays(images, {"labels": labels, "age": np.arange(23) + 30}, classes=classes)
        cell = stream(source, FLIP, shuffle=False).preview().sheet.cells[0]
        assert cell.lines == (said, "age 30", "sample 0")


def test_a_subset_is_shown_by_the_numbers_of_the_whole(images: np.ndarray, policy: Policy) -> None:
    source = vary.Arrays(images, np.arange(23) % 3)
    train = stream(source[[7, 3, 20]], policy, shuffle=False)
    assert [cell.lines[-1] for cell in train.preview().sheet.cells] == ["sample 7", "sample 3", "sample 20"]
    assert "3: 0 1 , 1 1 , 2 1" in text_of(stream(source[[0, 4, 8]], policy)._repr_html_())
    part, whole = policy.preview(source[[7, 3, 20]]), policy.preview(source, rows=23)
    rows = dict(zip([7, 3, 20], range(3), strict=True))
    for number, row in rows.items():
        one = [cell.image.tobytes() for cell in part.sheet.rows[sorted(rows).index(number)]]
        assert one == [cell.image.tobytes() for cell in whole.sheet.rows[number]], row


def test_a_source_that_is_read_for_its_labels_is_shown_without_counts(images: np.ndarray) -> None:
    class Own(vary.sources.Source):
        fields = ("images", "labels")

        def __len__(self) -> int:
            return 5000

        def item(self, index: int) -> vary.sources.Item:
            assert index < 5000
            asked.append(index)
            return vary.sources.Item(images[index % 23], (index % 3,))

    asked: list[int] = []
    stream(Own(), FLIP)._repr_html_()
    assert len(asked) < 200


def test_views_are_columns(folder: Path, policy: Policy) -> None:
    small = Policy([Resize(12, 12), Rescale(1 / 255), Normalize()])
    train = stream(folder, {"wide": (policy, 2), "tiny": small}, layout="NCHW", shuffle=False)
    sheet = train.preview(3).sheet
    assert sheet.columns == ("wide 0", "wide 1", "tiny")
    assert sheet.titles == (("cat", "01.png"), ("cat", "03.jpg"), ("cat", "05.png"))
    assert [cell.size for cell in sheet.rows[0]] == [(24, 20), (24, 20), (12, 12)]
    assert sheet.notes[0] == "and 19 more of the batch"
    assert sheet.notes[1].startswith("wide: uint8, ")
    assert sheet.notes[2].endswith("shown from -3 (black) to 3 (white), after Normalize, which has no range")
    assert (sheet.rows[1][1].image == train.peek().wide[1, 1].transpose(1, 2, 0)).all()
    assert stream(folder, policy, views=2).preview(1).sheet.columns == ("view 0", "view 1")
    assert stream(folder, policy, views=1).preview(1).sheet.columns == ("view 0",)


def test_a_mix_shows_the_stream_of_each_sample(folder: Path, images: np.ndarray, policy: Policy) -> None:
    first = stream(folder, policy, batch_size=6)
    both = mix([first, stream((images, np.zeros(23, int)), policy, batch_size=6)], ratios=[2, 1])
    text = text_of(both._repr_html_())
    assert "Mixed 2 streams" in text
    assert f"0 66.7% 22 Folder {folder} 1 33.3% 23 Arrays" in text
    assert [cell.lines[-1] for cell in both.preview(3).sheet.cells] == ["stream 0", "stream 1", "stream 0"]
    assert {cell.lines[0] for cell in both.preview().sheet.cells} <= {"cat", "dog"}


def test_shards_show_their_own(images: np.ndarray) -> None:
    train = stream(images, FLIP, batch_size=4, shard=(1, 2))
    assert "23 samples in 3 batches of 4 on each of 2 ranks" in text_of(train._repr_html_())
    seen = [cell.image for cell in train.preview(2).sheet.cells]
    assert (np.stack(seen) == next(iter(train)).images[:2]).all()


def test_a_broken_file_is_named_in_place_of_the_samples(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=4, shuffle=False)
    (folder / "cat" / "01.png").write_bytes(b"no picture")
    html = train._repr_html_()
    assert "no samples to show: " in html
    assert "cat/01.png" in html
    assert "22 samples in 6 batches" in text_of(html)
    assert train._repr_png_() is None
    with pytest.raises(vary.DecodeError, match=r"cat/01\.png"):
        train.preview()
    patient = stream(folder, policy, batch_size=4, shuffle=False, on_error="skip")
    assert len(patient.preview().sheet.cells) == 3
    for path in folder.rglob("*.*g"):
        path.write_bytes(b"")
    with pytest.raises(SourceError, match="all files of this epoch are broken"):
        patient.preview()
    assert "all files of this epoch are broken" in patient._repr_html_()


def test_a_source_that_cannot_count_is_shown(images: np.ndarray) -> None:
    class Shy(vary.Arrays):
        def class_counts(self) -> list[int]:
            raise OSError("not now")

    assert "classes 2" in text_of(stream(Shy(images, np.zeros(23, int), classes=["a", "b"]), FLIP)._repr_html_())


def test_how_many_is_checked(images: np.ndarray) -> None:
    with pytest.raises(InputError, match="n=0; give a whole number of at least 1"):
        stream(images, FLIP).preview(0)


def _warn(image: np.ndarray) -> np.ndarray:
    warnings.warn("seen", stacklevel=1)
    return image


@pytest.mark.filterwarnings("ignore")  # such pictures may be warned of when they are made; not when they are shown
def test_showing_does_not_warn(images: np.ndarray) -> None:
    odd = np.full((4, 8, 8, 1), np.nan, np.float32)
    batch = stream(odd, FLIP).peek()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for train in (stream(images, Policy([Lambda(_warn)])), stream(odd, FLIP)):
            assert "no samples" not in train._repr_html_()
            assert train._repr_png_()
        assert "256 values NaN or infinite" in repr(batch)
        assert batch._repr_html_()


def test_names_are_escaped(tmp_path: Path, images: np.ndarray) -> None:
    for name in ("<script>alert(1)<", "b&b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.fromarray(images[0]).save(tmp_path / "data" / name / '"><img src=x>.png')
    train = stream(tmp_path / "data", FLIP)
    for html in (train._repr_html_(), train.peek()._repr_html_(), train.preview()._repr_html_()):
        assert "<script" not in html
        assert "&lt;script&gt;alert(1)&lt;" in html
        assert "<img src=x" not in html
        assert "b&amp;b" in html


def test_a_batch_in_a_prompt(folder: Path, images: np.ndarray, policy: Policy) -> None:
    train = stream(folder, Policy([Resize(15, 15), Rescale(1 / 255)]), batch_size=4)
    shown = repr(train.peek())
    assert re.fullmatch(r"Batch\(images: \(4, 15, 15, 3\) float32 in [\d.]+ \.\. [\d.]+, labels: \(4,\) int64\)", shown)
    assert repr(stream(images, policy).peek()).startswith("Batch(images: (23, 24, 20, 3) uint8 in ")


def test_a_batch_in_a_notebook(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=22, shuffle=False)
    (batch,) = train
    for one in (batch, pickle.loads(pickle.dumps(batch)), train.replay(0), train.peek()):
        text = text_of(one._repr_html_())
        assert "field shape dtype values mean images" in text
        assert f"labels ({len(one.labels)},) int64" in text
        assert "cat 01.png" in text
    assert len(images_of(batch._repr_html_())) == 22
    with Image.open(io.BytesIO(batch._repr_png_() or b"")) as picture:
        picture.load()


class Rebuilt(tuple[Any, ...]):
    """A batch as a function over trees may make it again: arrays and names, or other things in their place."""

    __slots__ = ()
    fields = ("images", "labels")


@pytest.mark.parametrize("shape", [(5, 8, 6, 3), (5, 3, 8, 6), (5, 8, 6, 1), (5, 2, 8, 6, 3)])
def test_a_batch_without_attributes(shape: tuple[int, ...]) -> None:
    images = np.full(shape, -0.5, np.float32)
    batch = Rebuilt((images, np.arange(5)))
    assert batch_text(batch) == f"Batch(images: {shape} float32 in -0.5 .. -0.5, labels: (5,) int64)"
    html = batch_html(batch)
    assert len(images_of(html)) == 5 * (2 if len(shape) == 5 else 1)
    assert "label 4" in html
    assert "shown from -1 (black) to 1 (white)" in html


def test_a_batch_of_other_things() -> None:
    class Unshaped:
        shape = None
        dtype = "float32"

    for things, said in (((None, 3), "NoneType, labels: int"), ((Unshaped(), "x"), "Unshaped, labels: str")):
        batch = Rebuilt(things)
        assert batch_text(batch) == f"Batch(images: {said})"
        assert "<img" not in batch_html(batch)
        assert batch_png(batch) is None


def test_a_large_batch_stays_small() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 200, 200, 3), np.uint8)
    batch = stream(noise, FLIP, batch_size=256).peek()
    html = batch._repr_html_()
    assert len(images_of(html)) == 24
    assert "and 232 more" in html
    assert len(html) < 300_000


def test_batches_of_a_process_know_their_classes(folder: Path, policy: Policy) -> None:
    with stream(folder, policy, batch_size=22, shuffle=False, process=True) as train:
        (batch,) = train
        assert "cat 01.png" in text_of(batch._repr_html_())
        assert "22 samples" in train._repr_html_()


def test_a_report_in_a_notebook() -> None:
    found = Report(epoch=3, images=200, batches=4, _elapsed=2_000_000_000, _waited=500_000_000, _ahead=2)
    found.add(Work(decode=1, skipped=tuple(Skipped(f"<b>{n}.jpg", "is empty") for n in range(5))))
    text = text_of(found._repr_html_())
    assert "epoch 3 200 images in 2.00 s, 100 a second" in text
    assert "consumer waited 0.50 s (25%)" in text
    assert "limited by decoding: " in text
    assert "skipped 5 &lt;b&gt;0.jpg: is empty" in text
    assert "and 2 more in .skipped" in text
    assert "no batch has been handed over yet" in text_of(Report()._repr_html_())
