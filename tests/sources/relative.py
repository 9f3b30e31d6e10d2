"""The paths of a folder's files as its listing keeps them, for tests that plant files by name."""

from collections.abc import Iterable

from vary.sources import Folder


def relative(source: Folder, paths: Iterable[str] | None = None) -> list[str]:
    """These paths, or all of the source, without the folder's own, which each must begin with."""
    found = list(source.paths if paths is None else paths)
    assert all(path.startswith(f"{source.root}/") for path in found)
    return [path[len(source.root) + 1 :] for path in found]
