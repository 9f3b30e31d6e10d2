"""Walks through a folder at any depth: finds pictures by their file suffixes, and counts other files by suffix.

A folder is entered once for each class, even if several links lead to it. So circular links end, and several links to a
folder do not repeat its pictures. Two classes may link to the same folder.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from vary.errors import InputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["JUNK", "SUFFIXES", "Identity", "Walk", "identity_of", "joined"]

SUFFIXES = tuple(
    ".jpg .jpeg .png .webp .bmp .gif .tif .tiff .jfif .jpe .jif .jfi .pjpeg .pjp .mpo .apng .avif .avifs .dib "
    ".ico .cur .icns .jp2 .j2k .j2c .jpc .jpf .jpx .ppm .pgm .pbm .pnm .tga .icb .vda .vst .sgi .rgb .rgba .bw "
    ".qoi .dds .psd .pcx .dcx .pcd .xbm .xpm .msp .im .ras .blp .ftc .ftu .fit .fits .fli .flc .gbr .iim .pxr".split()
)
"""Suffixes of pictures, in lower or upper case: all that `read_image` reads with any build of Pillow, so that a folder
has the same samples on every machine. How a file is decoded depends on its first bytes, not on its suffix."""

JUNK = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found"})
"""Files and folders that operating systems create; ignored, like names that begin with a dot."""

OTHER = frozenset(
    ".txt .text .md .rst .rtf .pdf .doc .docx .xls .xlsx .ods .odt .ppt .pptx .htm .html .css .js .ts .php .json "
    ".jsonl .ndjson .geojson .csv .tsv .xml .xmp .aae .yaml .yml .toml .ini .cfg .conf .log .py .pyc .ipynb .sh "
    ".bat .m .r .c .cc .cpp .h .java .names .data .npy .npz .mat .pkl .pickle .parquet .feather .arrow .h5 .hdf "
    ".hdf5 .pt .pth .ckpt .safetensors .onnx .pb .tfrecord .tfrecords .lmdb .mdb .db .sqlite .sqlite3 .zip .tar "
    ".gz .tgz .bz2 .xz .zst .7z .rar .md5 .sha1 .sha256 .lock .tmp .bak .url .lnk .tfw .jgw .pgw .prj .mp3 .wav "
    ".flac .ogg .m4a .srt .mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv".split()
)
"""Suffixes of files that are clearly not pictures: ignored without a warning."""

MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*", b"RIFF")
MOST_OPENED = 16  # files without a suffix whose first bytes are checked

Identity = tuple[int, int]  # device and inode


class Walk:
    """One walk through the folder `root`.

    around: folders that contain the listing file; to enter one is an `InputError`.
    """

    def __init__(self, root: str, around: frozenset[Identity]) -> None:
        self.root = root
        self.passed: Counter[str] = Counter()
        """The number of files that are not pictures, by suffix in lower case."""
        self._around = around
        self._top = identity_of(root)
        self._nameless: list[str] = []  # paths of some files without a suffix

    def keys(self, folder: str) -> list[str]:
        """Names of the pictures, and of the sub-folders with a slash appended, sorted as whole paths would be."""
        found = []
        for entry in _entries(folder):
            kind = _kind(entry)
            if kind == "folder":
                found.append(f"{entry.name}/")
            elif kind == "file" and entry.name.lower().endswith(SUFFIXES):
                found.append(entry.name)
            elif kind == "file":
                ending = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
                self.passed[ending] += 1
                if not ending and len(self._nameless) < MOST_OPENED:
                    self._nameless.append(entry.path)
        found.sort()
        return found

    def pictures(self, below: str) -> Iterator[list[str]]:
        """Paths of the pictures in root/below, relative to root, in the order of plain string comparison."""
        entered = {self._top} if below else set()
        stack = self._enter(below, entered)
        names: list[str] = []
        while stack:
            here, keys = stack[-1]
            key = next(keys, None)
            if key is None:
                stack.pop()
            elif key.endswith("/"):
                yield names
                names = []
                stack += self._enter(joined(here, key[:-1]), entered)
            else:
                names.append(joined(here, key))
        yield names

    def _enter(self, below: str, entered: set[Identity]) -> list[tuple[str, Iterator[str]]]:
        """The folder and its keys, for the stack; empty if it was entered before."""
        folder = joined(self.root, below)
        identity = identity_of(folder)
        if identity in entered:
            return []
        if identity in self._around:
            raise InputError(f"the listing lies in {folder!r}, a folder of the pictures; give another path")
        entered.add(identity)
        return [(below, iter(self.keys(folder)))]

    def doubtful(self) -> Counter[str]:
        """Counts of the other files that may be pictures, by suffix."""
        found = Counter({ending: count for ending, count in self.passed.items() if ending and ending not in OTHER})
        if any(map(_looks_like_a_picture, self._nameless)):
            found[""] = self.passed[""]
        return found


def joined(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder and name else folder or name


def identity_of(folder: str) -> Identity:
    try:
        status = os.stat(folder)  # noqa: PTH116
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed: {error.strerror or error}") from error
    return status.st_dev, status.st_ino


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith(".") and entry.name not in JUNK)
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed: {error.strerror or error}") from error


def _kind(entry: os.DirEntry[str]) -> Literal["folder", "file", "neither"]:
    """The kind of an entry; of a link, that of its target. A link to nothing or to itself is neither."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else "neither"
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "neither"
        raise SourceError(f"{entry.path}: {error.strerror or error}") from error


def _looks_like_a_picture(path: str) -> bool:
    with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123
        return file.read(8).startswith(MAGIC)
    return False
