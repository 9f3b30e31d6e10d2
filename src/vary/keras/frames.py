"""`DataFrameIterator`: batches of the images that the rows of a table name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vary.errors import brief, warn_caller
from vary.keras.faces import Compat
from vary.keras.fromfiles import BatchFromFilesMixin
from vary.keras.iterator import Iterator
from vary.keras.listing import classes_of
from vary.keras.rows import (
    VALUES,
    ColumnTypeError,
    Labels,
    array_of,
    check_targets,
    check_types,
    check_weights,
    class_labels,
    existing,
    values_of,
)
from vary.keras.subsets import first_part, stratified
from vary.keras.traps import warn_of_trap
from vary.sample import Array
from vary.sources.columns import Columns, columns_of, is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.keras.files import OnError
    from vary.keras.subsets import AugmentValidation

__all__ = ["DataFrameIterator"]

SHOWN = 3  # names in a message


class DataFrameIterator(BatchFromFilesMixin, Iterator):
    """What `ImageDataGenerator.flow_from_dataframe` returns: x, (x, y) or (x, y, sample_weight).

    dataframe: of pandas or polars, a pyarrow table, a dict of columns, or the path of a CSV or Parquet file. x_col: the
    column of paths, relative to `directory`, or to the current folder. y_col: the column of labels; a list of columns
    for class_mode "multi_output" and "raw". class_mode: "categorical" (rows of 0 and 1; labels are texts, or lists of
    texts where there are several), "binary" or "sparse" (ids, int64), "raw" (the values), "multi_output" (a list of
    arrays), "input" (a copy of x) or None. weight_col: a column of numbers. classes: those that are used, in the order
    of their ids. validate_filenames: leave out rows whose file does not exist, or has no name of an image; each folder
    is listed once. The others are those of `DirectoryIterator`.
    """

    allowed_class_modes: ClassVar[set[str | None]] = {
        "binary",
        "categorical",
        "input",
        "multi_output",
        "raw",
        "sparse",
        None,
    }

    def __init__(
        self,
        dataframe: Any,  # Any: a table, and columns of any name
        directory: str | os.PathLike[str] | None = None,
        image_data_generator: Any = None,
        x_col: Any = "filename",
        y_col: Any = "class",
        weight_col: Any = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = "channels_last",
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: str | None = "float32",
        validate_filenames: bool = True,
        *,
        augment_validation: AugmentValidation | None = None,
        on_error: OnError = "raise",
        compat: Compat = None,
    ) -> None:
        self.compat = getattr(image_data_generator, "compat", compat)
        files, saving = (target_size, color_mode, data_format), (save_to_dir, save_prefix, save_format)
        how = subset, interpolation, keep_aspect_ratio
        self.set_processing_attrs(image_data_generator, *files, *saving, *how)
        self._set_labels(class_mode, dtype)
        self.directory = os.fspath(directory or "")
        numbers = self._read(columns_of(dataframe, x_col), (x_col, y_col, weight_col), classes, validate_filenames)
        super().__init__(self.samples, batch_size, shuffle, seed, compat=self.compat)
        self._begin_files(numbers, augment_validation, on_error)

    def _read(
        self, table: Columns, columns: tuple[Any, Any, Any], classes: Sequence[str] | None, validate: bool
    ) -> Array | None:
        """Keep names, labels and weights. Returns the indices among all valid rows, if there is a subset."""
        x_col, y_col, weight_col = columns
        classes = classes_of(classes, compat=self.compat)
        names = _texts(values_of(table, "x_col", x_col), x_col)
        targets, weights = self._targets_of(table, y_col), _weights(table, weight_col, self.compat)
        paths = _joined(self.directory, names)
        rows = np.array(existing(paths, self.compat) if validate else range(len(names)), np.int64)
        remark = self._missing(
            x_col, [names[row] for row in np.delete(np.arange(len(names)), rows).tolist()], len(rows)
        )
        found: Labels | None = None
        if self.class_mode not in VALUES:
            labels = values_of(table, "y_col", y_col)
            said = f'y_col="{y_col}"'
            check_types(labels, rows.tolist(), said, str(self.class_mode))
            found = class_labels([labels[row] for row in rows.tolist()], str(self.class_mode), classes, self.compat)
            rows = rows[found.rows]
        elif classes:
            warn_of_trap(
                f"`classes` will be ignored given the class_mode={self.class_mode!r}; leave it out", self.compat
            )
        _check(targets, weights, rows, (y_col, weight_col), self.compat)
        values = targets[rows] if isinstance(targets, np.ndarray) else targets
        chosen = self._chosen(len(rows), values if found is None else found.ids)
        if found is not None:
            self.class_indices = {name: number for number, name in enumerate(found.names)}
            self.classes = _part(found.ids, chosen)
        rows = rows if chosen is None else rows[chosen]
        self._targets = [one[rows] for one in targets] if isinstance(targets, list) else targets
        self._targets = self._targets[rows] if isinstance(targets, np.ndarray) else self._targets
        self._sample_weight = None if weights is None else weights[rows]
        every = len(rows) == len(names)
        self.filenames, self._filepaths = (some if every else [some[row] for row in rows] for some in (names, paths))
        self.samples = len(rows)
        known = f" belonging to {len(found.names)} classes" if found is not None else ""
        said = f"Found {self.samples} {'' if validate else 'non-'}validated image filenames{known}."
        print(said, *remark)  # noqa: T201  as the original
        return chosen

    def _targets_of(self, table: Columns, y_col: Any) -> Any:
        """The values of class modes without classes: an array, a list of arrays, or None."""
        if self.class_mode == "multi_output":
            if not isinstance(y_col, list | tuple):
                raise ColumnTypeError(
                    f'If class_mode="multi_output", y_col must be a list. Received {type(y_col).__name__}: {y_col!r}'
                )
            return [array_of(table, "y_col", name) for name in y_col]
        if self.class_mode != "raw":
            return None
        if isinstance(y_col, list | tuple):
            return np.stack([array_of(table, "y_col", name) for name in y_col], 1)
        return array_of(table, "y_col", y_col)

    def _missing(self, x_col: object, names: list[str], found: int) -> list[str]:
        """What to print of rows without a file."""
        if not names:
            return []
        shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        text = f'Found {len(names)} invalid image filename(s) in x_col="{x_col}". These filename(s) will be ignored.'
        if self.compat is not None:
            warn_caller(text, UserWarning)
            return []
        if not found:
            where = self.directory or os.getcwd()  # noqa: PTH109
            cure = "pass the folder as directory=, and names with their ending: frame[column] + '.jpg'"
            if "://" in names[0]:
                cure = "URLs are not read; download the files"
            elif "\\" in names[0]:
                cure = "paths have slashes: frame[column].str.replace('\\\\', '/')"
            warn_of_trap(
                f"x_col={x_col!r}: no row names a file in {where!r} with the ending of an image: {shown}; {cure}"
            )
        return [f"{text[:-1]}: {shown}."]

    def _chosen(self, count: int, labels: Any) -> Array | None:
        """The rows of the subset; None: all. labels: those of each row; lists are of several classes, or outputs."""
        if self.subset is None:
            return None
        if self.compat is None:
            of_several = np.zeros((count, 2))
            labels = of_several if isinstance(labels, list) else labels
            return stratified(self.subset, self._split, count, labels)
        return first_part(self.subset, self._split, count, None)

    @property
    def labels(self) -> Any:  # Any: an array, or a list
        """Class ids, lists of them, or values."""
        return self._targets if self.class_mode in ("multi_output", "raw") else getattr(self, "classes", None)

    @property
    def sample_weight(self) -> Array | None:
        """The values of weight_col."""
        return self._sample_weight


def _part(ids: Any, chosen: Array | None) -> Any:  # Any: an array, or a list
    if chosen is None:
        return ids
    return ids[chosen] if isinstance(ids, np.ndarray) else [ids[place] for place in chosen.tolist()]


def _texts(values: list[Any], x_col: object) -> list[str]:
    if set(map(type, values)) == {str}:
        return values
    for row, one in enumerate(values):
        if not isinstance(one, str | os.PathLike):
            cure = "; turn numbers into names: frame[column].astype(str) + '.jpg'" if isinstance(one, int) else ""
            raise ColumnTypeError(
                f"All values in column x_col={x_col} must be strings: row {row} has {brief(one)}{cure}"
            )
    return [os.fspath(one) for one in values]


def _joined(directory: str, names: list[str]) -> list[str]:
    start = os.path.join(directory, "")  # noqa: PTH118
    return [name if name[:1] == "/" else start + name for name in names]


def _weights(table: Columns, weight_col: Any, compat: Compat) -> Array | None:
    if weight_col is None:
        return None
    weights = array_of(table, "weight_col", weight_col)
    if compat is not None and weights.dtype.kind not in "biuf":
        raise ColumnTypeError(f"Column weight_col={weight_col} must be numeric: it has {brief(weights.tolist()[0])}")
    if weights.dtype.kind == "O":  # with None
        return np.array([np.nan if is_missing(one) else one for one in weights.tolist()])
    return weights


# Any: as above
def _check(targets: Any, weights: Array | None, rows: Array, said: tuple[Any, Any], compat: Compat) -> None:
    """Errors and warnings of values that make no sense in the rows that are used. said: y_col and weight_col."""
    y_col, weight_col = said
    if compat is not None:
        return
    if targets is not None:
        several = targets if isinstance(targets, list) else [targets]
        for one, name in zip(several, y_col if isinstance(targets, list) else [y_col], strict=True):
            check_targets(one, rows, f"y_col={name!r}")
    if weights is not None:
        check_weights(weights, rows, f"Column weight_col={weight_col}")
