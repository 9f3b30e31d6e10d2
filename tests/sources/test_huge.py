"""Files that claim more than a picture may take: refused by their headers, even where `max_pixels` allows them."""

import io

import numpy as np
import pytest
from PIL import Image

from vary import Policy, Resize
from vary.codecs.decode import keep
from vary.plan.request import Address, Decode, Request
from vary.plan.runner import Runner


def claiming(height: int, width: int, mode: str = "RGB") -> bytes:
    """A small JPEG whose frame header says other sides."""
    file = io.BytesIO()
    Image.new(mode, (16, 16)).save(file, "jpeg")
    data = bytearray(file.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(data)


def failure(data: bytes | np.ndarray, channels: int = 3, **how: bool) -> str:
    runner: Runner = Policy([Resize(8, 8)]).runner(channels, "uint8")
    address = Address(0, 0, 0, np.arange(1))
    _, failures, *_ = runner.batch(Request(([data],), address, decode=Decode(max_pixels=1 << 40, **how)))
    return failures[0].reason if failures else ""


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(65500, 65500, 3), (65500, 65500, 1), (30000, 30000, 3), (25000, 25000, 4)]
)
def test_a_file_that_decodes_to_over_2_gib_is_refused(height: int, width: int, channels: int) -> None:
    data = claiming(height, width, "L" if channels == 1 else "RGB")
    reason = failure(data, channels, full_decode=True)
    assert f"decoding this file makes a picture of {height} x {width} x {channels} uint8, over 2 GiB" in reason
    (kept,) = keep([data], [1], channels, False, True, 1)
    assert isinstance(kept, str)
    assert f"keeping this file makes a picture of {height} x {width} x {channels}" in kept


def test_at_a_level_it_is_a_picture_like_any_other() -> None:
    assert "over 2 GiB" not in failure(claiming(30000, 30000))
    (kept,) = keep([claiming(30000, 30000)], [8], 3, True, True, 1)
    assert isinstance(kept, np.ndarray)
    assert not failure(kept)


def test_a_block_that_claims_more_is_no_block() -> None:
    (kept,) = keep([claiming(16, 16)], [1], 3, False, True, 1)
    assert isinstance(kept, np.ndarray)
    forged = kept.copy()
    forged.view(np.int32)[4:6] = 1 << 28  # width and height, behind magic, denominator, channels and planes
    assert "the cached copy of this file is damaged" in failure(forged)
