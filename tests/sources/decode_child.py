"""Decodes the files named on standard input within limits of memory and time; prints what became of each as JSON.

Run as a process of its own by test_odd.py: what it reads may be made to crash or to swallow the machine.
"""

import hashlib
import json
import resource
import sys
import warnings

import numpy as np

from vary.codecs.decode import read_image
from vary.errors import DecodeError

MEMORY, SECONDS = 4 << 30, 120


def outcome(path: str, channels: int, allow_truncated: bool) -> dict[str, object]:
    try:
        pixels = read_image(path, channels, allow_truncated=allow_truncated)
    except DecodeError as error:
        return {"reason": error.reason, "path": error.path}
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    return {"shape": pixels.shape, "digest": hashlib.sha256(pixels).hexdigest()}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    warnings.simplefilter("error")
    for path in json.load(sys.stdin):
        reported = [
            outcome(path, channels, allow_truncated) for channels in (3, 1, 4) for allow_truncated in (False, True)
        ]
        print(json.dumps({"file": path, "outcomes": reported}), flush=True)


if __name__ == "__main__":
    main()
