"""A decoded block of a file gives the same bytes as the file itself."""

import io

import numpy as np
import pytest
from determinism.test_windows import files
from hypothesis import given, reject, strategies as st
from PIL import Image
from strategies import policies

from vary import Policy, PolicyError, Resize
from vary.codecs.decode import HEAD, keep
from vary.plan.request import Address, Decode, Output, Request


@given(policies(), files(st.integers(1, 8)), st.sampled_from((1, 3, 4)), st.integers(0, 99), st.booleans())
def test_a_block_stands_for_its_file(policy: Policy, file: bytes, channels: int, index: int, full_decode: bool) -> None:
    try:
        runner = policy.runner(channels, "uint8")
    except PolicyError:
        reject()
    address, decode = Address(3, 1, 0, np.array([index])), Decode(full_decode)
    rows = runner.rows(address)
    (level,) = runner.levels([file], rows, decode)
    assert isinstance(level, int)
    assert level == 1 or not full_decode
    (block,) = keep([file], [level], channels, False, index % 2 == 0, 1)
    assert not isinstance(block, str)
    assert runner.levels([block], rows, decode) == runner.levels([block[:HEAD]], rows, decode) == [level]
    (expected,), failures, *_ = runner.batch(Request(([file],), address, decode=decode))
    (seen,), more, *_ = runner.batch(Request(([block],), address, decode=decode))
    assert failures == more == []
    assert np.array_equal(seen, expected)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_of_other_formats(channels: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 50, channels), np.uint8)[::-1, ::2]
    policy, address = Policy([Resize(9, 9)]), Address(0, 0, 0, np.arange(1))
    runner = policy.runner(channels, "uint8")
    (block,) = keep([image], [1], channels, False, True, 1)
    assert runner.levels([block], runner.rows(address)) == [1]
    made = [runner.batch(Request(([source],), address)).arrays[0] for source in (block, image)]
    assert np.array_equal(*made)


def jpeg(**options: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "olive").save(file, "jpeg", **options)
    return file.getvalue()


def test_chroma_is_kept_as_coded() -> None:
    half, full = (keep([jpeg(subsampling=sampling)], [1], 3, False, True, 1)[0] for sampling in (2, 0))
    assert (len(half), len(full)) == (256 + 64 * 48 * 3 // 2, 256 + 64 * 48 * 3)
    assert len(keep([jpeg(subsampling=2)], [1], 3, False, False, 1)[0]) == len(full)


def test_files_that_cannot_be_kept_have_a_reason() -> None:
    file = jpeg()
    cut = "Premature end of JPEG file; allow_truncated=True reads the part that can be decoded"
    assert keep([file[:-10], b"nothing"], [1, 1], 3, False, True, 1) == [cut, "not a JPEG"]
    runner, address = Policy([]).runner(3, "uint8"), Address(0, 0, 0, np.arange(1))
    for broken, reason in (
        (keep([file], [1], 3, False, True, 1)[0][:-1], "the cached copy of this file is damaged"),
        (keep([file], [1], 3, False, True, 1)[0][:HEAD], "a header and no pixels"),
        (keep([file], [1], 1, False, True, 1)[0], "has 1 channels, not 3"),
    ):
        out = np.empty((1, 48, 64, 3), np.uint8)
        failures = runner.batch(Request(([broken],), address, (Output(out=out),))).failures
        assert len(failures) == 1
        assert reason in failures[0].reason
