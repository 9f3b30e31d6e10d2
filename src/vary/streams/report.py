"""The report of an epoch: times, memory, skipped files, and what limits the speed."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from itertools import starmap
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from vary.plan.findings import Finding

from vary.display.page import block, heading, muted, safe, table

__all__ = ["BATCH_WORKERS", "Report", "Skipped", "Work"]

STAGES = {"read": "encoded", "decoded": "decoded", "batches": "batch"}
"""Kind of bytes in flight -> the field of `Work` that is its size for one batch."""
BATCH_WORKERS = 2  # batches that are made at the same time
LIMITED = "limited by"
SHOWN = 3  # skipped files that the text names
PATIENCE = 0.1  # share of the time: a consumer that waits less than this limits the speed itself

ADVICE = {
    "nothing": "no batch has been handed over yet",
    "consumer": "the consumer: batches were ready before it asked",
    "read": "reading: a faster disk, smaller files, or keep what was decoded (cache=)",
    "decode": "decoding: keep what was decoded (cache=), more threads, or files no larger than the policy needs",
    "augment": "augmenting: more threads, or a cheaper policy (its explain() says what costs)",
}
FULL = "{}: the cache is full, so {} files are decoded again each epoch; let it take more (cache_bytes=)"
UNWRITABLE = "{}: the cache cannot be written ({}), so {} files are decoded again; make room, or move it (VARY_CACHE)"


class Skipped(NamedTuple):
    """A sample that was left out: the path of its file ("sample 5" if it has none), and why."""

    path: str
    reason: str


class Work(NamedTuple):
    """The cost of some batches. Times in nanoseconds, summed over threads; sizes in bytes."""

    read: int = 0
    decode: int = 0
    augment: int = 0
    encoded: int = 0  # of a batch's files, as read
    decoded: int = 0  # of its pictures that were decoded at the same time
    batch: int = 0  # of its arrays
    hits: int = 0  # samples whose file was in the cache
    refused: int = 0  # files that the cache could not keep
    damaged: int = 0  # samples whose file is damaged, but has every row
    held: int = 0  # in the cache, of all streams that share it
    cache_error: str = ""  # why the cache cannot be written now
    skipped: tuple[Skipped, ...] = ()
    findings: tuple[Finding, ...] = ()  # mistakes of values so far; the consumer's thread warns of them

    def plus(self, other: Work) -> Work:
        """Both together, as parts of one batch."""
        both = Work(*(a + b for a, b in zip(self, other, strict=True)))  # type: ignore[operator]
        return both._replace(cache_error=self.cache_error or other.cache_error)

    def then(self, other: Work) -> Work:
        """Both together, as batches one after the other: sizes are those of the largest. Broken files and findings are
        kept elsewhere."""
        sizes = {name: max(getattr(self, name), getattr(other, name)) for name in STAGES.values()}
        return self.plus(other)._replace(
            **sizes, held=other.held, cache_error=other.cache_error, skipped=(), findings=()
        )


NOTHING = Work()


@dataclass(repr=False)
class Report:
    """The last epoch, finished or not. Printed, it is a few lines of text.

    images: samples that the consumer received; each has `views` pictures.
    threads: the most threads that decode and vary.
    cache: where decoded files are kept, or why not; empty for arrays and with cache=None.
    cache_limit: bytes that the cache may hold now; 0 if nothing is kept.
    """

    epoch: int = 0
    images: int = 0
    batches: int = 0
    views: int = 1
    threads: int = 0
    cache: str = ""
    cache_limit: int = 0
    _work: Work = NOTHING
    _broken: dict[str, str] = field(default_factory=dict)  # path -> reason
    _elapsed: int = 0  # nanoseconds, as of the last batch
    _waited: int = 0
    _batch_workers: int = BATCH_WORKERS
    _ahead: int = 0  # batches that may be ready or being made, apart from the consumer's

    def add(self, work: Work) -> None:
        """Count a batch. To be called only by the thread that receives it."""
        self._work = self._work.then(work)
        for path, reason in work.skipped:
            self._broken.setdefault(path, reason)

    def copy(self, cache_limit: int) -> Report:
        """As it is now."""
        return replace(self, cache_limit=cache_limit, _broken=dict(self._broken))

    @property
    def seconds(self) -> float:
        return self._elapsed / 1e9

    @property
    def wait_seconds(self) -> float:
        """How long the consumer waited for batches, the first one included."""
        return self._waited / 1e9

    @property
    def read_seconds(self) -> float:
        """Summed over threads, as `decode_seconds` and `augment_seconds`: together they may be more than `seconds`."""
        return self._work.read / 1e9

    @property
    def decode_seconds(self) -> float:
        return self._work.decode / 1e9

    @property
    def augment_seconds(self) -> float:
        """With user functions, and the cast to the batch."""
        return self._work.augment / 1e9

    @property
    def in_flight(self) -> dict[str, int]:
        """Bytes that may be in memory at once: "read", files and arrays of batches that are being made; "decoded",
        the decoded pictures of these; "batches", those ahead and the consumer's own. Based on the largest batch so
        far."""
        most = (self._batch_workers, self._batch_workers, self._ahead + 1)
        return {
            stage: count * int(getattr(self._work, size))
            for count, (stage, size) in zip(most, STAGES.items(), strict=True)
        }

    @property
    def cache_hits(self) -> int:
        """Samples whose file was neither read nor decoded, because the cache had it."""
        return self._work.hits

    @property
    def cache_refused(self) -> int:
        """Files that were decoded and not kept, because the cache is full (see `cache_bytes=`) or the disk fails."""
        return self._work.refused

    @property
    def cache_bytes(self) -> int:
        """Bytes that the cache holds, of all streams that share it."""
        return self._work.held

    @property
    def damaged(self) -> int:
        """Samples whose JPEG file is damaged (its end is missing, or it has stray bytes), but has every row that was
        needed. They are in the batches, with the right pixels."""
        return self._work.damaged

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """(path, reason) of each file left out or replaced (`on_error`), once, however often it came."""
        return tuple(starmap(Skipped, self._broken.items()))

    @property
    def bytes_in_flight(self) -> int:
        """All bytes that may be in memory at once, except the cache."""
        return sum(self.in_flight.values())

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds if self.seconds else 0.0

    @property
    def wait_share(self) -> float:
        """The part of the epoch that the consumer waited."""
        return self.wait_seconds / self.seconds if self.seconds else 0.0

    @property
    def shares(self) -> dict[str, float]:
        """The parts of the threads' time that went into "read", "decode" and "augment"."""
        spent = {"read": self.read_seconds, "decode": self.decode_seconds, "augment": self.augment_seconds}
        whole = sum(spent.values())
        return {name: seconds / whole if whole else 0.0 for name, seconds in spent.items()}

    @property
    def limit(self) -> str:
        """What limits the speed: "consumer", "read", "decode" or "augment"; "nothing" before one."""
        if not self.batches:
            return "nothing"
        return "consumer" if self.wait_share < PATIENCE else max(self.shares, key=self.shares.__getitem__)

    def as_dict(self) -> dict[str, Any]:  # Any: numbers, words and lists
        """All of the above as plain data."""
        plain = [one.name for one in fields(self) if not one.name.startswith("_")]
        derived = [name for name, value in vars(Report).items() if isinstance(value, property)]
        found = {name: getattr(self, name) for name in (*plain, *derived)}
        return found | {"skipped": [tuple(one) for one in self.skipped]}

    def __str__(self) -> str:
        lines = [f"{name}{' ' if name == LIMITED else ': '}{text}".removeprefix(": ") for name, text in self._rows()]
        if self.skipped:
            lines.append(f"skipped: {len(self.skipped)}")
            lines += [f"  {line}" for line in self._skipped_lines()]
        return "\n".join(lines)

    def _rows(self) -> list[tuple[str, str]]:
        """The lines of the report: (name, text) each."""
        spent = sum((self.read_seconds, self.decode_seconds, self.augment_seconds))
        shares = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        stages = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in self.in_flight.items())
        speed = f"{self.images_per_second:.0f}"
        several = f" in {self.views} views" if self.views > 1 else ""
        return [
            (f"epoch {self.epoch}", f"{self.images} images{several} in {self.seconds:.2f} s, {speed} a second"),
            ("work", f"{spent:.2f} s over all threads, {shares}"),
            ("consumer", f"waited {self.wait_seconds:.2f} s ({self.wait_share:.0%})"),
            ("memory", f"at most {self.bytes_in_flight / 1e6:.1f} MB in flight, {stages}"),
            *([("cache", self._cache_line())] if self.cache else []),
            *([("damaged but whole", f"{self.damaged} samples, whose rows are all intact")] if self.damaged else []),
            (LIMITED, self._advice()) if self.batches else ("", ADVICE["nothing"]),
        ]

    def _skipped_lines(self) -> list[str]:
        more = len(self.skipped) - SHOWN
        lines = [f"{path}: {reason}" for path, reason in self.skipped[:SHOWN]]
        return [*lines, f"and {more} more in .skipped"] if more > 0 else lines

    def _repr_html_(self) -> str:
        rows = [(muted(safe(name)), safe(text)) for name, text in self._rows()]
        if self.skipped:
            listed = "".join(f"<div>{safe(line, 400)}</div>" for line in self._skipped_lines())
            rows.append((muted("skipped"), f"{len(self.skipped)}{listed}"))
        return block(heading("<b>Report</b>"), table(rows))

    def _cache_line(self) -> str:
        if self.cache.startswith("none"):
            return self.cache
        full = f", {self.cache_refused} found no room" if self.cache_refused else ""
        held, hits = f"{self.cache_bytes / 1e6:.1f} MB", f"{self.cache_hits} of {self.images} samples"
        return f"{self.cache}, {held}; {hits} came from it{full}"

    def _advice(self) -> str:
        filling = self.cache and not self.cache.startswith("none") and self.cache_hits < self.images
        if self._work.cache_error and self.limit in ("read", "decode"):
            stage = ADVICE[self.limit].partition(":")[0]
            return UNWRITABLE.format(stage, self._work.cache_error, self.cache_refused)
        if self.cache_refused and self.limit in ("read", "decode"):
            return FULL.format(ADVICE[self.limit].partition(":")[0], self.cache_refused)
        if filling and self.limit in ("read", "decode"):
            return f"{ADVICE[self.limit].partition(':')[0]}, and filling the cache for the next epochs"
        return ADVICE[self.limit]

    __repr__ = __str__
