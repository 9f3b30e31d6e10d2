"""`vary.table`: categories, objects and texts of columns."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st
from PIL import Image

import vary
from vary.errors import InputError
from vary.sources import cells, columns

NAMES = ["a/0.png", "a/1.png", "b/2.png", "b/3.png"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for value, name in enumerate(NAMES):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5), (value, 10, 20)).save(path)
    return tmp_path / "pets"


def test_objects_of_pandas_are_no_labels(root: Path) -> None:
    pandas = pytest.importorskip("pandas")
    for column in (pandas.period_range("2020", periods=4, freq="D"), pandas.interval_range(0, 4)):
        with pytest.raises(InputError, match=r"labels of row 0 .*give whole numbers, floats, or names"):
            vary.table(pandas.DataFrame({"file": NAMES, "x": column}), "file", "x", root=root)


def test_names_of_a_csv_file_keep_their_underscores_and_lose_leading_spaces(root: Path) -> None:
    path = root / "pets.csv"
    path.write_text("file, code, name\n" + "".join(f"{name}, {n}_0, x{n % 2}\n" for n, name in enumerate(NAMES)))
    assert vary.table(path, "file", "code").classes == ["0_0", "1_0", "2_0", "3_0"]
    assert vary.table(path, "file", "name").classes == ["x0", "x1"]


def test_categories_of_polars_and_pyarrow_without_rows_keep_their_ids(root: Path) -> None:
    polars, pyarrow, pandas = (pytest.importorskip(name) for name in ("polars", "pyarrow", "pandas"))
    breeds = ["pug", "boxer", "pug", "corgi"]
    kind = polars.Enum(["pug", "dog", "corgi", "boxer"])
    column = pandas.Series(pandas.Categorical(breeds, ["pug", "dog", "corgi", "boxer"]))
    encoded = pyarrow.Array.from_pandas(column)
    forms = [
        polars.DataFrame({"file": NAMES, "breed": polars.Series(breeds).cast(kind)}),
        pyarrow.table({"file": NAMES, "breed": encoded}),
        pyarrow.table({"file": NAMES, "breed": pyarrow.chunked_array([encoded[:1], encoded[1:]])}),
        pandas.DataFrame({"file": NAMES, "breed": column}),
    ]
    for frame in forms:
        source = vary.table(frame, "file", "breed", root=root)
        assert source.classes == ["boxer", "corgi", "dog", "pug"]
        assert source.labels is not None
        assert source.labels.tolist() == [3, 0, 3, 1]
        assert len(source.split(0.5, groups="breed")[0]) in (1, 2, 3)
    missing = pyarrow.table({"file": NAMES, "breed": pyarrow.array(["a", None, "b", "a"]).dictionary_encode()})
    with pytest.raises(InputError, match=r"labels of row 1 .* is missing"):
        vary.table(missing, "file", "breed", root=root)
    paths = pyarrow.table({"file": pyarrow.array(NAMES).dictionary_encode()})
    assert len(vary.table(paths, "file", root=root)) == 4
    assert (
        len(vary.table(polars.DataFrame({"file": polars.Series(NAMES).cast(polars.Enum(NAMES))}), "file", root=root))
        == 4
    )
    some = {"file": ["no.png", *NAMES[:3]], "breed": encoded}
    with pytest.warns(UserWarning, match=r"no.png"):
        left = vary.table(pyarrow.table(some), "file", "breed", root=root, missing="skip")
    assert left.labels is not None
    assert left.labels.tolist() == [0, 3, 1]
    assert left.classes == ["boxer", "corgi", "dog", "pug"]


def test_categories_of_pandas_without_rows_keep_their_ids(root: Path) -> None:
    pandas = pytest.importorskip("pandas")
    breed = pandas.Categorical(["pug", "boxer", "pug", "corgi"], categories=["akita", "boxer", "corgi", "pug"])
    frame = pandas.DataFrame({"file": NAMES, "breed": breed}, index=[9, 9, 5, 1])
    source = vary.table(frame, "file", "breed", root=root)
    assert source.classes == ["akita", "boxer", "corgi", "pug"]
    assert source.label_batch(range(4))[0].tolist() == [3, 1, 3, 2]


CELLS = st.text(st.sampled_from('ab,; "\r\n\té0_-.'), max_size=4)


@settings(max_examples=400)
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=5), end=st.sampled_from(["\n", "\r\n", "\r"]))
@example(rows=[["0\n", ""]], end="\r")
def test_quick_reading_of_csv_files_is_that_of_the_module(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str
) -> None:
    """Where the quick one reads a file at all."""
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    for delimiter in ",;":
        lines = [["file", "label"], *rows]
        path.write_text(end.join(delimiter.join(line) for line in lines), encoding="utf-8", newline="")
        quick = columns._plain_csv(path.read_bytes(), "file")
        if quick is not None:
            assert quick == columns._read_csv(str(path), path.read_bytes(), "file")


def test_plain_csv_files_are_read_quickly() -> None:
    for text in ("file,label\na,1\nb,2\n", "\ufefffile;label\r\na;1\r\nb;2"):
        assert columns._plain_csv(text.encode(), "file") == (["file", "label"], [["a", "b"], ["1", "2"]])


@settings(max_examples=200)
@given(
    names=st.lists(
        st.sampled_from(
            ["a", "b", "x/a", "x/b", "x//a", "./a", "x/../a", "y/a", "x/y/a", "/a", "none", "z/a", "x/", "~a"]
        ),
        min_size=1,
        max_size=4,
    )
)
def test_quick_comparison_with_folders_is_that_of_rows(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    root = tmp_path_factory.getbasetemp() / "listed"
    for name in ("a", "b", "~a", "x/a", "x/b", "x/y/a", "y/a"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    quick = cells._all_there(names, str(root), {})
    if quick is not None:
        assert (quick, None) == cells._those_there("file", names, (str(root), "", "raise"), {})
