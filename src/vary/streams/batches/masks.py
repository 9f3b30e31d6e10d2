"""The masks of a batch: its second input. Files are decoded whole, and kept in the cache beside their images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.codecs.decode import prepare_mask
from vary.errors import DecodeError, InputError, SourceError
from vary.plan.masks import MaskKind
from vary.plan.request import Parts, Pictures
from vary.sample import Array, check_mask
from vary.sources import Encoded, item_of, said_path
from vary.streams.batches.fetch import expected_bytes, fingerprints, size_of
from vary.streams.cache.arrays import array_in, block_of
from vary.streams.cache.memory import File
from vary.streams.report import Work
from vary.streams.workers.pool import READING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.sources import Indexed
    from vary.streams.batches.job import Job
    from vary.streams.cache.blocks import Raw
    from vary.streams.options import Options
    from vary.streams.workers.pool import Executor

__all__ = ["MaskInputs", "Masks", "found_masks"]

Size = tuple[int, ...]  # height, width
TRIED = 16  # masks that are read to learn what all are, if the first ones are broken
AT_ONCE = 4  # as in fetch.py


class Masks(NamedTuple):
    """All masks of a stream. kind: what each must be, as the mask called `first` is."""

    source: Indexed
    kind: MaskKind
    first: str


def found_masks(source: Indexed, options: Options) -> Masks:
    """The masks of this source, after its first one was read; of broken ones, the next."""
    for index in range(min(TRIED, len(source))):
        try:
            mask = _opened(item_of(source, index).image, index, options)
        except (DecodeError, SourceError):  # reported, or skipped, with its batch
            continue
        return Masks(source, MaskKind(mask.dtype, mask.ndim == 2), _called(source, index))
    return Masks(source, MaskKind(np.dtype(np.uint8), True), "")


class MaskInputs:
    """The masks of one batch, as `Inputs` of pictures.

    missing, errors, expected, work: as of `Inputs`.
    """

    def __init__(self, job: Job, masks: Masks, indices: Array, executor: Executor) -> None:
        self._job, self._masks, self._indices, self._executor = job, masks, indices, executor
        self._read = self._decode = self._refused = self._encoded = 0
        self.errors: dict[int, Exception | str] = {}
        self.missing: set[int] = set()
        self._whole: Array | None = getattr(masks.source, "whole", None)
        self._raw: dict[int, Raw] = {}
        self._files: list[File] = []
        if self._whole is None:
            self._fetch()

    def _fetch(self) -> None:
        """Get kept masks from the cache, and read the others."""
        places, store = list(range(len(self._indices))), self._job.store
        if store is not None:
            self._files = self._keys()
            blocks = {place: store.get(file, 1) for place, file in enumerate(self._files)}
            self._raw |= {place: array_in(block) for place, block in blocks.items() if block is not None}
            places = [place for place in places if place not in self._raw]
        read = partial(_read_some, self._job, self._masks, self._executor)
        found, self._read = self._executor.spread(read, self._indices[places].tolist(), AT_ONCE) if places else ([], 0)
        for place, mask in zip(places, found, strict=True):
            if isinstance(mask, Exception):
                self.errors[place] = mask
            else:
                self._raw[place] = mask
                self._encoded += size_of(mask)
        self.missing = {place for place, mask in self._raw.items() if isinstance(mask, Encoded)}

    def _keys(self) -> list[File]:
        """Of the masks in the cache: samples count downwards, so that none is that of an image."""
        prints = fingerprints(self._masks.source, self._indices)
        return [File(~index, ("mask", one)) for index, one in zip(self._indices.tolist(), prints, strict=True)]

    def expected(self, place: int) -> int:
        return expected_bytes(self._raw[place], self._masks.kind.dtype.itemsize)

    def open(self, places: range) -> Pictures:
        """The masks at these places; a single pixel where there is none."""
        if self._whole is not None:
            return Parts(self._whole, self._indices[places.start : places.stop])
        opened = [place for place in places if place in self._raw]
        given = [(int(self._indices[place]), self._raw.pop(place)) for place in opened]
        open_ = partial(_open_some, self._job, self._masks, self._executor)
        found, decode = self._executor.spread(open_, given, 1 if self.missing else len(given) or 1)
        self._decode += decode
        masks: dict[int, Array] = {}
        for place, mask in zip(opened, found, strict=True):
            if isinstance(mask, Exception):
                self.errors[place] = mask
            else:
                masks[place] = mask
        self._keep({place: masks[place] for place in self.missing.intersection(masks)})
        blank = np.zeros((1, 1) if self._masks.kind.flat else (1, 1, 1), self._masks.kind.dtype)
        return [masks.get(place, blank) for place in places]

    def _keep(self, masks: dict[int, Array]) -> None:
        store = self._job.store
        if store is None or not self._files or not masks:
            return
        now = self._keys()  # a file that was replaced before it was read is not kept under its former name
        for place, mask in masks.items():
            if now[place] == self._files[place]:
                self._refused += store.put(now[place], 1, block_of(mask)) is False

    def misfits(self, places: list[int], masks: Pictures, sizes: Sequence[Size | str]) -> dict[int, DecodeError]:
        """An error for each of these places whose mask is not as high and wide as its image. sizes: of the images."""
        each = [masks.array[0]] * len(places) if isinstance(masks, Parts) else masks
        wrong = {
            place: (size, np.asarray(mask).shape[:2])
            for place, mask, size in zip(places, each, sizes, strict=True)
            if not isinstance(size, str) and size != np.asarray(mask).shape[:2]
        }
        images, source, indices = self._job.source, self._masks.source, self._indices
        return {place: _misfit(images, source, int(indices[place]), both) for place, both in wrong.items()}

    @property
    def work(self) -> Work:
        return Work(self._read, self._decode, refused=self._refused, encoded=self._encoded)


def _misfit(images: Indexed, masks: Indexed, index: int, sizes: tuple[Size, Size]) -> DecodeError:
    """sizes: of the image and of the mask."""
    (height, width), (other_height, other_width) = sizes
    path, cure = said_path(images, index), "make the mask of the image as it is"
    if (height, width) == (other_width, other_height):
        cure = "EXIF turns the image, perhaps: the mask belongs to the image as it is seen, upright"
    name = "" if path else f"sample {index}: "
    return DecodeError(
        f"{name}the image is {height} x {width}, and its mask {_called(masks, index)} {other_height} x {other_width} "
        f"(height x width); {cure}",
        path,
    )


def _called(source: Indexed, index: int) -> str:
    return said_path(source, index) or f"mask {index}"


def _read_some(job: Job, masks: Masks, executor: Executor, indices: Sequence[int]) -> list[Raw]:
    """These masks: arrays, or files as `Encoded`; an error in place of one that fails."""
    found: list[Raw] = []
    for index in indices:
        executor.note(READING, index, job.number)
        try:
            found.append(item_of(masks.source, index).image)
        except (DecodeError, SourceError) as error:
            found.append(error)
    return found


def _open_some(job: Job, masks: Masks, executor: Executor, given: Sequence[tuple[int, Raw]]) -> list[Array | Exception]:
    """Masks, with their indices, as arrays of the kind that all have; an error in place of one that fails."""
    found: list[Array | Exception] = []
    for index, raw in given:
        executor.check()
        try:
            mask = _opened(raw, index, job.options)
            _check_kind(mask, masks, index)
            found.append(mask)
        except DecodeError as error:
            found.append(error)
    return found


def _opened(mask: object, index: int, options: Options) -> Array:
    if isinstance(mask, Encoded):
        return prepare_mask(mask, options.max_pixels, options.allow_truncated)
    return check_mask(f"the mask of sample {index}", mask)


def _check_kind(mask: Array, masks: Masks, index: int) -> None:
    kind, first = MaskKind(mask.dtype, mask.ndim == 2), masks.kind
    if kind == first:
        return
    seen = f"is {kind.dtype} with {mask.ndim} axes, and {masks.first} is {first.dtype} with {2 if first.flat else 3}"
    path, cure = said_path(masks.source, index), "give all masks one dtype and form"
    if path:
        raise DecodeError(f"{seen}; {cure}: save all with 8 bits, or all with 16", path)
    raise InputError(f"the mask of sample {index} {seen}; {cure}")
