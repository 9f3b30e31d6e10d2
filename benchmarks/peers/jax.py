"""Keras on JAX."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax

from benchmarks.peers import Build, Check, fits


def versions() -> dict[str, str]:
    return {"jax": jax.__version__, **fits.versions()}


CASES: dict[str, Build] = fits.cases()
UNITS_AN_IMAGE = fits.UNITS_AN_IMAGE
CHECKS: dict[str, Check] = {}
