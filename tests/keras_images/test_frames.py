"""`flow_from_dataframe` by default."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_images.pictures import folder_of_pictures

import vary
from vary.keras import ImageDataGenerator, TrapWarning

HOW: dict[str, Any] = {"target_size": (20, 15), "shuffle": False, "batch_size": 30}
FORMS = ("dict", "pandas", "polars", "pyarrow", "csv")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return folder_of_pictures(tmp_path / "data", {"a": 6, "b": 5})


def table(root: Path) -> dict[str, Any]:
    names = [str(one.relative_to(root)) for one in sorted(root.rglob("*.*"))]
    count = len(names)
    return {
        "filename": names,
        "class": [name[0] for name in names],
        "size": [0.5 * n for n in range(count)],
        "several": [["b", "a"] if n % 3 == 0 else ["c"] if n % 3 == 1 else "a" for n in range(count)],
    }


def in_form(data: dict[str, Any], form: str, folder: Path) -> Any:
    plain = {name: data[name] for name in ("filename", "class", "size")}
    if form == "pandas":
        pandas = pytest.importorskip("pandas")
        return pandas.DataFrame(plain, index=range(100, 100 + len(plain["class"])))
    if form == "polars":
        return pytest.importorskip("polars").DataFrame(plain)
    if form == "pyarrow":
        return pytest.importorskip("pyarrow").table(plain)
    if form == "csv":
        rows = ["filename,class,size", *(",".join(map(str, row)) for row in zip(*plain.values(), strict=True))]
        (folder / "table.csv").write_text("\n".join(rows))
        return folder / "table.csv"
    return plain


@pytest.mark.parametrize("form", FORMS)
def test_tables_of_any_library_give_the_same_batches(root: Path, tmp_path: Path, form: str) -> None:
    data = table(root)
    frame = in_form(data, form, tmp_path)
    generator = ImageDataGenerator()
    folder = generator.flow_from_directory(root, **HOW)
    found = generator.flow_from_dataframe(frame, root, weight_col="size", **HOW)
    assert found.class_indices == {"a": 0, "b": 1}
    assert found.filenames == data["filename"]
    x, y = folder[0]
    a, b, w = found[0]
    assert (a == x).all()
    assert (b == y).all()
    assert w.tolist() == data["size"]
    raw = generator.flow_from_dataframe(frame, root, y_col="size", class_mode="raw", **HOW)
    assert raw[0][1].tolist() == data["size"]


def test_labels_of_each_mode(root: Path) -> None:
    data, generator = table(root), ImageDataGenerator()
    _, y = generator.flow_from_dataframe(data, root, y_col="several", **HOW)[0]
    assert y[:4].tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 0], [1, 1, 0]]
    it = generator.flow_from_dataframe(data, root, class_mode="sparse", classes=["b", "a"], **HOW)
    assert it[0][1].tolist() == [1] * 6 + [0] * 5
    assert it[0][1].dtype == np.int64
    only = generator.flow_from_dataframe(data, root, class_mode="sparse", classes=["b"], **HOW)
    assert only.samples == 5
    _, (first, second) = generator.flow_from_dataframe(
        data, root, y_col=["size", "class"], class_mode="multi_output", **HOW
    )[0]
    assert first.tolist() == data["size"]
    assert second.tolist() == data["class"]
    both = {**data, "twice": [2 * one for one in data["size"]]}
    _, y = generator.flow_from_dataframe(both, root, y_col=["size", "twice"], class_mode="raw", **HOW)[0]
    assert (y[:, 1] == 2 * y[:, 0]).all()
    assert generator.flow_from_dataframe(data, root, class_mode=None, **HOW)[0].shape == (11, 20, 15, 3)


def test_rows_without_a_file_are_left_out_and_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = table(root)
    (root / "note.txt").write_text("no image")
    more = {"filename": [*data["filename"], "a/absent.png", "note.txt"], "class": [*data["class"], "c", "d"]}
    it = ImageDataGenerator().flow_from_dataframe(more, root, **HOW)
    assert it.samples == 11
    assert it.class_indices == {"a": 0, "b": 1}
    said = capsys.readouterr().out
    assert said.startswith("Found 11 validated image filenames belonging to 2 classes. Found 2 invalid")
    assert "a/absent.png, note.txt" in said
    whole = ImageDataGenerator().flow_from_dataframe(more, root, validate_filenames=False, **HOW)
    assert whole.samples == 13
    with pytest.warns(TrapWarning, match="directory="):
        it = ImageDataGenerator().flow_from_dataframe({"filename": ["1"], "class": ["a"]}, root, classes=["b", "a"])
    assert (it.samples, len(it), it.class_indices) == (0, 0, {"b": 0, "a": 1})


def test_each_folder_is_listed_once_and_no_file_is_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, data = list[str](), table(root)
    with monkeypatch.context() as patch:
        for name in ("scandir", "stat", "listdir"):
            real = getattr(os, name)
            patch.setattr(
                os, name, lambda path, *a, real=real, name=name, **k: calls.append(name) or real(path, *a, **k)
            )
        ImageDataGenerator().flow_from_dataframe(data, str(root), **HOW)
    assert calls.count("scandir") == 2
    assert "listdir" not in calls
    assert calls.count("stat") < len(data["class"])


def test_paths_may_be_absolute_and_occur_twice(root: Path) -> None:
    names = [str(root / "a/0.jpg"), str(root / "b/1.png"), str(root / "a/0.jpg")]
    it = ImageDataGenerator().flow_from_dataframe({"filename": names, "class": ["x", "y", "x"]}, **HOW)
    x, _ = it[0]
    assert (x[0] == x[2]).all()
    assert (x[0] != x[1]).any()


def test_subsets_divide_each_class(root: Path) -> None:
    generator = ImageDataGenerator(validation_split=0.3)
    parts = [
        generator.flow_from_dataframe(table(root), root, class_mode="binary", subset=one, **HOW)
        for one in ("training", "validation")
    ]
    assert [np.bincount(one.classes).tolist() for one in parts] == [[4, 4], [2, 1]]
    assert sorted(parts[0].filenames + parts[1].filenames) == sorted(table(root)["filename"])
    raw = generator.flow_from_dataframe(table(root), root, y_col="size", class_mode="raw", subset="validation", **HOW)
    assert raw[0][1].tolist() == [0.5 * table(root)["filename"].index(name) for name in raw.filenames]


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"class_mode": "output"}, ValueError, "Invalid class_mode"),
    ({"y_col": "size"}, TypeError, "astype"),
    ({"y_col": "size", "class_mode": "multi_output"}, TypeError, "must be a list"),
    ({"y_col": "several", "class_mode": "sparse"}, TypeError, "must be strings"),
    ({"class_mode": "binary", "classes": ["a"]}, ValueError, "2 classes"),
    ({"weight_col": "class"}, TypeError, "must be numeric"),
    ({"x_col": "size"}, TypeError, "must be strings"),
    ({"x_col": "file"}, ValueError, "no such column"),
    ({"y_col": None, "class_mode": "raw"}, ValueError, "y_col=None; give the name of a column"),
    ({"classes": "ab"}, ValueError, "give a list of names"),
    ({"augment_valdation": "frozen"}, TypeError, "augment_validation"),
]


@pytest.mark.parametrize(("given", "error", "said"), WRONG)
def test_wrong_arguments_are_errors(root: Path, given: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        ImageDataGenerator().flow_from_dataframe(table(root), root, **given)


@pytest.mark.parametrize("name", ["has_ext", "sort", "drop_duplicates", "follow_links"])
def test_arguments_of_old_versions_are_traps(root: Path, name: str) -> None:
    with pytest.warns(TrapWarning, match=f"{name}= has no effect"):
        it = ImageDataGenerator().flow_from_dataframe(table(root), root, **{name: True}, workers=3, **HOW)
    assert it.samples == 11
    with pytest.warns(DeprecationWarning, match="raw"):
        other = ImageDataGenerator().flow_from_dataframe(table(root), root, y_col="size", class_mode="other", **HOW)
    assert other[0][1].dtype == np.float64


def test_errors_count_the_rows_of_the_table(root: Path) -> None:
    rows = {"filename": ["a/none.jpg", *table(root)["filename"][:3]], "class": ["a", "b", "a", 3]}
    with pytest.raises(TypeError, match="row 3 has 3"):
        ImageDataGenerator().flow_from_dataframe(rows, root)


def test_classes_may_be_an_array(root: Path) -> None:
    names = np.array(["b", "a"])
    it = ImageDataGenerator().flow_from_dataframe(table(root), root, classes=names, **HOW)  # type: ignore[arg-type]
    assert it.class_indices == {"b": 0, "a": 1}


@pytest.mark.parametrize("class_mode", ["raw", None, "input", "multi_output"])
def test_rows_are_split_by_the_labels_that_they_have(tmp_path: Path, class_mode: Any) -> None:
    root = folder_of_pictures(tmp_path, {"a": 20})
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*.*") if path.is_file())
    table = {"filename": names, "class": [0] * 10 + [1] * 10}
    generator, y_col = ImageDataGenerator(validation_split=0.2), ["class"] if class_mode == "multi_output" else "class"
    it = generator.flow_from_dataframe(table, root, y_col=y_col, class_mode=class_mode, subset="validation", **HOW)
    chosen = [names.index(name) for name in it.filenames]
    assert len(chosen) == 4
    if class_mode == "raw":
        assert sum(number < 10 for number in chosen) == 2
    else:
        assert (chosen == [0, 1, 2, 3]) == (class_mode != "multi_output")


NAN = float("nan")


@pytest.mark.parametrize("values", [[NAN, 1.0], [float("inf"), 1.0], [[1.0, NAN], [1.0, 2.0]]])
@pytest.mark.parametrize("mode", ["raw", "multi_output"])
def test_targets_that_are_not_finite_are_a_trap(root: Path, values: list[Any], mode: str) -> None:
    names = table(root)["filename"]
    data = {"filename": names[:2], "y": values}
    y_col = "y" if mode == "raw" else ["y"]
    with pytest.warns(TrapWarning, match="row 0 has"):
        ImageDataGenerator().flow_from_dataframe(data, root, y_col=y_col, class_mode=mode, **HOW)
    ImageDataGenerator(compat="keras-2").flow_from_dataframe(data, root, y_col=y_col, class_mode=mode, **HOW)
    data["filename"] = ["nothing.png", names[1]]  # its row is left out
    ImageDataGenerator().flow_from_dataframe(data, root, y_col=y_col, class_mode=mode, **HOW)


@pytest.mark.parametrize("values", [[None, 1], [[1], [1, 2]]])
def test_targets_are_one_array(root: Path, values: list[Any]) -> None:
    data = {"filename": table(root)["filename"][:2], "y": values}
    with pytest.raises(TypeError, match="y_col='y'"):
        ImageDataGenerator().flow_from_dataframe(data, root, y_col="y", class_mode="raw", **HOW)


@pytest.mark.parametrize("values", [[NAN, 1.0], [None, 1], ["a", "b"], [float("inf"), 1]])
def test_weights_are_numbers(root: Path, values: list[Any]) -> None:
    data = {"filename": table(root)["filename"][:2], "class": ["a", "b"], "w": values}
    with pytest.raises(TypeError, match="weight_col=w must be numeric: row 0"):
        ImageDataGenerator().flow_from_dataframe(data, root, weight_col="w", **HOW)
    if not isinstance(values[0], str):
        data["filename"] = ["nothing.png", data["filename"][1]]
        assert ImageDataGenerator().flow_from_dataframe(data, root, weight_col="w", **HOW)[0][2].tolist() == [1]


@pytest.mark.parametrize("values", [[-1, 1], [0, 0]])
def test_weights_that_train_on_nonsense_are_a_trap(root: Path, values: list[Any]) -> None:
    data = {"filename": table(root)["filename"][:2], "class": ["a", "b"], "w": values}
    with pytest.warns(TrapWarning, match="weight_col=w"):
        ImageDataGenerator().flow_from_dataframe(data, root, weight_col="w", **HOW)


def test_a_sample_may_have_no_class_of_several(root: Path) -> None:
    data = {"filename": table(root)["filename"][:3], "class": [[], ["a"], ["a", "b"]]}
    x, y = ImageDataGenerator().flow_from_dataframe(data, root, **HOW)[0]
    assert y.tolist() == [[0, 0], [1, 0], [1, 1]]
    assert len(x) == 3
    old = ImageDataGenerator(compat="keras-2").flow_from_dataframe(data, root, **HOW)
    assert old.samples == 2  # as the original


def test_lists_in_columns_of_arrow(root: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    data = {"filename": table(root)["filename"][:2], "class": [["a"], ["a", "b"]]}
    found = ImageDataGenerator().flow_from_dataframe(pyarrow.table(data), root, **HOW)
    assert found[0][1].tolist() == [[1, 0], [1, 1]]


def test_labels_that_select_or_mean_nothing_are_traps(root: Path) -> None:
    data = {"filename": table(root)["filename"][:2], "class": ["a", ""]}
    with pytest.warns(TrapWarning, match="empty text"):
        ImageDataGenerator().flow_from_dataframe(data, root, **HOW)
    with pytest.warns(TrapWarning, match="cow"):
        ImageDataGenerator().flow_from_dataframe(data, root, classes=["cow"], **HOW)


@pytest.mark.parametrize(
    ("name", "cure"), [("x\\y.png", "slashes"), ("https://x.org/y.png", "download"), ("y", "ending")]
)
def test_names_of_no_file_say_the_cure(root: Path, name: str, cure: str) -> None:
    with pytest.warns(TrapWarning, match=cure):
        ImageDataGenerator().flow_from_dataframe({"filename": [name], "class": ["a"]}, root, **HOW)
    with pytest.raises(TypeError, match="astype"):
        ImageDataGenerator().flow_from_dataframe({"filename": [1], "class": ["a"]}, root, **HOW)


@pytest.mark.parametrize("form", ["flow", "directory", "dataframe"])
def test_a_folder_to_save_to_exists_when_the_iterator_is_made(root: Path, tmp_path: Path, form: str) -> None:
    def made(compat: Any = None, **how: Any) -> Any:
        generator = ImageDataGenerator(compat=compat)
        if form == "flow":
            return generator.flow(np.zeros((2, 8, 8, 3)), **how)
        if form == "directory":
            return generator.flow_from_directory(root, **how)
        return generator.flow_from_dataframe(table(root), root, **how)

    with pytest.raises(vary.SourceError, match=r"save_to_dir=.*saved.*makedirs"):
        made(save_to_dir=str(tmp_path / "saved"))
    with pytest.raises(vary.InputError, match="save_to_dir=3"):
        made(save_to_dir=3)
    with pytest.raises(vary.InputError, match="save_format='xyz'"):
        made(save_to_dir=tmp_path, save_format="xyz")
    old = made("keras-2", save_to_dir=str(tmp_path / "saved"))  # as the original, which saves with the first batch
    (tmp_path / "saved").mkdir()
    next(old)
    next(made(save_to_dir=tmp_path / "saved", save_format="jpeg"))
    assert list((tmp_path / "saved").glob("*.jpeg"))


def test_classes_have_an_order(root: Path) -> None:
    generator = ImageDataGenerator()
    for wrong in ({"a", "b"}, {"a": 1, "b": 0}):
        with pytest.raises(vary.InputError, match="in the order of their ids"):
            generator.flow_from_dataframe(table(root), root, classes=wrong, **HOW)
        with pytest.raises(vary.InputError, match="in the order of their ids"):
            generator.flow_from_directory(root, classes=wrong, **HOW)
