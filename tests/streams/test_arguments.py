"""Invalid arguments are refused at once, with the argument, the value and the cure."""

import inspect
import runpy
import threading
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError, PolicyError, SourceError, VaryError
from vary.plan.machine import default_threads
from vary.policy import Policy
from vary.streams import stream
from vary.streams.options import Arguments, Options, former_names
from vary.transforms import Lambda, Rescale, Rotate

PICTURES = np.zeros((3, 4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"batch_size": 0}, "batch_size=0; give a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size=2.5; give a whole number"),
        ({"prefetch": -1}, "prefetch=-1; give a whole number of at least 0"),
        ({"threads": 0}, "threads=0; give a whole number of at least 1, or None"),
        ({"seed": -1}, "seed=-1; give a whole number of at least 0"),
        ({"seed": 1 << 64}, "seed=18446744073709551616; give a whole number from 0"),
        ({"layout": "HWCN"}, "layout='HWCN' is not offered; choose one of NHWC, NCHW"),
        ({"dtype": "int64"}, "dtype=int64 is not offered; choose one of uint8, float32, uint16, int16, float16"),
        ({"on_error": "ignore"}, "on_error='ignore'; choose one of raise, skip"),
        ({"channels": 2}, r"channels=2; a file gives 1 \(grey\), 3 \(RGB\) or 4"),
        ({"shuffle": "no"}, "shuffle='no'; give True or False"),
        ({"max_pixels": 0}, "max_pixels=0"),
        ({"labels": [1, 2]}, "3 images but 2 labels"),
        ({"drop_last": True}, "3 samples and batch_size=32: no batch; take drop_last=False or a smaller batch_size"),
    ],
)
def test_options(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        stream(PICTURES, Policy([]), **options)


def test_a_policy_in_a_file_has_to_be_read() -> None:
    with pytest.raises(PolicyError, match=r"not a Policy; vary.Policy.load\('policy.yaml'\) reads one from a file"):
        stream(PICTURES, "policy.yaml")  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", [None, [Rotate(3)], Rotate(3)])
def test_a_policy_is_a_policy(policy: Any) -> None:
    with pytest.raises(PolicyError, match=r"not a Policy; .*vary.Policy\(\["):  # tests/streams/test_guidance.py has all
        stream(PICTURES, policy)


def test_what_the_policy_cannot_do_with_the_source(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="dtype='uint8' cannot hold"):
        stream(PICTURES, Policy([Rescale(1 / 255)]), dtype="uint8")
    with pytest.raises(PolicyError, match="fill has 3 entries, the picture 1 channels"):
        stream(PICTURES[..., :1], Policy([Rotate(3)], fill=(1, 2, 3)))
    with pytest.raises(InputError, match=r"sample 0 is int32; give uint8, .* or float32: .*astype\('uint8'\) if"):
        stream(PICTURES.astype(np.int32), Policy([]))
    with pytest.raises(InputError, match=r"sample 0 has shape \(4, 4, 1025\); give .* channels, of which 1 to 1024"):
        stream(np.zeros((2, 4, 4, 1025), np.uint8), Policy([]))
    with pytest.raises(SourceError, match="does not exist"):
        stream(tmp_path / "absent", Policy([]))
    with pytest.raises(InputError, match="is not a source"):
        stream(7, Policy([]))


def test_an_empty_source_is_a_vary_error() -> None:
    with pytest.raises(VaryError):
        stream([], Policy([]))


def test_every_keyword_is_listed_once() -> None:
    """Signature, docstring and document are made of one list."""
    tool = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "keywords.py"))
    text = tool["PAGE"].read_text(encoding="utf-8")
    assert tool["page"](text) == text, "run python tools/keywords.py"
    listed = {one.name: one for one in fields(Arguments)}
    signature = inspect.signature(stream).parameters
    assert signature.keys() == listed.keys()
    assert all(one.default == listed[name].default for name, one in signature.items() if listed[name].kw_only)
    doc = inspect.getdoc(stream) or ""
    assert all(f"\n{name}: {one.metadata['doc'].split()[0]}" in doc for name, one in listed.items())
    headings = {line.strip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")}
    assert {one.metadata["more"] for one in listed.values() if one.kw_only} <= {"", *headings}


@pytest.mark.parametrize(("former", "name"), former_names().items())
def test_former_names_lead_to_the_present_ones(former: str, name: str) -> None:
    with pytest.raises(InputError, match=rf"vary.stream has no argument '{former}'; {former} is called {name} now"):
        stream(PICTURES, Policy([]), **{former: 1})


def test_numpy_numbers_are_numbers() -> None:
    train = stream(PICTURES, Policy([]), batch_size=np.int64(2), seed=np.uint8(3), threads=np.int32(2))  # type: ignore[arg-type]
    assert len(train) == 2
    assert repr(train) == "Stream(Arrays(3 images, fields=('images',)): 2 batches of 2, seed=3, epoch=0)"


def test_threads_limits_all_threads_together() -> None:
    for threads, prefetch, batch_workers, each in (
        (1, 2, 1, 1),
        (2, 2, 2, 1),
        (2, 1, 1, 2),
        (5, 2, 2, 2),
        (8, 0, 1, 8),
        (64, 9, 2, 32),
    ):
        options = Options(threads=threads, prefetch=prefetch)
        assert (options.batch_workers, options.threads_per_batch) == (batch_workers, each)
        assert options.batch_workers * options.threads_per_batch <= threads
    assert (Options().batch_workers, Options().threads_per_batch) == (2, default_threads())


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_are_at_work_than_were_asked_for(numbered: np.ndarray, threads: int) -> None:
    at_work, most, lock = 0, 0, threading.Lock()

    def watched(image: np.ndarray) -> np.ndarray:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.002)
        with lock:
            at_work -= 1
        return image

    list(stream(numbered, Policy([Lambda(watched)]), batch_size=1, prefetch=4, threads=threads))
    assert most == threads
