"""Text for output: escaped and shortened, numbers, counts, and a `str` whose repr shows its lines."""

from __future__ import annotations

__all__ = ["Text", "counted", "plain", "short"]


class Text(str):
    """A `str` whose repr is the text itself, so that prompts and notebooks show its lines."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def plain(text: object, most: int = 80) -> str:
    """One line of at most `most` characters: the middle is left out, unprintable characters are escaped."""
    found = "".join(one if one.isprintable() else repr(one)[1:-1] for one in str(text))
    if len(found) <= most:
        return found
    tail = (most - 1) // 2
    return f"{found[: most - 1 - tail]}…{found[len(found) - tail :]}"


def short(value: float) -> str:
    """A number with four significant digits."""
    return f"{value:.4g}"


def counted(n: int, what: str) -> str:
    if n == 1:
        return f"1 {what}"
    return f"{n:,} {what}{'es' if what.endswith(('s', 'ch')) else 's'}"
