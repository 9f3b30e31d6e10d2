"""`vary.table`: the same source from any form of a table; missing files, wrong columns and values are errors."""

import csv
import os
import pickle
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary.errors import InputError, SourceError
from vary.sources import Table
from vary.streams.keras import packed

NAMES = ["a/0.png", "a/1.png", "b/2.png", "b/3.png"]
ROWS: dict[str, list[Any]] = {
    "file": NAMES,
    "breed": ["pug", "boxer", "pug", "corgi"],
    "age": [1.5, 2.0, 0.5, 3.0],
    "tag": [3, 1, 2, 1],
    "cat": [1, 0, 1, 1],
    "dog": [0, 0, 1, 0],
    "many": ["cat|dog", "", "dog", "cat"],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for value, name in enumerate(NAMES):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5), (value, 10, 20)).save(path)
    return tmp_path / "pets"


def written(root: Path, rows: dict[str, list[Any]], delimiter: str = ",") -> Path:
    path = root / "pets.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(rows)
        writer.writerows(zip(*rows.values(), strict=True))
    return path


def form_of(kind: str, rows: dict[str, list[Any]], root: Path) -> Any:
    """The rows as a table of this kind, or a skip if its library is absent."""
    if kind in ("csv", ";"):
        return written(root, rows, "," if kind == "csv" else ";")
    if kind == "dict":
        return rows
    if kind == "pandas":
        return pytest.importorskip("pandas").DataFrame(rows)
    if kind == "polars":
        return pytest.importorskip("polars").DataFrame(rows)
    table = pytest.importorskip("pyarrow").table(rows)
    if kind == "parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, root / "pets.parquet")
        return str(root / "pets.parquet")
    return table


FORMS = ["dict", "csv", ";", "pandas", "polars", "pyarrow", "parquet"]


@pytest.mark.parametrize("kind", FORMS)
def test_every_form_of_a_table_gives_the_same_source(root: Path, kind: str) -> None:
    given = form_of(kind, ROWS, root)
    place: dict[str, Any] = {} if kind in ("csv", ";", "parquet") else {"root": root}
    source = vary.table(given, "file", "breed", **place)
    assert isinstance(source, Table)
    assert list(source.paths) == [str(root / name) for name in NAMES]
    assert source.classes == ["boxer", "corgi", "pug"]
    assert source.label_batch(range(4))[0].tolist() == [2, 0, 2, 1]
    ages = vary.table(given, "file", "age", **place).label_batch(range(4))[0]
    assert (ages.dtype, ages.tolist()) == (np.float32, ROWS["age"])
    tags = vary.table(given, "file", "tag", **place)
    assert (tags.classes, tags.label_batch([0, 1])[0].tolist()) == (None, [3, 1])
    (batch,) = vary.stream(source, vary.Policy([]), shuffle=False)
    assert batch.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert batch.paths == list(source.paths)


@pytest.mark.parametrize("kind", FORMS)
def test_several_columns_are_one_field_or_several(root: Path, kind: str) -> None:
    given = form_of(kind, ROWS, root)
    hot = vary.table(given, "file", ["cat", "dog"], root=root)
    assert hot.classes == ["cat", "dog"]
    assert hot.label_batch([0, 2])[0].tolist() == [[1, 0], [1, 1]]
    numbers = vary.table(given, "file", ["age", "tag"], root=root)
    assert numbers.classes is None
    assert numbers.label_batch([0])[0].tolist() == [[1.5, 3]]
    assert numbers.label_batch([0])[0].dtype == np.float32
    several = vary.table(given, "file", {"years": "age", "breed": "breed"}, root=root, weights="tag")
    assert several.fields == ("images", "years", "breed", "sample_weight")
    assert several.classes == ["boxer", "corgi", "pug"]
    assert [column.tolist() for column in several.label_batch([1])] == [[2.0], [0], [1.0]]


@pytest.mark.parametrize("kind", FORMS)
def test_text_of_several_names(root: Path, kind: str) -> None:
    source = vary.table(form_of(kind, ROWS, root), "file", "many", separator="|", root=root)
    assert source.classes == ["cat", "dog"]
    assert source.label_batch(range(4))[0].tolist() == [[1, 1], [0, 0], [0, 1], [1, 0]]
    assert source.label_batch([0])[0].dtype == np.uint8


@pytest.mark.parametrize("kind", ["dict", "pandas", "polars", "pyarrow", "parquet"])
def test_lists_of_names_and_of_numbers(root: Path, kind: str) -> None:
    rows = {
        "file": NAMES,
        "all": [["dog"], [], ["cat", "dog"], ["cat"]],
        "xy": [[0.5, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]],
    }
    given = form_of(kind, rows, root)
    source = vary.table(given, "file", "all", root=root, classes=["dog", "cat", "owl"])
    assert source.classes == ["dog", "cat", "owl"]
    assert source.label_batch(range(4))[0].tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0]]
    (batch,) = vary.stream(source, vary.Policy([]), one_hot=True, shuffle=False)
    assert (batch.labels.dtype, batch.labels.shape) == (np.float32, (4, 3))
    points = vary.table(given, "file", "xy", root=root).label_batch([0, 3])[0]
    assert (points.dtype, points.tolist()) == (np.float32, [[0.5, 1], [6, 7]])
    with pytest.raises(InputError, match=r"all of row 2 .*2.png.* holds 'cat', which classes=\['dog'\] does not name"):
        vary.table(given, "file", "all", root=root, classes=["dog"])


@pytest.mark.parametrize("kind", ["dict", "pandas", "polars", "pyarrow", "parquet"])
@pytest.mark.parametrize("as_dict", [False, True])
def test_bytes_of_files(root: Path, kind: str, as_dict: bool) -> None:
    data = [(root / name).read_bytes() for name in NAMES]
    cells = [{"bytes": one, "path": name} for one, name in zip(data, NAMES, strict=True)] if as_dict else data
    source = vary.table(form_of(kind, {"image": cells, "breed": ROWS["breed"]}, root), "image", "breed")
    assert source[2].image == (data[2], NAMES[2] if as_dict else None)
    assert source.path(1) == (NAMES[1] if as_dict else None)
    copied = pickle.loads(pickle.dumps(source))
    for one in (source, copied):
        (batch,) = vary.stream(one, vary.Policy([]), shuffle=False)
        assert batch.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
        assert batch.labels.tolist() == [2, 0, 2, 1]


@pytest.mark.parametrize("kind", ["dict", "pandas", "polars", "pyarrow", "parquet"])
def test_dicts_without_bytes_are_paths(root: Path, kind: str) -> None:
    cells = [{"bytes": None, "path": name} for name in NAMES]
    assert list(vary.table(form_of(kind, {"image": cells}, root), "image", root=root).paths) == [
        str(root / name) for name in NAMES
    ]


def test_each_folder_is_listed_once_and_no_file_is_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    listed: list[str] = []
    for name in ("stat", "lstat", "access", "scandir"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda path, *a, real=real, **k: (seen.update([str(path)]), real(path, *a, **k))[1]
        )
    real_list = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: (listed.append(str(path)), real_list(path))[1])
    vary.table(ROWS, "file", "breed", root=root)
    assert sorted(listed) == [str(root / "a"), str(root / "b")]
    assert not [path for path in seen if path.endswith(".png")]


def test_no_library_of_tables_is_imported(root: Path) -> None:
    path = written(root, ROWS)
    code = f"import sys, vary; vary.table({str(path)!r}, 'file', 'breed').split(0.5, groups='tag', by=None)"
    code += "; assert not {'pandas', 'polars', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_files_are_named_before_training(root: Path) -> None:
    rows = {"file": [*NAMES, *(f"a/gone_{i}.png" for i in range(7))], "breed": [*ROWS["breed"], *[None] * 7]}
    text = r"7 of the 11 files in column 'file' do not exist below .*pets': 'a/gone_0.png', .*, and 2 more; "
    text += ".*root=.*missing='skip'"
    with pytest.raises(SourceError, match=text):
        vary.table(rows, "file", "breed", root=root)
    with pytest.warns(UserWarning, match="7 of the 11 files .* leaves them out"):
        source = vary.table(rows, "file", "breed", root=root, missing="skip")
    assert len(source) == 4  # and the missing labels of these rows are no error
    with pytest.raises(SourceError, match="4 of the 4 files"):
        vary.table({"file": ["x", "y", "z/1", "2"]}, "file", root=root, missing="skip")
    bare = {"file": [name.removesuffix(".png") for name in NAMES]}
    with pytest.raises(SourceError, match=r"no suffix: give suffix='\.png'"):
        vary.table(bare, "file", root=root)
    assert list(vary.table(bare, "file", root=root, suffix=".png").paths) == [str(root / name) for name in NAMES]


@pytest.mark.parametrize("kind", FORMS)
def test_rows_without_a_file_are_left_out_of_every_column(root: Path, kind: str) -> None:
    rows = {name: [values[0], values[1], *values[1:]] for name, values in ROWS.items()}
    rows["file"][1] = "a/gone.png"
    with pytest.warns(UserWarning, match="1 of the 5 files"):
        source = vary.table(form_of(kind, rows, root), "file", "tag", root=root, missing="skip")
    assert source.label_batch(range(4))[0].tolist() == ROWS["tag"]
    assert list(source.column("breed")) == ROWS["breed"]


def test_paths_in_any_form(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root.parent))
    monkeypatch.chdir(root)
    given = [str(root / NAMES[0]), root / NAMES[1], "~/pets/b/2.png", "./b/../b/3.png"]
    source = vary.table({"file": given}, "file")
    monkeypatch.chdir("/")
    assert [os.path.realpath(path) for path in source.paths] == [str(root / name) for name in NAMES]
    assert source[3].image == ((root / NAMES[3]).read_bytes(), source.path(3))


@pytest.mark.parametrize(
    ("rows", "arguments", "text"),
    [
        (
            {},
            {"images": "filename"},
            "images='filename': the dict has no such column; did you mean file.*; its columns",
        ),
        ({}, {"labels": "bred"}, "labels='bred'.*did you mean breed"),
        ({}, {"labels": {"x": "bred"}}, r"labels\['x'\]='bred'.*did you mean breed"),
        ({}, {"weights": "ages", "labels": "breed"}, "weights='ages'.*did you mean age"),
        ({}, {"weights": "age"}, "without labels="),
        ({}, {"weights": "breed", "labels": "age"}, "weights='breed' holds 'pug'; give a column of numbers"),
        ({"age": [1, 2, -1, 0]}, {"weights": "age", "labels": "tag"}, r"that of row 2 \(.*2.png\) is -1"),
        ({"age": [1, None, 1, 0]}, {"weights": "age", "labels": "tag"}, "that of row 1 .*is None"),
        ({"breed": ["a", None, "b", "c"]}, {"labels": "breed"}, r"labels of row 1 \(.*1.png\) is None; give every"),
        ({"breed": ["a", "", "b", "c"]}, {"labels": "breed"}, "labels of row 1 .* is ''"),
        ({"age": [1.0, 2.0, float("nan"), 1]}, {"labels": "age"}, "labels of row 2 .* is nan"),
        ({"age": [1.0, 2.0, float("nan"), 1]}, {"labels": ["tag", "age"]}, "labels of row 2 .*nan"),
        ({"age": [1.0, 2.0, None, 1]}, {"labels": ["tag", "age"]}, "labels of row 2 .*nan"),
        ({}, {"labels": ["breed", "age"]}, "column 'breed' holds 'pug'.*labels={'breed': 'breed', ...}"),
        ({}, {"labels": []}, "name of at least one column"),
        ({}, {"labels": 3}, "labels=3; give the name of a column"),
        ({}, {"labels": "breed", "classes": ["pug", "boxer"]}, "row 3 .*'corgi', which classes="),
        ({"breed": [["a"], [1], [], []]}, {"labels": "breed"}, "breed of row 1 .*holds 1 among names"),
        ({"breed": [["a"], None, [], []]}, {"labels": "breed"}, "breed of row 1 .*is None, among lists"),
        ({"breed": [[1], [1, 2], [], [1]]}, {"labels": "breed"}, "different lengths.*lists of their names"),
        ({}, {"labels": "age", "separator": "|"}, "age of row 0 .*is 1.5; separator="),
        ({"file": [*NAMES[:3], NAMES[0]]}, {}, "file twice, in rows 0 and 3: .*a/0.png.*vary.Files"),
        ({"file": [*NAMES[:3], "a/./0.png"]}, {}, "file twice, in rows 0 and 3"),
        ({"file": [*NAMES[:3], None]}, {}, "column 'file', row 3, is missing; leave the row out"),
        ({"file": [*NAMES[:3], ""]}, {}, "column 'file', row 3, is an empty text"),
        ({"file": [*NAMES[:3], 7]}, {}, "column 'file', row 3, is 7, a int; give paths of files, or their bytes"),
        ({"file": [b"1", b"", b"2", b"3"]}, {}, "column 'file', row 1: b''; give bytes of"),
        ({"file": [b"1", "a", b"2", b"3"]}, {}, "column 'file', row 1: 'a'; give bytes of"),
        ({"file": [{"bytes": b"1"}, {"bytes": None}, {}, {}]}, {}, "row 1: None; give bytes in each dict, or in none"),
        ({}, {"missing": "ignore"}, "missing='ignore'; give 'raise', or 'skip'"),
        ({}, {"suffix": None}, "suffix=None; give a text"),
        ({}, {"labels": {"sample_weight": "age"}, "weights": "age"}, "labels name the field 'sample_weight'"),
        ({"many": [["a"]] * 4}, {"labels": {"x": "many", "y": "age"}}, r"labels\['x'\] holds lists.*call it 'labels'"),
        ({"many": [[]] * 4}, {"labels": "many"}, "many holds empty lists alone.*classes="),
        ({"age": [1, "x", 2, 3]}, {"weights": "age", "labels": "tag"}, "weights='age' holds 'x'; give"),
        ({}, {"labels": ["tag"], "separator": "|"}, "separator='|' goes with labels= of one column"),
        ({}, {"labels": "age", "separator": 3}, "separator=3; give the text between"),
        ({"age": [1, 2]}, {}, "different lengths.*'age': 2"),
        ({name: [] for name in ROWS}, {}, "the dict has no rows"),
        ({"tag": [0, 0, 0, 0]}, {"weights": "tag", "labels": "age"}, "weights='tag' is 0 for all samples"),
        ({}, {"labels": ["cat", "cat"]}, r"labels=\['cat', 'cat'\] names a column twice"),
        ({"file": [1, 2, 3, 4]}, {"suffix": ".png"}, r"frame\['file'\].astype\(str\)"),
    ],
)
def test_mistakes_are_named(root: Path, rows: dict[str, Any], arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        vary.table(**{"table": ROWS | rows, "images": "file", "root": root} | arguments)


def test_backslashes_say_the_cure(root: Path) -> None:
    with pytest.raises(SourceError, match=r"backslashes.*replace"):
        vary.table({"file": ["a\\0.png", *NAMES[1:]]}, "file", root=root)


@pytest.mark.parametrize("kind", FORMS)
def test_a_missing_label_is_named_in_every_form(root: Path, kind: str) -> None:
    for name, values in (("breed", ["pug", None, "pug", "pug"]), ("tag", [1, 2, None, 1]), ("age", [0.5, None, 1, 2])):
        with pytest.raises(InputError, match=rf"labels of row {values.index(None)} \(.*png\) is (None|nan|''|<NA>)"):
            vary.table(form_of(kind, {"file": NAMES, name: values}, root), "file", name, root=root)


def test_numbers_and_names_of_a_csv_file(root: Path) -> None:
    rows = {
        "file": NAMES,
        "code": ["007", "08", "1", "2"],
        "mixed": ["1", "NA", "x", "2"],
        "gaps": ["1", "NA", "2", ""],
    }
    path = written(root, rows)
    assert vary.table(path, "file", "code").classes == ["007", "08", "1", "2"]
    assert vary.table(path, "file", "mixed").classes == ["1", "2", "NA", "x"]
    with pytest.raises(InputError, match=r"labels of row 1 .* is None"):
        vary.table(path, "file", "gaps")


def test_damaged_and_wrong_files(root: Path) -> None:
    path = root / "pets.csv"
    for text, message in (
        ("file,breed\na/0.png,x\na/1.png\n", r"pets.csv, line 3: 1 values, and the header names 2 columns"),
        ("", "no rows"),
        ("file\n", "no rows"),
        ("file,file\na/0.png,a/1.png\n", "several columns of this name"),
    ):
        path.write_text(text)
        with pytest.raises((SourceError, InputError), match=message):
            vary.table(path, "file")
    path.write_bytes(b"file\n\xff\xfe\n")
    with pytest.raises(SourceError, match=r"not UTF-8 text.*save it as"):
        vary.table(path, "file")
    path.write_bytes(b"\xef\xbb\xbffile\n\na/0.png\n")  # a byte order mark and an empty line
    assert list(vary.table(path, "file").paths) == [str(root / "a/0.png")]
    (root / "x.parquet").write_bytes(b"version https://git-lfs")
    with pytest.raises(SourceError, match=r"is not a Parquet file.*download it again"):
        vary.table(root / "x.parquet", "file")
    for wrong, message in ((root / "gone.csv", "does not exist"), (root, "is a folder")):
        with pytest.raises(SourceError, match=message):
            vary.table(wrong, "file")
    with pytest.raises(SourceError, match="root='nowhere' is not a folder in the current folder"):
        vary.table(ROWS, "file", root="nowhere")
    for other in ([1, 2], None, 3):
        with pytest.raises(InputError, match="give a DataFrame, a pyarrow table"):
            vary.table(other, "file")


def test_parquet_without_pyarrow_names_the_cure(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "x.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="needs the package pyarrow: pip install pyarrow; or give a DataFrame"):
        vary.table(root / "x.parquet", "file")


def test_a_damaged_parquet_file(root: Path) -> None:
    pytest.importorskip("pyarrow")
    (root / "x.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match="damaged Parquet file"):
        vary.table(root / "x.parquet", "file")


def test_columns_whose_names_are_no_text(root: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({0: NAMES, "label": ROWS["breed"], ("a", 1): ROWS["age"]})
    with pytest.raises(InputError, match=r"images='labels'.*did you mean label"):
        vary.table(frame, "labels", root=root)
    with pytest.raises(InputError, match="images=0; give the name of a column, as text"):
        vary.table(frame, 0, root=root)  # type: ignore[arg-type]


def test_empty_lists_alone_have_the_classes_given(root: Path) -> None:
    source = vary.table({"file": NAMES, "all": [[]] * 4}, "file", "all", root=root, classes=["a", "b"])
    assert source.label_batch([0])[0].tolist() == [[0, 0]]


def test_a_lazy_frame_is_refused(root: Path) -> None:
    polars = pytest.importorskip("polars")
    with pytest.raises(InputError, match=r"give table.collect\(\)"):
        vary.table(polars.LazyFrame(ROWS), "file", root=root)


def test_files_of_16_bits(root: Path) -> None:
    Image.fromarray(np.full((4, 4), 700, np.uint16)).save(root / "deep.png")
    source = vary.table({"file": ["deep.png"]}, "file", root=root, dtype="uint16")
    assert vary.stream(source, vary.Policy([]), channels=1).peek().images.max() == 700


def test_weights_of_samples_are_a_third_field(root: Path) -> None:
    source = vary.table(ROWS, "file", "breed", root=root, weights="age")
    (batch,) = vary.stream(source, vary.Policy([]), shuffle=False)
    assert batch.fields == ("images", "labels", "sample_weight")
    assert (batch.sample_weight.dtype, batch.sample_weight.tolist()) == (np.float32, ROWS["age"])
    assert packed(batch, 1)[2] is batch.sample_weight, "as Keras takes them"


def test_a_table_works_as_other_sources_do(root: Path) -> None:
    source = vary.table(ROWS, "file", "breed", root=root)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        part = source[[0, 1]]
    assert part.paths == (str(root / NAMES[0]), str(root / NAMES[1]))
    assert pickle.loads(pickle.dumps(source)).paths[3] == source.paths[3]
    train = vary.stream(source, vary.Policy([]), cache="disk", seed=3)
    assert sorted(index for batch in train for index in batch.indices.tolist()) == [0, 1, 2, 3]
    assert "Table(4 pictures" in repr(source)
    (root / NAMES[1]).unlink()
    with pytest.raises(SourceError, match="was there when the table was read"):
        source[1]


def test_a_table_given_to_a_stream_names_the_cure(root: Path) -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match=r"the source is a DataFrame; vary.table\(frame, images=, labels=\)"):
        vary.stream(pandas.DataFrame(ROWS), vary.Policy([]))
    with pytest.raises(SourceError, match=r"is a file; .*vary.table\(path, images=, labels=\)"):
        vary.stream(written(root, ROWS), vary.Policy([]))


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_bytes_are_cached(root: Path, cache: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    data = [(root / name).read_bytes() for name in NAMES]
    for order in (1, -1):  # the second time with the same bytes in other places
        source = vary.table({"image": data[::order], "tag": ROWS["tag"]}, "image", "tag")
        train = vary.stream(source, vary.Policy([]), cache=cache)
        for _ in range(2):
            (batch,) = train
            assert batch.images[:, 0, 0, 0].tolist() == [range(4)[::order][index] for index in batch.indices]
            assert batch.labels.tolist() == [ROWS["tag"][index] for index in batch.indices]
        train.close()


def test_types_of_each_library(root: Path) -> None:
    pandas, polars, arrow = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    breed, tags = ROWS["breed"], ROWS["tag"]
    for given in (
        pandas.DataFrame({"file": NAMES, "breed": pandas.array(breed, "string"), "tag": pandas.array(tags, "Int64")}),
        polars.DataFrame({"file": NAMES, "breed": polars.Series(breed, dtype=polars.Categorical), "tag": tags}),
        polars.DataFrame(
            {"file": NAMES, "breed": polars.Series(breed, dtype=polars.Enum(["pug", "corgi", "boxer"])), "tag": tags}
        ),
        arrow.table(
            {"file": NAMES, "breed": arrow.array(breed).dictionary_encode(), "tag": arrow.array(tags, "uint8")}
        ),
        arrow.record_batch({"file": NAMES, "breed": breed, "tag": tags}),
        arrow.concat_tables(
            [arrow.table({"file": [NAMES[k]], "breed": [breed[k]], "tag": [tags[k]]}) for k in range(4)]
        ),
    ):
        source = vary.table(given, "file", {"labels": "breed", "tag": "tag"}, root=root)
        assert source.classes == ["boxer", "corgi", "pug"]
        assert [column.tolist() for column in source.label_batch(range(4))] == [[2, 0, 2, 1], tags]
        assert len(source.split(0.5, groups="breed")[1]) in (1, 2, 3)
    cells = [{"bytes": (root / name).read_bytes(), "path": name} for name in NAMES]
    chunks = arrow.chunked_array([arrow.array(cells[:1]), arrow.array(cells[1:])])
    source = vary.table(arrow.table({"image": chunks}).slice(1), "image")
    assert [source[place].image for place in range(3)] == [(one["bytes"], one["path"]) for one in cells[1:]]
    cells[2] = None  # type: ignore[call-overload]
    with pytest.raises(InputError, match="column 'image', row 2: None; give a dict"):
        vary.table(arrow.table({"image": cells}), "image")


def test_names_of_a_table_divide_as_those_of_its_folder(root: Path) -> None:
    folder = vary.Folder(root)
    table = vary.table({"file": NAMES[::-1], "breed": ROWS["breed"]}, "file", "breed", root=root)
    parts = [{*map(str, part.paths)} for part in folder.split(0.5, by="name", seed=1)]
    assert [{*map(str, part.paths)} for part in table.split(0.5, by="name", seed=1)] == parts
    renamed = vary.stream(table, vary.Policy([]), classes=["pug", "corgi", "boxer"]).source
    assert [{*map(str, part.paths)} for part in vary.sources.split(renamed, 0.5, by="name", seed=1)] == parts
    assert len(vary.sources.split(renamed, 0.5, groups="breed")[1]) == 2
