"""`Pairs`: images and their masks, from two sources: files by their names, everything else by its order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vary.codecs.wide import FileDtype
from vary.errors import InputError, SourceError, brief
from vary.guidance import guided
from vary.sample import Array, check_mask, check_pairs, unequal
from vary.sources.arrays import Arrays
from vary.sources.base import Item
from vary.sources.checked import fingerprints_of, item_of, length_of, path_of, said_path
from vary.sources.files import Files
from vary.sources.folder import Folder
from vary.sources.kinds import stated_kind
from vary.sources.opened import open_source
from vary.sources.subset import Source, Subset, inherits, pick, whole_of
from vary.stores import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from vary.sources.base import Indexed
    from vary.sources.kinds import Kind

__all__ = ["Pairs", "images_of", "masks_of"]

NAMED = 3  # files in a message


class Pairs(Source):
    """Images and their masks, which a stream varies alike: its batches are `images, masks`.

    images: an array (N, H, W, C) or (N, H, W), or a list of arrays; the path of a folder; `Folder`, `Files`, or a
        source of your own; or a subset of one of these. A folder is read at any depth; its sub-folders are no classes.
    masks: an array (N, H, W) or (N, H, W, 1) of whole numbers or truth values, or a list of arrays; or files, as for
        images. Files hold class numbers, as `vary.read_mask` reads them: a palette gives its indices.
    dtype: as what a folder of images is read, "uint8" (None) or "uint16", as for `Folder`; masks are read as stored.
    by: "name": files belong together whose paths below their folders are equal but for the suffix, such as a/1.jpg and
        a/1.png. Of `Files`, the folder is the deepest one that holds them all. "order": the first mask belongs to the
        first image. None: by name if both are files, else by order.

    The order is that of the images, so that these have the draws, and the bytes, of a stream of the images alone. Each
    mask is as high and wide as its image, in the frame that EXIF orientation gives the image.
    `SourceError` with the paths if a file has no partner, or two files of a folder have one name. `InputError` if there
    are more or fewer masks than images, if arrays differ in height or width, or if a source has labels.
    """

    fields = ("images", "masks")

    @guided("vary.Pairs")
    def __init__(
        self,
        images: object,
        masks: object,
        *,
        by: Literal["name", "order"] | None = None,
        dtype: FileDtype | None = None,
    ) -> None:
        if by not in (None, "name", "order"):
            raise InputError(f"by={by!r}; give 'name', 'order', or None: by name if both are files")
        self.images: Indexed = _unlabelled("images", _opened("images", images, dtype))
        self.masks: Indexed = _unlabelled("masks", _opened_masks(masks))
        files = [isinstance(whole_of(one)[0], Folder | Files) for one in (self.images, self.masks)]
        if by == "name" and not all(files):
            raise InputError("by='name' goes with files, and arrays have no names; leave it out: they go by order")
        if all(files) and by != "order":
            self.masks = _by_name(self.images, self.masks)
        counts = length_of(self.images), length_of(self.masks)
        if counts[0] != counts[1]:
            raise unequal(*counts)
        _check_sizes(self.images, self.masks)

    @property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """The kind of the images, if their source states one."""
        return stated_kind(self.images)

    @property
    def file_dtype(self) -> str:  # type: ignore[override]
        found: str = getattr(self.images, "file_dtype", "uint8")
        return found

    @property
    def paths(self) -> Sequence[str]:
        """The paths of the images, if these are files."""
        paths: Sequence[str] = self.images.paths  # type: ignore[attr-defined]
        return paths

    @property
    def fingerprints(self) -> Callable[[Sequence[int] | Array], list[Hashable]] | None:
        """See `Indexed`: of image and mask; None where a source of files has none."""
        halves = [one for one in (self.images, self.masks) if not isinstance(one, Arrays)]
        if any(getattr(one, "fingerprints", None) is None for one in halves):
            return None
        return lambda indices: list(zip(*(fingerprints_of(one, indices) for one in halves), strict=True))

    @property
    def remote(self) -> bool:
        """Are some of the images or masks at a URL?"""
        return any(getattr(whole_of(one)[0], "remote", False) is True for one in (self.images, self.masks))

    def __len__(self) -> int:
        return length_of(self.images)

    def item(self, index: int) -> Item:
        """The image, and the mask in the place of a label: (H, W) or (H, W, 1), or a file's bytes."""
        return Item(item_of(self.images, index).image, (item_of(self.masks, index).image,))

    def path(self, index: int) -> Any:  # Any stands for None, so that callers need not check for it
        """The path of the image, or None for arrays; `pairs.masks.path(index)` is that of its mask."""
        return path_of(self.images, index)

    def __repr__(self) -> str:
        return f"Pairs({self.images!r}, {self.masks!r})"


def images_of(source: Indexed) -> Indexed:
    """The images of pairs, or of a subset of pairs; any other source as it is."""
    whole, numbers = whole_of(source)
    if not isinstance(whole, Pairs):
        return source
    return whole.images if numbers is None else Subset(whole.images, numbers.copy())


def masks_of(source: Indexed) -> Indexed | None:
    """All masks of pairs, also for a subset of them; None: the source has none."""
    whole, _ = whole_of(source)
    return whole.masks if isinstance(whole, Pairs) else None


def _opened_masks(masks: object) -> Indexed:
    if isinstance(masks, Arrays) and masks.fields == ("images",):
        masks = masks._images
    if not isinstance(masks, np.ndarray | list):
        return _opened("masks", masks)
    if isinstance(masks, np.ndarray) and masks.dtype != object:
        if masks.ndim not in (3, 4):
            raise InputError(f"masks has shape {masks.shape}; give (N, H, W) or (N, H, W, 1), or a list of arrays")
        for mask in masks[:1]:
            check_mask("masks[0]", mask)
    else:
        masks = [_one_mask(f"masks[{number}]", mask) for number, mask in enumerate(masks)]
    if len(masks) == 0:
        raise InputError("masks is empty; give one for each image")
    return Arrays.of_masks(masks)


def _one_mask(name: str, mask: object) -> Array:
    if isinstance(mask, str | os.PathLike):
        raise InputError(f"{name} is a path, {brief(str(mask))}; vary.Files(paths) is a source of files")
    return check_mask(name, mask)


def _check_sizes(images: Indexed, masks: Indexed) -> None:
    """`InputError` if arrays in memory differ in height or width. Of files, each batch is checked."""
    if not all(isinstance(one, Arrays) and inherits(one, Arrays, "__getitem__", "item") for one in (images, masks)):
        return
    first, second = (one._images for one in (images, masks))  # type: ignore[attr-defined]
    one_size = isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
    check_pairs(first[:1], second[:1]) if one_size else check_pairs(first, second)


def _opened(name: str, given: object, dtype: FileDtype | None = None) -> Indexed:
    """A source; folders without labels. name: of the argument. dtype: of a path alone."""
    if isinstance(given, str | os.PathLike):
        try:
            return Folder(given, labels={}, dtype="uint8" if dtype is None else dtype)
        except SourceError as error:
            raise SourceError(f"the {name} of vary.Pairs: {error}") from None
    if dtype is not None:
        raise InputError(
            f"dtype={brief(dtype)} goes with the path of a folder of images; a {type(given).__name__} has its own: "
            "arrays as they are, vary.Folder(path, dtype=) and vary.Files(paths, dtype=)"
        )
    return open_source(given)


def _unlabelled(name: str, source: Indexed) -> Indexed:
    """The source without the classes of its sub-folders; `InputError` for other labels."""
    whole, numbers = whole_of(source)
    if isinstance(whole, Folder) and (plain := whole.without_classes()) is not whole:
        return plain if numbers is None else Subset(plain, numbers.copy())
    if tuple(source.fields) != ("images",):
        raise InputError(
            f"the source of {name} has the fields {brief(tuple(source.fields))}; batches of pairs are images and "
            "masks: leave labels out of the source, and take labels[batch.indices] for each batch"
        )
    return source


def _by_name(images: Indexed, masks: Indexed) -> Indexed:
    """The masks in the order of their images."""
    ours, theirs = _names("images", images), _names("masks", masks)
    for what, partner, (source, own), (others, known) in (
        ("image", "a mask", (images, ours), (masks, theirs)),
        ("mask", "an image", (masks, theirs), (images, ours)),
    ):
        lonely = [name for name in own if name not in known]
        if lonely:
            some = f"{len(lonely)} {what}{'s'[: len(lonely) > 1]} without {partner}"
            raise SourceError(
                f"{some}: {_some([said_path(source, own[name]) for name in lonely[: NAMED + 1]], len(lonely))}; "
                f"{brief(shown(_root(others)))} has no picture of the name {brief(lonely[0])}. Add what is missing, or "
                "leave the others out; by='order' pairs two vary.Files in the order of their paths"
            )
    places = [theirs[name] for name in ours]
    return masks if places == list(range(len(places))) else pick(masks, places)


def _names(what: str, source: Indexed) -> dict[str, int]:
    """The path of each file below its folder, without suffix -> its place; `SourceError` if two are equal."""
    root = _root(source).rstrip("/") + "/"
    found: dict[str, int] = {}
    twice = []
    for place in range(len(source)):
        path = path_of(source, place) or ""
        name = os.path.splitext(path.removeprefix(root))[0]  # noqa: PTH122
        first = found.setdefault(name, place)
        if first != place:
            twice.append(f"{said_path(source, first)} and {shown(path)}")
    if twice:
        raise SourceError(
            f"two {what} have one name but for their suffixes: {_some(twice, len(twice))}; leave out one of each, or "
            "give both images and masks as vary.Files, with by='order'"
        )
    return found


def _root(source: Indexed) -> str:
    """The folder below which the names of these files begin."""
    whole, _ = whole_of(source)
    if isinstance(whole, Folder):
        return whole.root
    return os.path.commonpath({os.path.dirname(path_of(whole, place) or "") for place in range(len(whole))})  # noqa: PTH120


def _some(names: Sequence[str | None], count: int) -> str:
    return ", ".join(map(str, names[:NAMED])) + (f", and {count - NAMED} more" if count > NAMED else "")
