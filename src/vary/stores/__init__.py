"""Files at a URL: their bytes, ranges of them, and lists of them. Nothing is opened unless a URL is given.

    address   which URLs there are, and `Storage`, the options of a store, which hides its secrets
    faults    a table: which faults are retried, and what else is said of them; and the attempts
    clients   a client for each store: obstore for s3, gs, az and http(s) if it is installed, else fsspec
    ranges    `read`, `read_range`, `size_of`, `open_file`, `list_files`
    kept      ranges that were read, in memory and in a folder, within a limit

No threads are started here: callers wait in their own. (obstore and fsspec have threads, which live as long as the
process.) A client belongs to one process: after a fork the child makes its own.
"""

from __future__ import annotations

from vary.stores.address import Storage, as_url, identity, is_url, local_path, shown, without_query
from vary.stores.faults import interruptible
from vary.stores.ranges import Found, Stamp, list_files, open_file, read, read_range, read_stamped, size_of, stamp_of

__all__ = [
    "Found",
    "Stamp",
    "Storage",
    "as_url",
    "identity",
    "interruptible",
    "is_url",
    "list_files",
    "local_path",
    "open_file",
    "read",
    "read_range",
    "read_stamped",
    "shown",
    "size_of",
    "stamp_of",
    "without_query",
]
