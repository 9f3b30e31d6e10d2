"""Gets the pictures of a batch. All samples are read at once; files are opened when a slice of the batch needs them.

spread(read_some) --- arrays, JPEG bytes -----------------------------> runner.batch
     |`-------------- other files ------ spread(open_some) --------------^
     `------ files missing in the store ---> blocks ---> store ---------^    (also if specs share a decoding)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vary.codecs.decode import is_jpeg, picture_bytes, prepare
from vary.errors import DecodeError, InputError, SourceError
from vary.plan.request import Parts, Pictures, Source
from vary.sample import Array
from vary.sources import Encoded, array_kind, fingerprints_of, item_of
from vary.stores import interruptible
from vary.streams.cache.blocks import Blocks, Raw
from vary.streams.cache.memory import NO_STORE, File
from vary.streams.report import Work
from vary.streams.workers.pool import READING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from vary.sources import Indexed
    from vary.streams.batches.job import Job
    from vary.streams.workers.pool import Executor

__all__ = ["Inputs", "expected_bytes", "fingerprints", "inputs_of", "size_of"]

REMOTE = 2  # the same, of files at URLs: reading them is mostly waiting
AT_ONCE = 4  # files that one thread reads in turn: distributing fewer costs more than reading them


def read_some(job: Job, executor: Executor, indices: Sequence[int]) -> list[Raw]:
    """Reads samples: arrays, JPEGs as bytes if they become uint8, other files as `Encoded`. In place of a sample that
    fails, its error."""
    pictures: list[Raw] = []
    with interruptible(executor.check):
        for index in indices:
            executor.note(READING, index, job.number)
            try:
                pictures.append(_checked(job, item_of(job.source, index).image, index))
            except (DecodeError, SourceError) as error:
                pictures.append(error)
    return pictures


def _checked(job: Job, image: object, index: int) -> Array | bytes | Encoded:
    """The picture that a source returned, perhaps a JPEG's bytes; `InputError` if it is not of the source's kind."""
    template = job.specs[0][1].template
    if isinstance(image, np.ndarray):
        kind = template.channels, template.dtype
        # A fast check, which most arrays pass; `array_kind` says what is wrong with the others.
        usual = image.ndim == 3 and image.shape[2] == kind[0] and image.dtype == kind[1] and image.size
        if usual or array_kind(image, index) == kind:
            return image
        raise InputError(
            f"sample {index} is {image.dtype} of shape {image.shape}, sample 0 was {template.dtype} with "
            f"{template.channels} channels; make them one kind"
        )
    if not isinstance(image, Encoded):
        raise InputError(f"sample {index} is a {type(image).__name__}; give NumPy arrays or vary.sources.Encoded")
    if not job.encoded and template.dtype != "uint8":
        raise InputError(f"sample {index} is a file, sample 0 was a {template.dtype} array; make them one kind")
    return image.data if template.dtype == "uint8" and is_jpeg(image) else image


def open_some(job: Job, executor: Executor, pictures: Sequence[Raw]) -> list[Raw]:
    """Results of `read_some`, with `Encoded` files decoded to arrays; an error in place of one that fails."""
    o, channels, dtype = job.options, job.channels, job.dtype
    found: list[Raw] = []
    for picture in pictures:
        executor.check()
        if isinstance(picture, Encoded):
            try:
                found.append(prepare(picture, channels, o.max_pixels, o.allow_truncated, dtype))
            except DecodeError as error:
                found.append(error)
        else:
            found.append(picture)
    return found


class Inputs(Protocol):
    """The pictures of a batch, by place, before they are varied."""

    missing: set[int]  # places whose file must be decoded whole before it is varied
    errors: dict[int, Exception | str]  # place -> why it has no picture: an error, or a reason

    def open(self, places: range) -> Pictures:
        """The pictures at these places. Called once for each place, in ascending order."""

    def expected(self, place: int) -> int:
        """Bytes that the decoded picture of a missing place will need."""

    @property
    def work(self) -> Work: ...


class _Whole:
    """`Inputs` of which all pictures are parts of one array."""

    def __init__(self, array: Array, indices: Array) -> None:
        self._parts = Parts(array, indices)
        self.missing: set[int] = set()  # nothing is
        self.errors: dict[int, Exception | str] = {}
        self.work = Work(encoded=len(indices) * (array.nbytes // len(array)))

    def open(self, places: range) -> Parts:
        return self._parts._replace(places=self._parts.places[places.start : places.stop])

    def expected(self, _: int) -> int:
        return 0


class _Direct:
    """`Inputs` without a store: arrays, JPEGs as bytes if they become uint8, and other files decoded."""

    def __init__(self, job: Job, indices: Array, executor: Executor) -> None:
        self._job, self._executor, self._decode = job, executor, 0
        portion = (REMOTE if job.is_remote else AT_ONCE) if job.encoded else len(indices)
        self._raw, self._read = executor.spread(partial(read_some, job, executor), indices.tolist(), portion)
        self.missing = {place for place, one in enumerate(self._raw) if isinstance(one, Encoded)}
        self.errors: dict[int, Exception | str] = {
            place: one for place, one in enumerate(self._raw) if isinstance(one, Exception)
        }

    def open(self, places: range) -> list[Source]:
        pictures = [self._raw[place] for place in places]
        if not self.missing.isdisjoint(places):
            pictures, decode = self._executor.spread(partial(open_some, self._job, self._executor), pictures, 1)
            self._decode += decode
            self.errors |= {p: one for p, one in zip(places, pictures, strict=True) if isinstance(one, Exception)}
        return [*pictures]

    def expected(self, place: int) -> int:
        return expected_bytes(self._raw[place], self._job.pixel)

    @property
    def work(self) -> Work:
        return Work(self._read, self._decode, encoded=sum(map(size_of, self._raw)))


class _Cached:
    """`Inputs` of decoded blocks: from the store, or without one, so that several specs share a decoding."""

    def __init__(self, job: Job, indices: Array, rows: Sequence[Array], executor: Executor) -> None:
        self._job, self._executor = job, executor
        self._read = self._decode = self._encoded = 0
        specs = [(runner, some, spec.views) for (spec, runner), some in zip(job.specs, rows, strict=True)]
        samples = indices.tolist()
        files = [File(*one) for one in zip(samples, fingerprints(job.source, indices), strict=True)]
        store = NO_STORE if job.store is None else job.store

        def read(places: list[int]) -> list[Raw]:
            pictures, spent = executor.spread(
                partial(read_some, job, executor), indices[places].tolist(), REMOTE if job.is_remote else AT_ONCE
            )
            self._read += spent
            self._encoded += sum(map(size_of, pictures))
            return pictures

        def asked_again(places: list[int]) -> Sequence[Hashable]:
            return fingerprints(job.source, indices[places]) if places else ()

        self._blocks = Blocks(store, specs, files, read, asked_again, job.options.decode)
        self.missing, self.errors = self._blocks.missing, self._blocks.errors

    def open(self, places: range) -> list[Source]:
        return self._blocks.open(places, self._decoded, self._job.most_threads)

    def _decoded(self, pictures: list[Raw]) -> list[Raw]:
        found, decode = self._executor.spread(partial(open_some, self._job, self._executor), pictures, 1)
        self._decode += decode
        return found

    def expected(self, place: int) -> int:
        raw, level = self._blocks.needed(place)
        return expected_bytes(raw, self._job.pixel) // level**2

    @property
    def work(self) -> Work:
        decode = self._decode + self._blocks.decode
        hits, refused = self._blocks.hits, self._blocks.refused
        return Work(self._read, decode, hits=hits, refused=refused, encoded=self._encoded)


def inputs_of(job: Job, indices: Array, rows: Sequence[Array], executor: Executor) -> Inputs:
    """The pictures of these samples. rows: for each spec, the parameters that were drawn for them."""
    # One native call decodes once for all views; several calls, with user functions between them, do not.
    one_call = len(job.specs) == 1 and (job.views == 1 or len(job.specs[0][1].stages) == 1)
    whole = job.whole
    if whole is not None:  # one object for all, because indexing each picture in Python may take longer than varying it
        _checked(job, whole[int(indices[0])], int(indices[0]))
        return _Whole(whole, indices)
    if not job.encoded or (job.store is None and one_call):
        return _Direct(job, indices, executor)
    return _Cached(job, indices, rows, executor)


def fingerprints(source: Indexed, indices: Array) -> Sequence[Hashable]:
    """The keys of files in the store: the source's fingerprints, else the indices, which are valid in this process."""
    stated = getattr(source, "fingerprints", None) is not None
    return fingerprints_of(source, indices) if stated else indices.tolist()


def expected_bytes(raw: Raw, pixel: int) -> int:
    """What a file takes once it is decoded. pixel: bytes of a pixel."""
    if isinstance(raw, np.ndarray | Exception):  # nothing is decoded
        return 0
    try:
        return picture_bytes(raw if isinstance(raw, Encoded) else Encoded(raw), pixel)
    except DecodeError:  # raised when it is opened
        return 0


def size_of(picture: object) -> int:
    """Bytes of a picture as it is in memory: an array, or the bytes of a file."""
    data = picture.data if isinstance(picture, Encoded) else picture
    return len(data) if isinstance(data, (bytes, bytearray)) else getattr(data, "nbytes", 0)
