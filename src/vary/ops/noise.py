"""Noise, a function of the position on the canvas. native/ops/noise.cc implements the same instructions."""

from __future__ import annotations

import numpy as np

from vary.ops.colour import CLIP_TEXT, RANGE_ARGUMENTS
from vary.ops.spec import Floats, Op, split_alpha

__all__ = ["OPS", "philox"]

Words = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]  # of 32 bits each
LOW = np.uint64(0xFFFFFFFF)


def philox(counter: Words, first: int, second: int) -> Words:
    """Philox4x32-10 of (4, ...) words (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011)."""
    a, b, c, d = counter
    half = np.uint64(32)
    for i in range(10):
        keys = [(first + i * 0x9E3779B9) & 0xFFFFFFFF, (second + i * 0xBB67AE85) & 0xFFFFFFFF]
        p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, c = (q >> half) ^ b ^ np.uint64(keys[0]), (p >> half) ^ d ^ np.uint64(keys[1])
        b, d = q & LOW, p & LOW
    return np.stack([a, b, c, d])


def _deviates(shape: tuple[int, ...], first: int, second: int) -> Floats:
    """Normal deviates, height x width x channels: two pairs for every four channels, by Box and Muller (1958)."""
    height, width, channels = shape
    y, x, group = np.meshgrid(np.arange(height), np.arange(width), np.arange(-(-channels // 4)), indexing="ij")
    words = philox(np.stack([x, y, group, np.zeros_like(x)]).astype(np.uint64), first, second)
    pairs = []
    for uniform, angle in (words[:2], words[2:]):
        radius = np.sqrt(-2 * np.log((uniform + 0.5) / 2**32))
        radians = ((angle >> np.uint64(30)) + (angle & np.uint64(0x3FFFFFFF)) / 2**30 - 0.5) * (np.pi / 2)
        pairs += [radius * np.cos(radians), radius * np.sin(radians)]
    return np.stack(pairs, axis=-1).reshape(height, width, -1)[..., :channels]


def _gauss_noise(picture: Floats, std: float, first: float, second: float, low: float, high: float) -> Floats:
    values, alpha = split_alpha(picture)
    noise = _deviates(values.shape, int(first), int(second)) * (std * (high - low))
    return np.concatenate([(values.clip(low, high) + noise).clip(low, high), alpha], axis=2)


OPS = [
    Op(
        "gauss_noise",
        "noise",
        f"std fraction, first word, second word, {RANGE_ARGUMENTS}",
        f"std {{std}}, key {{first}} {{second}}, {CLIP_TEXT}",
        _gauss_noise,
        neutral=(0,),
    )
]
