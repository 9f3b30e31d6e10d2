"""What iterators over files have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from vary.errors import InputError
from vary.keras.faces import Compat
from vary.keras.files import FileImages, loading_of
from vary.keras.maker import Maker
from vary.keras.saving import saving_of
from vary.keras.subsets import augment_of, check_subset
from vary.keras.targets import packed
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.keras.files import OnError
    from vary.keras.subsets import AugmentValidation

__all__ = ["BatchFromFilesMixin"]


class BatchFromFilesMixin:
    """Reads the images of `filepaths`, and adds `labels` by class_mode, and `sample_weight`."""

    allowed_class_modes: ClassVar[set[str | None]]
    compat: Compat
    class_indices: dict[str, int]
    _filepaths: list[str]

    def set_processing_attrs(
        self,
        image_data_generator: Any,  # Any: an ImageDataGenerator, something like it, or None
        target_size: tuple[int, int],
        color_mode: str,
        data_format: str | None,
        save_to_dir: str | None,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool = False,
    ) -> None:
        """Check and keep these arguments of an iterator."""
        self._loading = loading_of(target_size, color_mode, interpolation, keep_aspect_ratio, self.compat)
        self.image_data_generator, self.data_format = image_data_generator, data_format or "channels_last"
        self.target_size, self.color_mode = self._loading.target_size, color_mode
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        self.subset, self._split = subset, 0.0
        if subset is not None:
            self._split = getattr(image_data_generator, "_validation_split", 0.0)
            check_subset(subset, self._split, self.compat)

    def _set_labels(self, class_mode: str | None, dtype: str | None) -> None:
        if class_mode not in self.allowed_class_modes:
            raise InputError(f"Invalid class_mode: {class_mode!r}; expected one of: {self.allowed_class_modes}")
        self.class_mode, self.dtype = class_mode, dtype or "float32"

    def _begin_files(
        self, numbers: Array | None, augment_validation: AugmentValidation | None, on_error: OnError
    ) -> None:
        """numbers: the indices of the files among all of which a subset was taken."""
        compat, saved = self.compat, (self.save_to_dir, self.save_prefix, self.save_format)
        self._images = FileImages(self._paths, self._loading, on_error)
        augment = augment_of(self.subset, augment_validation, compat)
        saving = saving_of(saved, 10_000_000, self.data_format, compat)
        self._maker = Maker(
            self.image_data_generator,
            self._images,
            self._packed,
            self.dtype,
            compat,
            numbers,
            augment,
            saving,
            self.data_format,
        )
        self.image_shape = self._maker.image_shape

    def _paths(self) -> Sequence[str]:
        return self.filepaths

    @property
    def filepaths(self) -> list[str]:
        """The paths of the files."""
        return self._filepaths

    @property
    def labels(self) -> Any:  # Any: an array, or a list
        """Labels of all samples: class ids, lists of them, or values."""
        raise NotImplementedError

    @property
    def sample_weight(self) -> Array | None:
        """Weights of all samples."""
        return None

    @property
    def skipped(self) -> dict[str, str]:
        """Broken files that were left out so far, with the reason."""
        return self._images.skipped

    def _packed(self, x: Array, indices: Array) -> Any:  # Any: an array, or a tuple
        ids = self.dtype if self.compat is not None else None
        classes = len(getattr(self, "class_indices", ()))
        return packed(x, indices, self.labels, (self.class_mode, classes, ids), self.sample_weight)
