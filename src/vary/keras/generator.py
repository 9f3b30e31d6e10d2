"""`ImageDataGenerator`: parameters, statistics of the data, and the iterators over images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np

from vary.errors import InputError
from vary.keras import transform
from vary.keras.arrays import NumpyArrayIterator
from vary.keras.faces import Compat
from vary.keras.fit import Plan, fit, fit_as_before
from vary.keras.folders import DirectoryIterator
from vary.keras.frames import DataFrameIterator
from vary.keras.iterator import Iterator
from vary.keras.keywords import frame_keywords
from vary.keras.maker import OVERRIDDEN, is_ours
from vary.keras.parameters import BY_DATA, Parameters, checked, described, signature, without
from vary.keras.policy import policy_of
from vary.keras.standardize import Statistics, standardize

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from vary.keras.draws import Drawn
    from vary.keras.files import OnError
    from vary.keras.parameters import Shift
    from vary.keras.subsets import AugmentValidation
    from vary.policy import Policy

__all__ = ["ImageDataGenerator"]


class Beyond(TypedDict):
    """Keywords that Keras' own interface does not have."""

    augment_validation: AugmentValidation | None
    on_error: OnError


class ImageDataGenerator:
    """Batches of images, augmented as they are read: Keras' classic interface.

    Values are 0 .. 255 until `rescale`. By default, everything is drawn by the seed, the epoch and the image's index.
    compat: "keras-2" or "1.1.2" repeat what those versions do: geometry, order of draws, splits. Parameters may be
    set afterwards, as attributes. `InputError` for wrong values; a `TrapWarning` for those that are probably mistakes.

    """

    _installed: ClassVar[Compat] = None  # the `compat` that `install` was given
    featurewise_center: bool
    samplewise_center: bool
    featurewise_std_normalization: bool
    samplewise_std_normalization: bool
    zca_whitening: bool
    zca_epsilon: float
    rotation_range: float
    width_shift_range: Shift
    height_shift_range: Shift
    brightness_range: Sequence[float] | None
    shear_range: float
    zoom_range: Sequence[float]
    channel_shift_range: float
    fill_mode: str
    cval: float
    horizontal_flip: bool
    vertical_flip: bool
    rescale: float | None
    preprocessing_function: Callable[[np.ndarray], np.ndarray] | None
    data_format: str
    dtype: str
    interpolation_order: int
    validation_split: float
    mean: Any  # Any: None, or an array
    std: Any
    zca_whitening_matrix: Any

    # Any: see `Parameters`; also of compat, or type checkers would refuse ImageDataGenerator(**a_dict)
    def __init__(self, *args: Any, compat: Any = None, **kwargs: Any) -> None:
        if len(args) > len(Parameters._fields):
            raise TypeError(f"ImageDataGenerator has {len(Parameters._fields)} parameters, and {len(args)} were given")
        compat = self._installed if compat is None else compat
        given = dict(zip(Parameters._fields, args, strict=False))
        if twice := given.keys() & kwargs.keys():
            raise TypeError(f"ImageDataGenerator was given {min(twice)} twice, by place and by name")
        p = checked({**given, **kwargs}, compat)
        self.__dict__.update(p._asdict(), zoom_range=list(p.zoom_range))  # type: ignore[arg-type]
        self.compat = compat
        first = p.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)  # of a batch
        self.mean = self.std = self.zca_whitening_matrix = None

    @property
    def _validation_split(self) -> float:
        """`validation_split`, as the original calls it."""
        return self.validation_split

    @_validation_split.setter
    def _validation_split(self, fraction: float) -> None:
        self.validation_split = fraction

    @property
    def principal_components(self) -> Any:  # Any: None, or an array
        """`zca_whitening_matrix`, as version 1.1.2 calls it."""
        return self.zca_whitening_matrix

    @principal_components.setter
    def principal_components(self, matrix: Any) -> None:
        self.zca_whitening_matrix = matrix

    @property
    def parameters(self) -> Parameters:
        """The parameters as they are now."""
        return Parameters(*[getattr(self, name) for name in Parameters._fields])

    @property
    def statistics(self) -> Statistics:
        """What `fit` found, or the user has set."""
        return Statistics(self.mean, self.std, self.zca_whitening_matrix)

    # One image

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> Drawn:
        """Draw the transform of an image of this shape, (H, W, C) or channels first; see `apply_transform`."""
        return transform.get_random_transform(self.parameters, img_shape, seed, self.compat)

    def apply_transform(self, x: np.ndarray, transform_parameters: Mapping[str, float | None]) -> np.ndarray:
        """The image after a transform, in the same shape.

        x: (H, W, C), or (C, H, W) by data_format. transform_parameters: theta and shear in degrees, tx and ty in
        pixels, zx and zy, flip_horizontal, flip_vertical, channel_shift_intensity, brightness. Each may be left out.
        """
        return transform.apply_transform(self.parameters, x, transform_parameters, self.compat)

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """The image after a transform that is drawn. Without a seed, Python's `random` draws one."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """The image, or batch, after preprocessing_function, rescale and normalisation. Returns a new array; with
        `compat`, `x` itself is changed."""
        return standardize(self.parameters, x, self.statistics, self.compat)

    def to_policy(self, target_size: tuple[int, int] | None = None) -> Policy:
        """A `vary.Policy` that varies images in the same ways, for `vary.stream`; see `vary.keras.policy.policy_of`.

        target_size: (height, width), which the policy resizes to first; needed for shifts in pixels. The draws are its
        own, and `compat` changes nothing. `InputError` for normalisation before `fit`, for splines, and for a class
        that transforms images by methods of its own.
        """
        for name in OVERRIDDEN:
            if not is_ours(getattr(type(self), name)):
                raise InputError(
                    f"{type(self).__name__}.{name} is not that of ImageDataGenerator, and no policy knows what it "
                    "does; write it as a function of one image, and add vary.Lambda(function) to the policy"
                )
        return policy_of(self.parameters, target_size, self.statistics, value_range=255)

    # Data

    def fit(
        self,
        x: Any,  # Any: an array, or an iterator
        augment: bool = False,
        rounds: int = 1,
        seed: int | None = None,
        *,
        rank: int = 256,
    ) -> None:
        """Find the mean and deviation of each channel, and the whitening matrix, as far as the parameters ask for them.

        x: images (N, H, W, C), or channels first by data_format; or an iterator, such as that of `flow_from_directory`,
        whose images are then read a batch at a time. augment: with `rounds` variations of each. The images are those
        that are normalised later: after preprocessing_function and rescale. rank: of images of more than 4096 values,
        how many directions are whitened each by itself; see `vary.keras.fit`.
        """
        if self.compat is not None and not isinstance(x, Iterator):
            found = fit_as_before(self, x, augment, rounds, seed)
        else:
            source = x if isinstance(x, Iterator) else self.flow(x)
            p = self.parameters
            maker = replace(
                source._maker,
                packed=_only_images,
                saving=None,
                compat=None,
                augment="fresh" if augment else "none",
                fixed=without(p, *BY_DATA),
            )
            found = fit(Plan(maker, p, source.n, rounds if augment else 1, seed or 0), rank)
        self.mean, self.std, self.zca_whitening_matrix = found

    def flow(
        self,
        x: Any,  # Any: arrays, or what becomes one
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
        *,
        augment_validation: AugmentValidation | None = None,
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ) -> NumpyArrayIterator:
        """Batches of arrays in memory: see `NumpyArrayIterator`."""
        order, saving = (batch_size, shuffle, sample_weight, seed), (save_to_dir, save_prefix, save_format)
        how = subset, ignore_class_split, self.dtype
        made = NumpyArrayIterator(
            x, y, self, *order, self.data_format, *saving, *how, augment_validation=augment_validation
        )
        made.workers, made.use_multiprocessing, made.max_queue_size = workers, use_multiprocessing, max_queue_size
        return made

    def flow_from_directory(
        self,
        directory: str | os.PathLike[str],
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        *,
        augment_validation: AugmentValidation | None = None,
        on_error: OnError = "raise",
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ) -> DirectoryIterator:
        """Batches of the images in a folder with a sub-folder for each class: see `DirectoryIterator`."""
        files, order = (target_size, color_mode, classes, class_mode), (batch_size, shuffle, seed, self.data_format)
        saving = save_to_dir, save_prefix, save_format, follow_links, subset
        how = interpolation, keep_aspect_ratio, self.dtype
        beyond: Beyond = {"augment_validation": augment_validation, "on_error": on_error}
        # mypy loses count of the arguments in several tuples
        made = DirectoryIterator(directory, self, *files, *order, *saving, *how, **beyond)  # type: ignore[arg-type]
        made.workers, made.use_multiprocessing, made.max_queue_size = workers, use_multiprocessing, max_queue_size
        return made

    def flow_from_dataframe(
        self,
        dataframe: Any,  # Any: a table, and columns of any name
        directory: str | os.PathLike[str] | None = None,
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
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        **beyond: Any,
    ) -> DataFrameIterator:
        """Batches of the images that the rows of a table name: see `DataFrameIterator`.

        beyond: keep_aspect_ratio, augment_validation, on_error, and Keras' workers, use_multiprocessing and
        max_queue_size, which are not needed here. Others are a `TypeError`; with `compat`, they are ignored.
        """
        kept, class_mode = frame_keywords(beyond, class_mode, self.compat)
        kept.setdefault("keep_aspect_ratio", False)
        table, files = (dataframe, directory, self, x_col, y_col, weight_col), (target_size, color_mode, classes)
        order, saving = (class_mode, batch_size, shuffle, seed), (save_to_dir, save_prefix, save_format)
        how = subset, interpolation, kept.pop("keep_aspect_ratio"), self.dtype, validate_filenames
        # mypy loses count of the arguments in several tuples
        made = DataFrameIterator(*table, *files, *order, self.data_format, *saving, *how, **kept)  # type: ignore[arg-type]
        for name in beyond.keys() & {"workers", "use_multiprocessing", "max_queue_size"}:
            setattr(made, name, beyond[name])
        return made


def _only_images(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    return x


ImageDataGenerator.__signature__ = signature()  # type: ignore[attr-defined]
ImageDataGenerator.__doc__ = f"{ImageDataGenerator.__doc__}{described()}\n"
