"""Of a JPEG only what its program reads is decoded; what is read does not depend on that."""

import io

import numpy as np
from hypothesis import given, reject, strategies as st
from PIL import Image
from strategies import policies

from vary import Policy, PolicyError, Resize, Rotate, Transpose, Zoom, read_image
from vary.plan.request import Address, Decode, Request

SAMPLINGS = (0, 1, 2)  # Pillow's: 4:4:4, 4:2:2, 4:2:0


def jpeg(height: int, width: int, sampling: int, progressive: bool, mode: str, orientation: int) -> bytes:
    """Fine noise on coarse noise, in colour."""
    random = np.random.default_rng(height * 1000 + width)
    coarse = random.integers(0, 256, (-(-height // 8), -(-width // 8), 3)).repeat(8, 0).repeat(8, 1)[:height, :width]
    pixels = np.clip(coarse + random.integers(-40, 40, (height, width, 3)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(
        file, "jpeg", quality=90, subsampling=sampling, progressive=progressive, exif=oriented(orientation)
    )
    return file.getvalue()


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def files(orientations: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    side, modes = st.integers(1, 150), st.sampled_from(("RGB", "RGB", "L"))
    return st.builds(jpeg, side, side, st.sampled_from(SAMPLINGS), st.booleans(), modes, orientations)


def run(
    policy: Policy, source: bytes | np.ndarray, channels: int, index: int = 0, full_decode: bool = False
) -> np.ndarray:
    address = Address(3, 1, 0, np.array([index]))
    try:
        runner = policy.runner(channels, "uint8")
    except PolicyError:  # colours that do not go with these channels, or with one another
        reject()
    (images,), failures, *_ = runner.batch(Request(([source],), address, decode=Decode(full_decode)))
    assert not failures
    return images[0]


@given(policies(), files(st.just(1)), st.sampled_from((1, 3, 4)), st.integers(0, 99))
def test_exact_files_are_arrays(policy: Policy, file: bytes, channels: int, index: int) -> None:
    pixels = read_image(file, channels)
    assert np.array_equal(
        run(policy, file, channels, index, full_decode=True), run(policy, pixels, channels, index, full_decode=True)
    )


def plain(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (200, 200), colour).save(file, "jpeg", quality=100)
    return file.getvalue()


FILLERS = [
    Policy(transforms, strict=True)
    for transforms in ([], [Zoom((0.4, 0.4)), Rotate((9, 9))], [Transpose(), Resize(60, 60)])
]


@given(policies(), files(st.integers(1, 8)), st.sampled_from((1, 3)), st.integers(0, 99))
def test_nothing_is_read_that_was_not_decoded(policy: Policy, file: bytes, channels: int, index: int) -> None:
    """What the thread's memory held before, black or white, does not show."""
    seen = []
    for before in (plain("black"), plain("white")):
        for filler in FILLERS:
            run(filler, before, channels)
        seen.append(run(policy, file, channels, index))
    assert np.array_equal(*seen)
