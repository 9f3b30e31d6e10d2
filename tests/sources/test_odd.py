"""Strange and broken pictures: each is decoded to the pixels that Pillow sees, or refused with its path and why."""

import hashlib
import io
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

CHILD = Path(__file__).with_name("decode_child.py")
WILD = ("bomb", "fuzz")  # never opened in this process
# Pillow takes these; refusing them is meant: why
REFUSED = {
    "deep/pillow-10ct_32bit_128.tiff": "without a stated range",
    "deep/pillow-16bit.s.tif": "without a stated range",
    "exif/pillow-hopper_bad_exif.jpg": "extraneous bytes",  # between rows: most of each row is lost
}
# Pillow refuses these; every row is there
WHOLE = {
    "animated/pillow-apng-chunk_no_fctl.png": "what is wrong concerns the pictures after the first",
    "bomb/pillow-png_decompression_dos.png": "text alone is that large",
    "fuzz/afl-jpeg-id_000385_src_000000_op_int32_pos_500_val__32768__cov.jpg": "lacks its end marker alone",
    "fuzz/afl-jpeg-id_000903_src_000177_op_havoc_rep_2.jpg": "lacks its end marker alone",
    "truncated/pillow-truncated_jpeg.jpg": "lacks the last byte of its end marker alone",
    "truncated/pillow-unknown_compression_method.png": "that of a text",
}

Seen = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def odd(pictures_root: Path) -> Path:
    return pictures_root / "odd"


@pytest.fixture(scope="module")
def manifest(odd: Path) -> dict[str, dict[str, Any]]:
    return dict(json.loads((odd / "manifest.json").read_text(encoding="utf-8"))["files"])


@pytest.fixture(scope="module")
def seen(odd: Path, manifest: dict[str, dict[str, Any]]) -> Seen:
    """What the child made of every file: strict and allow_truncated, for 3, 1 and 4 channels."""
    names = [str(odd / name) for name in manifest]
    run = subprocess.run(
        [sys.executable, CHILD], input=json.dumps(names), capture_output=True, text=True, timeout=300, check=False
    )
    reported = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(reported) == len(names), f"the child ended at {names[len(reported)]}: {run.stderr[-2000:]}"
    assert run.returncode == 0, run.stderr[-2000:]
    assert "Warning" not in run.stderr
    return {str(Path(line["file"]).relative_to(odd)): line["outcomes"] for line in reported}


def as_pillow_sees_it(path: Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(io.BytesIO(path.read_bytes()))
        image.load()
        turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I;16") or (turned.mode == "I" and image.format == "PNG"):  # the latter: older Pillow
        bits = 12 if "12bit" in path.name else 16
        return np.repeat((np.asarray(turned) >> bits - 8).astype(np.uint8)[..., None], 3, axis=2)
    return np.asarray(turned.convert("RGBA" if turned.mode == "P" else "RGB"))[..., :3]


def test_every_file_is_decoded_or_refused_with_a_reason(odd: Path, seen: Seen) -> None:
    for name, outcomes in seen.items():
        for outcome in outcomes:
            if "shape" not in outcome:
                assert outcome["path"] == str(odd / name)
                assert len(outcome["reason"]) > 8, (name, outcome)
        for channels, strict, allow_truncated in zip((3, 1, 4), outcomes[::2], outcomes[1::2], strict=True):
            if "shape" in strict:
                assert strict["shape"][2] == channels
                assert allow_truncated == strict, f"{name}: tolerance changed a whole picture"


def test_nothing_but_whole_pictures_is_decoded_that_pillow_refuses(
    manifest: dict[str, dict[str, Any]], seen: Seen
) -> None:
    decoded = {name for name, outcomes in seen.items() if "shape" in outcomes[0]}
    assert {name for name in decoded if manifest[name].get("load") != "ok"} == WHOLE.keys()


def test_an_error_names_the_option_that_reads_the_file(seen: Seen) -> None:
    named = 0
    for name, outcomes in seen.items():
        for strict, allow_truncated in zip(outcomes[::2], outcomes[1::2], strict=True):
            if "reason" in strict:
                assert ("allow_truncated=True reads" in strict["reason"]) == ("shape" in allow_truncated), name
                named += "shape" in allow_truncated
            assert "allow_truncated=" not in allow_truncated.get("reason", ""), name
    assert named > 300


def test_what_pillow_loads_has_its_pixels(odd: Path, manifest: dict[str, dict[str, Any]], seen: Seen) -> None:
    tame = [name for name, about in manifest.items() if about.get("load") == "ok" and not name.startswith(WILD)]
    assert len(tame) > 300
    refused = {}
    for name in tame:
        outcome = seen[name][0]
        if "reason" in outcome:
            if name in REFUSED or readable(odd / name):  # this machine's Pillow may know fewer formats
                refused[name] = outcome["reason"]
            continue
        expected = as_pillow_sees_it(odd / name)
        assert outcome["shape"] == list(expected.shape), name
        if outcome["digest"] != hashlib.sha256(np.ascontiguousarray(expected)).hexdigest():
            assert manifest[name]["format"] == "JPEG", name  # another libjpeg may differ by a level; PNG may not
            assert difference(odd / name, expected) <= 2, name
    assert refused.keys() == REFUSED.keys(), refused
    assert all(REFUSED[name] in reason for name, reason in refused.items()), refused


def readable(path: Path) -> bool:
    try:
        return as_pillow_sees_it(path).size > 0
    except OSError:
        return False


def difference(path: Path, expected: np.ndarray) -> int:
    from vary.codecs.decode import read_image

    return int(np.abs(read_image(path).astype(int) - expected).max())


def test_decompression_bombs_are_refused(seen: Seen) -> None:
    for name in ("bomb/pillow-decompression_bomb.gif", "bomb/pillow-decompression_bomb.ico"):
        assert "max_pixels=" in seen[name][0]["reason"]
    assert seen["bomb/pillow-decompression_bomb_extents.gif"][0]["shape"] == [100, 100, 3]  # its second frame is one


def test_cut_files_give_their_rows_when_asked(seen: Seen) -> None:
    for name, shape in {
        "truncated/pillow-truncated_image.png": [480, 640, 3],
        "truncated/pillow-truncated_end_chunk.png": [128, 128, 3],  # asking for its orientation fails
        "colour/pillow-ultrahdr.jpg": [2688, 1512, 3],
        "fuzz/pillow-bmp-b-shortfile.bmp": [64, 127, 3],
    }.items():
        strict, allow_truncated = seen[name][:2]
        assert "shape" not in strict
        assert allow_truncated["shape"] == shape
