"""What an epoch cost, and what limits it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from vary.plan.findings import Finding

from vary.display.page import block, heading, muted, safe, table

__all__ = ["MAKERS", "Report", "Skipped", "Tally", "Work"]

STAGES = ("read", "decoded", "batches")
DERIVED = ("bytes_in_flight", "images_per_second", "wait_share", "limit")
MAKERS = 2  # batches in work at once
LIMITED = "limited by"
SHOWN = 3  # skipped files that the text names
PATIENCE = 0.1  # share of the time that a consumer may wait and still be the one that limits

ADVICE = {
    "nothing": "no batch has been handed over yet",
    "consumer": "the consumer: batches were ready before it asked",
    "read": "reading: a faster disk, smaller files, or keep what was decoded (cache=)",
    "decode": "decoding: keep what was decoded (cache=), more threads, or files no larger than the policy needs",
    "augment": "augmenting: more threads, or a cheaper policy (its explain() says what costs)",
}
FULL = "{}: the cache is full, so {} files are decoded again each epoch; let it take more (cache_bytes=)"


class Skipped(NamedTuple):
    """A file that was left out: where it lies ("sample 5" for one in memory), and why."""

    path: str
    reason: str


class Work(NamedTuple):
    """What one batch took. Times in nanoseconds, summed over threads."""

    read: int = 0
    decode: int = 0
    augment: int = 0
    encoded: int = 0  # bytes of its files, as read
    decoded: int = 0  # bytes of its pictures that lay decoded at once
    batch: int = 0  # bytes that are handed over
    hits: int = 0  # files whose pictures were kept
    refused: int = 0  # files for whose pictures the cache had no room
    damaged: int = 0  # samples whose file is damaged, but has every row
    skipped: tuple[Skipped, ...] = ()
    findings: tuple[Finding, ...] = ()  # mistakes of values so far; the consumer's thread warns of them

    def plus(self, other: Work) -> Work:
        """Both together."""
        return Work(*(a + b for a, b in zip(self, other, strict=True)))  # type: ignore[operator]


@dataclass
class Tally:
    """The sums of one iteration. Written by its consumer's thread alone: batches bring their `Work` along."""

    epoch: int = 0
    ahead: int = 0  # batches, at most
    views: int = 1  # pictures made of a sample
    cache: str = ""  # where files are kept, or why nowhere
    images: int = 0
    batches: int = 0
    elapsed: int = 0  # nanoseconds, as of the last batch
    waited: int = 0  # nanoseconds
    read: int = 0
    decode: int = 0
    augment: int = 0
    encoded: int = 0  # bytes, most in a batch
    decoded: int = 0
    batch: int = 0
    hits: int = 0  # files that were in the cache
    refused: int = 0  # files that it had no room for
    damaged: int = 0  # samples
    held: int = 0  # bytes that it holds
    skipped: list[Skipped] = field(default_factory=list)
    makers: int = MAKERS

    def add(self, work: Work) -> None:
        self.read += work.read
        self.decode += work.decode
        self.augment += work.augment
        self.encoded = max(self.encoded, work.encoded)
        self.decoded = max(self.decoded, work.decoded)
        self.batch = max(self.batch, work.batch)
        self.hits += work.hits
        self.refused += work.refused
        self.damaged += work.damaged
        self.skipped += work.skipped

    def report(self) -> Report:
        stages = self.makers * self.encoded, self.makers * self.decoded, (self.ahead + 1) * self.batch
        return Report(
            epoch=self.epoch,
            images=self.images,
            batches=self.batches,
            seconds=self.elapsed / 1e9,
            wait_seconds=self.waited / 1e9,
            read_seconds=self.read / 1e9,
            decode_seconds=self.decode / 1e9,
            augment_seconds=self.augment / 1e9,
            in_flight=dict(zip(STAGES, stages, strict=True)),
            views=self.views,
            cache=self.cache,
            cache_hits=self.hits,
            cache_refused=self.refused,
            cache_bytes=self.held,
            damaged=self.damaged,
            skipped=tuple(self.skipped),
        )


@dataclass(frozen=True, repr=False)
class Report:
    """The last epoch, finished or not. Printing it says the same in a few lines.

    read_seconds, decode_seconds, augment_seconds: summed over the threads that did it, so they may add up to more than
        `seconds`; augment includes user functions and the cast to the batch.
    wait_seconds: how long the consumer stood waiting for a batch, the first one included.
    in_flight: bytes that may be held at once: "read", files and arrays of batches in work; "decoded", pictures made of
        them; "batches", those ahead and the consumer's own. Each by the largest batch so far.
    images: samples handed over; of each, `views` pictures.
    cache: where decoded files are kept, or why nowhere; empty for arrays, and where none was asked for.
    cache_bytes: that it holds, of all streams that share it.
    cache_hits: samples whose file was neither read nor decoded, because the cache had it.
    cache_refused: files that were decoded and found no room in it; `cache_bytes=` gives it more.
    damaged: samples whose JPEG file is damaged, but every row that was needed is intact: its end is missing, or it has
        stray bytes. They are in the batches, with the right pixels.
    skipped: (path, reason) of each file left out or replaced (`on_error`).
    """

    epoch: int
    images: int
    batches: int
    seconds: float
    wait_seconds: float
    read_seconds: float
    decode_seconds: float
    augment_seconds: float
    in_flight: dict[str, int]
    views: int
    cache: str
    cache_hits: int
    cache_refused: int
    cache_bytes: int
    damaged: int
    skipped: tuple[Skipped, ...]

    @property
    def bytes_in_flight(self) -> int:
        """All that may be held at once, the cache aside."""
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
        """What a faster epoch would have to change: "consumer", "read", "decode" or "augment"; "nothing" before one."""
        if not self.batches:
            return "nothing"
        return "consumer" if self.wait_share < PATIENCE else max(self.shares, key=self.shares.__getitem__)

    def as_dict(self) -> dict[str, Any]:
        """Everything above as plain data."""
        found = asdict(self) | {"skipped": [tuple(one) for one in self.skipped], "shares": self.shares}
        return found | {name: getattr(self, name) for name in DERIVED}

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
        if self.cache_refused and self.limit in ("read", "decode"):
            return FULL.format(ADVICE[self.limit].partition(":")[0], self.cache_refused)
        if filling and self.limit in ("read", "decode"):
            return f"{self.limit} and keeping files for the epochs to come"
        return ADVICE[self.limit]

    __repr__ = __str__
