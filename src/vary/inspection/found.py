"""`Inspection`: what `vary.inspect` found, as text, as a dict for JSON, and as a sheet of pictures."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.codecs.decode import read_image
from vary.display.preview import Preview
from vary.display.sheet import Cell, Sheet
from vary.display.text import counted, plain
from vary.errors import DecodeError, SourceError
from vary.sample import Array
from vary.sources import Encoded, item_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vary.sources import Indexed

__all__ = ["Inspection", "Part", "Sample", "Twins"]

SHOWN = 6  # groups, files and pictures in the text and on the sheet
UNEVEN = 3.0  # how many times as large the largest class is as the smallest, from which on it is said
SMALL = 32  # pixels of the shorter side, below which a picture is said to be small


@dataclass(frozen=True)
class Sample:
    """One picture. size: (height, width) as stored, in pixels. fault: why it cannot be read; "" if it can."""

    part: str
    index: int
    path: str | None
    label: str | None
    format: str = ""
    size: tuple[int, int] = (0, 0)
    mode: str = ""
    fault: str = ""

    @property
    def name(self) -> str:
        return self.path or f"{self.part}[{self.index}]"


class Twins(NamedTuple):
    """Pictures that are the same (is_same: byte for byte), or nearly so. Some of the latter may be the same."""

    samples: tuple[Sample, ...]
    is_same: bool

    @property
    def parts(self) -> set[str]:
        return {one.part for one in self.samples}

    @property
    def classes(self) -> set[str]:
        """The classes of those that have one."""
        return {one.label for one in self.samples if one.label is not None}


class Part:
    """One part of the data, such as "train". samples: of all parts, of which it keeps its own."""

    def __init__(self, name: str, said: str, classes: Sequence[str], samples: Sequence[Sample]) -> None:
        self.name, self.source, self._classes = name, said, list(classes)
        self.samples = tuple(one for one in samples if one.part == name)

    @property
    def broken(self) -> tuple[Sample, ...]:
        return tuple(one for one in self.samples if one.fault)

    @cached_property
    def classes(self) -> dict[str, int]:
        """The number of samples of each class, in the order of the ids; empty without classes."""
        found = Counter(one.label for one in self.samples if one.label is not None)
        names = self._classes or sorted(found)
        return {name: found[name] for name in names}

    @cached_property
    def formats(self) -> dict[str, int]:
        """The number of samples of each format and mode, such as "JPEG RGB", the most frequent first."""
        return dict(Counter(f"{one.format} {one.mode}" for one in self.samples if not one.fault).most_common())

    @cached_property
    def sizes(self) -> Array:
        """(n, 2) int64, height and width of each sound picture."""
        return np.array([one.size for one in self.samples if not one.fault], np.int64).reshape(-1, 2)

    def as_dict(self) -> dict[str, Any]:  # Any: of JSON
        sizes = self.sizes
        quartiles = np.percentile(sizes, (0, 25, 50, 75, 100), axis=0).round().astype(int) if len(sizes) else sizes
        return {
            "name": self.name,
            "source": self.source,
            "samples": len(self.samples),
            "classes": self.classes,
            "formats": self.formats,
            "heights": quartiles[:, 0].tolist(),
            "widths": quartiles[:, 1].tolist(),
            "broken": [{"path": one.name, "reason": one.fault} for one in self.broken],
        }


class Inspection:
    """What `vary.inspect` found. `print` shows it; `as_dict` and `as_json` are for programs, `sheet` is for people.

    parts: the parts of the data. twins: groups of pictures that are the same or nearly so: first those in several
    parts, then those in several classes.
    """

    def __init__(self, parts: tuple[Part, ...], twins: tuple[Twins, ...], sources: Mapping[str, Indexed]) -> None:
        self.parts, self.twins, self._sources = parts, twins, sources

    @property
    def leaks(self) -> tuple[Twins, ...]:
        """Pictures that are in several parts: a network has seen them before it is tested on them."""
        return tuple(one for one in self.twins if len(one.parts) > 1)

    @property
    def contradictions(self) -> tuple[Twins, ...]:
        """Pictures that are in several classes."""
        return tuple(one for one in self.twins if len(one.classes) > 1)

    def advice(self) -> list[str]:
        """What to look at before training, the gravest first."""
        said = []
        for groups, where, sure, unsure in (
            (self.leaks, "part", "scores on the held-back part mislead", "scores on the held-back part may mislead"),
            (self.contradictions, "class", "one label is wrong", "one label may be wrong"),
        ):
            same = _pictures(one for one in groups if one.is_same)
            near = _pictures(groups) - same
            if same:
                said.append(f"{counted(len(same), 'picture')} in more than one {where}: {sure}")
            if near:
                said.append(f"{counted(len(near), 'picture')} nearly the same in more than one {where}: {unsure}")
        for part in self.parts:
            if part.broken:
                said.append(f'{part.name}: {counted(len(part.broken), "broken file")}; on_error="skip" leaves them out')
            counts = [count for count in part.classes.values() if count]
            if counts and max(counts) >= UNEVEN * min(counts):
                largest, smallest = (
                    pick(part.classes, key=lambda name: part.classes[name] or max(counts)) for pick in (max, min)
                )
                said.append(
                    f"{part.name}: {max(counts):,} of {largest} and {min(counts):,} of {smallest}; weights= evens them"
                )
            small = int((part.sizes.min(1) < SMALL).sum()) if len(part.sizes) else 0
            if small:
                said.append(f"{part.name}: {counted(small, 'picture')} of less than {SMALL} pixels on a side")
        return said

    def as_dict(self) -> dict[str, Any]:  # Any: of JSON
        """Lists, dicts, texts and numbers: parts, twins and advice. Heights and widths: least, quartiles, largest."""
        twins = [
            {
                "same": one.is_same,
                "pictures": [
                    {"part": two.part, "index": two.index, "path": two.path, "class": two.label} for two in one.samples
                ],
            }
            for one in self.twins
        ]
        return {"parts": [part.as_dict() for part in self.parts], "twins": twins, "advice": self.advice()}

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), indent=2)

    def __str__(self) -> str:
        lines: list[str] = []
        for part in self.parts:
            lines += _lines_of(part)
        grave = (("in several parts", self.leaks), ("in several classes", self.contradictions))
        for title, some in grave if self.leaks or self.contradictions else (("more than once", self.twins),):
            if some:
                lines.append(f"{title}: {counted(len(_pictures(some)), 'picture')}")
                lines += [f"  {_line(one)}" for one in some[:SHOWN]]
                lines += [f"  ... and {len(some) - SHOWN} more"] if len(some) > SHOWN else []
        if len(self.twins) > 0 and (self.leaks or self.contradictions):
            lines.append(f"{counted(len(_pictures(self.twins)), 'picture')} in all more than once")
        advice = self.advice()
        return "\n".join([*lines, *(f"! {one}" for one in advice)])

    __repr__ = __str__

    def sheet(self) -> Preview:
        """Pictures that occur more than once, a row for each; then broken files' names, and the smallest pictures."""
        rows: list[tuple[Cell, ...]] = []
        titles: list[tuple[str, str]] = []
        for twins in self.twins[:SHOWN]:
            rows.append(tuple(filter(None, map(self._cell, twins.samples[:SHOWN]))))
            titles.append(("the same" if twins.is_same else "nearly the same", ""))
        for part in self.parts:
            sound = sorted((one for one in part.samples if not one.fault), key=lambda one: one.size[0] * one.size[1])
            for title, some in ((f"{part.name}: smallest", sound[:SHOWN]), (f"{part.name}: largest", sound[-SHOWN:])):
                rows.append(tuple(filter(None, map(self._cell, some))))
                titles.append((title, ""))
        kept = [(row, title) for row, title in zip(rows, titles, strict=True) if row]
        text = ", ".join(f"{part.name} {counted(len(part.samples), 'picture')}" for part in self.parts)
        sheet = Sheet(tuple(row for row, _ in kept), (), tuple(title for _, title in kept), tuple(self.advice()))
        skipped = tuple((one.name, one.fault) for part in self.parts for one in part.broken)
        return Preview(text, sheet, skipped)

    def _cell(self, sample: Sample) -> Cell | None:
        """The picture, small, with its size and its class or part; None if it cannot be read any more."""
        try:
            image = item_of(self._sources[sample.part], sample.index).image
            pixels = read_image(image.data) if isinstance(image, Encoded) else _as_rgb(image)
        except (SourceError, DecodeError):
            return None
        from PIL import Image

        small = Image.fromarray(pixels)
        small.thumbnail((240, 240))
        height, width = sample.size
        where = sample.label if len(self.parts) == 1 else f"{sample.part} {sample.label or ''}".strip()
        name = plain(sample.name.rpartition("/")[2])
        return Cell(np.asarray(small), pixels.shape[:2], (f"{height} x {width} {where or ''}".strip(), name), fits=True)


def _pictures(groups: Iterable[Twins]) -> set[tuple[str, int]]:
    """Part and index of each picture in these groups."""
    return {(one.part, one.index) for group in groups for one in group.samples}


def _as_rgb(image: Array) -> Array:
    """(H, W, 3) uint8 of any array, its values stretched to 0 .. 255 unless they are bytes."""
    values = np.asarray(image).reshape(*image.shape[:2], -1)
    if values.dtype != np.uint8:
        low, high = float(values.min()), float(values.max())
        values = ((values.astype(np.float64) - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    return np.ascontiguousarray(values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, 2))


def _lines_of(part: Part) -> list[str]:
    known = part.as_dict()
    lines = [f"{part.name}: {counted(len(part.samples), 'sample')}, {part.source}"]
    if part.classes:
        some = [f"{name} {count:,}" for name, count in list(part.classes.items())[:12]]
        more = f", and {len(part.classes) - 12} more" if len(part.classes) > 12 else ""
        lines.append(f"  classes  {', '.join(some)}{more}")
    if part.formats:
        lines.append(f"  formats  {', '.join(f'{name} {count:,}' for name, count in part.formats.items())}")
        for name in ("heights", "widths"):
            low, first, middle, third, high = known[name]
            lines.append(f"  {name:8} {low} to {high} pixels, half of them {first} to {third}, median {middle}")
    lines += [f"  broken   {one.fault}" for one in part.broken[:SHOWN]]
    if len(part.broken) > SHOWN:
        lines.append(f"  broken   and {len(part.broken) - SHOWN} more")
    return lines


def _line(twins: Twins) -> str:
    kind = "same" if twins.is_same else "nearly the same"
    names = [f"{one.name}{f' ({one.label})' if one.label and len(twins.classes) > 1 else ''}" for one in twins.samples]
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{kind}: {', '.join(names[:SHOWN])}{more}"
