"""Sources return samples by index: encoded bytes or arrays, and labels. They never decode. They never write, except the
listing that a `Folder` is asked to keep, outside of its data.

    Arrays       pictures in memory or in a memory map
    Folder       a folder with one sub-folder for each class, or with your own labels
    Files        files at any paths, with your own labels
    Table        the rows of a table, with a column of paths or bytes: vary.table
    WebDataset   samples of tar files, read at random
    HuggingFace  the rows of a data set of the package datasets
    Pairs        images and their masks: two folders, or two arrays
    Subset       some samples of another source: source[10:20], source.split(0.2)

Each is in a module of its own, and is an `Indexed` (base.py) of `Item`s. Any other object with these methods is a
source, too (docs/streams.md).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from vary.guidance import missing_name
from vary.sources.arrays import Arrays
from vary.sources.base import Encoded, Indexed, Item
from vary.sources.checked import fingerprints_of, item_of, path_of, said_path
from vary.sources.files import Files
from vary.sources.folder import Folder
from vary.sources.huggingface import HuggingFace
from vary.sources.kinds import Kind, array_kind, asked_kind, files_kind, stated_kind
from vary.sources.labels import batch_labels, class_field, class_ids
from vary.sources.opened import open_source, split, subset
from vary.sources.own import Adapted
from vary.sources.pairs import Pairs, images_of, masks_of
from vary.sources.subset import Source, Subset, reads_for_labels, whole_of
from vary.sources.tables import Table, table
from vary.sources.walk import SUFFIXES

__all__ = [
    "SUFFIXES",
    "Adapted",
    "Arrays",
    "Encoded",
    "Files",
    "Folder",
    "HuggingFace",
    "Indexed",
    "Item",
    "Kind",
    "Pairs",
    "Source",
    "Subset",
    "Table",
    "WebDataset",
    "array_kind",
    "asked_kind",
    "batch_labels",
    "class_field",
    "class_ids",
    "files_kind",
    "fingerprints_of",
    "images_of",
    "item_of",
    "masks_of",
    "open_source",
    "path_of",
    "reads_for_labels",
    "said_path",
    "split",
    "stated_kind",
    "subset",
    "table",
    "whole_of",
]

if TYPE_CHECKING:
    from vary.sources.webdataset import WebDataset
else:

    def __getattr__(name):  # untyped, because a type checker would accept every name
        if name != "WebDataset":
            raise missing_name("vary.sources", name, __all__)
        found = globals()[name] = import_module("vary.sources.webdataset").WebDataset  # when it is first used
        return found
