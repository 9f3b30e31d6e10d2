"""The walk through a list of URLs, without a store."""

from collections.abc import Iterator

from vary.sources.remote import UNKNOWN, UrlWalk
from vary.stores import Stamp, Storage


class Counted(dict[str, Stamp]):
    """Counts how often all names are gone through."""

    turns = 0

    def __iter__(self) -> Iterator[str]:
        self.turns += 1
        return super().__iter__()


def test_classes_do_not_go_through_all_names() -> None:
    names = sorted(
        f"{folder}/{n}.jpg" for folder in ("a", "a b", "a-", "a0", "a.", "b", "ü", "a/deep") for n in range(3)
    )
    walk = UrlWalk("s3://pets", Storage())
    walk.stamps = Counted(dict.fromkeys(names, UNKNOWN))
    for below in [key.rstrip("/") for key in walk.keys("")]:
        assert list(walk.pictures(below)) == [[name for name in names if name.startswith(f"{below}/")]]
    assert list(walk.pictures("none")) == [[]]
    assert list(walk.pictures("")) == [names]
    assert walk.stamps.turns <= 2
