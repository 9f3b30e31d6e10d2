"""Keras on JAX."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax

from benchmarks.peers import Build, Check, fits, handed


def versions() -> dict[str, str]:
    return {"jax": jax.__version__, **fits.versions()}


CASES: dict[str, Build] = {
    **fits.cases(),
    **handed.cases(lambda stream: stream.as_jax(), lambda pictures: pictures.block_until_ready()),
}
UNITS_AN_IMAGE = fits.UNITS_AN_IMAGE
CHECKS: dict[str, Check] = {}
