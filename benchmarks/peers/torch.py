"""Keras on PyTorch."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import torch

from benchmarks.peers import Build, Check, fits, handed


def versions() -> dict[str, str]:
    return {"torch": torch.__version__, **fits.versions()}


CASES: dict[str, Build] = {
    **fits.cases(),
    **handed.cases(lambda stream: stream.as_torch(), lambda pictures: pictures.permute(0, 2, 3, 1).numpy()),
}
UNITS_AN_IMAGE = fits.UNITS_AN_IMAGE
CHECKS: dict[str, Check] = {}
