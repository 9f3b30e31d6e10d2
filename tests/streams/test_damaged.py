"""Damaged JPEGs that have every row are read and counted; those without are errors that name the cure."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary import _native
from vary.codecs.decode import read_image
from vary.errors import DecodeError
from vary.policy import Policy
from vary.streams import stream
from vary.transforms import CenterCrop, HorizontalFlip, Lambda, RandomCrop, Resize

SHAPE = (96, 128)
WHOLE = Policy([CenterCrop(*SHAPE)])
CURE = "allow_truncated=True reads the part that can be decoded"


def encode(**options: Any) -> bytes:
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    waves = np.stack([127 + 100 * np.sin(x / 9), 127 + 100 * np.cos(y / 7), (x * 2 + y) % 256], 2).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(waves).save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


PLAIN, ROWS, SCANS = encode(), encode(restart_marker_rows=1), encode(progressive=True)
THIRD = ROWS.index(b"\xff\xd2")
DAMAGED = {
    "no end": PLAIN[:-2],
    "half an end": PLAIN[:-1],
    "a trailer": PLAIN[:-2] + b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data" + bytes(90) + b"SEFH",
    "a trailer with markers": SCANS[:-2] + b"\xff\x01\xff\x52junk",
    "bytes before the end": SCANS[:-2] + bytes(range(1, 200)) + SCANS[-2:],
    "zeros before a restart": ROWS[:THIRD] + bytes(64) + ROWS[THIRD:],
    "bytes before a restart": ROWS[:THIRD] + b"some text" + ROWS[THIRD:],
    "bytes between segments": PLAIN[:20] + bytes(9) + PLAIN[20:],
    "bytes between scans": SCANS.replace(b"\xff\xda", b"junk\xff\xda", 3),
}
ORIGINAL = {  # of all others PLAIN
    **dict.fromkeys(("a trailer with markers", "bytes before the end", "bytes between scans"), SCANS),
    **dict.fromkeys(("zeros before a restart", "bytes before a restart"), ROWS),
}
SOUND = {"baseline": PLAIN, "restarts": ROWS, "progressive": SCANS, "more behind": PLAIN + PLAIN}
LACKING = {
    "cut": PLAIN[:-300],
    "cut scans": SCANS[: SCANS.rindex(b"\xff\xda")],
    "without rows": ROWS[:THIRD] + ROWS[-900:],
}


def write(root: Path, files: dict[str, bytes]) -> Path:
    root.mkdir(exist_ok=True)
    for name, data in files.items():
        (root / f"{name}.jpg").write_bytes(data)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "data", DAMAGED | SOUND)


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("level", [1, 2, 4, 8])
def test_a_damaged_file_with_every_row_is_the_whole_picture(name: str, level: int) -> None:
    whole = ORIGINAL.get(name, PLAIN)
    for channels in (1, 3, 4):
        seen = _native.decode_jpeg(DAMAGED[name], channels, level, False)
        assert np.array_equal(seen, _native.decode_jpeg(whole, channels, level, False))
    assert np.array_equal(read_image(DAMAGED[name]), read_image(whole))


OPTIONS: dict[str, dict[str, Any]] = {
    "no cache": {"cache": None},
    "in memory": {"cache": "memory"},
    "small memory": {"cache": "memory", "cache_bytes": 60_000},
    "on disk": {"cache": "disk"},
    "another process": {"process": True, "cache": "memory"},
    "views": {"views": 3, "cache": None},
    "allow_truncated": {"allow_truncated": True, "cache": "memory"},
    "small batches": {"batch_size": 2, "threads": 3},
    "skipping": {"on_error": "skip"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_each_epoch_counts_them(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "kept"))
    with stream(folder, WHOLE, **OPTIONS[name]) as train:
        for _ in range(3):
            images = sum(len(batch.images) for batch in train)
            report = train.report()
            assert images == len(DAMAGED) + len(SOUND)
            assert report.damaged == len(DAMAGED) == report.as_dict()["damaged"]
            assert f"damaged but whole: {len(DAMAGED)}" in str(report)


def test_sound_files_are_not_counted(tmp_path: Path) -> None:
    train = stream(write(tmp_path / "data", SOUND), WHOLE)
    for _ in range(2):
        list(train)
        assert train.report().damaged == 0
        assert "damaged" not in str(train.report())


def test_several_views_count_a_file_once(folder: Path) -> None:
    specs: Any = {
        "one": WHOLE,
        "two": (Policy([Resize(20, 20)]), 2),
        "three": Policy([Lambda(np.flipud), Resize(9, 9)]),
    }
    for cache in (None, "memory"):
        train = stream(folder, specs, cache=cache)
        for _ in range(2):
            list(train)
            assert train.report().damaged == len(DAMAGED)


def test_damage_is_counted_with_user_functions(folder: Path) -> None:
    train = stream(folder, Policy([Resize(30, 30), Lambda(np.ascontiguousarray), HorizontalFlip()]), batch_size=4)
    list(train)
    assert train.report().damaged == len(DAMAGED)


@pytest.mark.parametrize("on_error", ["skip", "replace"])
def test_files_with_missing_rows_do_not_count_as_damaged(folder: Path, on_error: Any) -> None:
    write(folder, LACKING)
    train = stream(folder, WHOLE, on_error=on_error, cache=None, seed=3)
    paths = [path for batch in train for path in batch.paths or ()]
    report = train.report()
    assert {Path(path).stem for path, _ in report.skipped} == LACKING.keys()
    assert all(CURE in reason for _, reason in report.skipped)
    assert report.damaged == sum(Path(path).stem in DAMAGED for path in paths)


@pytest.mark.parametrize("cache", [None, "memory"])
def test_damage_below_a_crop_is_not_seen(tmp_path: Path, cache: Any) -> None:
    folder = write(tmp_path / "data", {"one": PLAIN[:-2]})
    train = stream(folder, Policy([RandomCrop(8, 128)]), cache=cache, batch_size=1)
    counts = []
    for _ in range(12):
        list(train)
        counts.append(train.report().damaged)
    assert set(counts) == ({0, 1} if cache is None else {1})


@pytest.mark.parametrize("name", LACKING)
def test_missing_rows_are_an_error_with_the_cure(name: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {name: LACKING[name]})
    for options in ({}, {"cache": None}, {"process": True}, {"views": 2}):
        with stream(folder, WHOLE, **options) as train, pytest.raises(DecodeError, match=CURE) as caught:
            list(train)
        assert str(caught.value).count("allow_truncated=True") == 1
        assert str(caught.value).index(CURE) < str(caught.value).index("on_error=")
    with pytest.raises(DecodeError, match=CURE):
        read_image(LACKING[name])
    train = stream(folder, WHOLE, allow_truncated=True)
    assert len(next(iter(train)).images) == 1
    assert train.report().damaged == 0
    with pytest.raises(DecodeError) as caught:
        read_image(b"\xff\xd8\xff" + bytes(20))
    assert "allow_truncated" not in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_other_formats_name_the_cure_where_it_helps(kind: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (80, 90, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    path = tmp_path / "one.png"
    named = 0
    for share in (0.1, 0.3, 0.5, 0.8, 0.95):
        path.write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
        try:
            vary.read_image(path)
        except DecodeError as error:
            text = str(error)
        else:
            continue
        try:
            vary.read_image(path, allow_truncated=True)
        except DecodeError:
            assert "allow_truncated" not in text
        else:
            assert CURE in text
            named += 1
            with pytest.raises(DecodeError, match=CURE):
                list(stream(tmp_path, Policy([Resize(9, 9)])))
    assert named >= {"PNG": 3, "GIF": 3, "BMP": 3}.get(kind, 0)
