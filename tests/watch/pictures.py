"""Pictures of many kinds, all of them valid."""

import numpy as np

N, H, W = 12, 64, 80


def photos(count: int = N) -> np.ndarray:
    """Smooth, coloured, noisy, all different."""
    y, x = (axis[..., None] / axis.max() for axis in np.mgrid[:H, :W])
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        a, b, c, d = rng.uniform(0, 255, (4, 3))
        smooth = a * (1 - x) * (1 - y) + b * x * (1 - y) + c * (1 - x) * y + d * x * y
        made.append(np.clip(smooth + rng.normal(0, 8, (H, W, 3)), 0, 255))
    return np.array(made).astype(np.uint8)


def noise(count: int = N) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, H, W, 3), np.uint8)


def floats(images: np.ndarray) -> np.ndarray:
    return (images / 255).astype(np.float32)


def _digits() -> np.ndarray:
    """White strokes on black, as in MNIST."""
    made = np.zeros((N, 28, 28, 1), np.uint8)
    for number, image in enumerate(made):
        image[6:22, 10 + number % 5 : 13 + number % 5] = 255
        image[12:15, 6:20] = 150 + number
    return made


def _stars() -> np.ndarray:
    return np.where(np.random.default_rng(1).random((N, H, W, 1)) < 0.002, 255, 0).astype(np.uint8)


def _drawing() -> np.ndarray:
    """Black lines on white."""
    made = np.full((N, H, W, 3), 255, np.uint8)
    made[:, ::16] = made[:, :, ::16] = 0
    return made


def _scan() -> np.ndarray:
    """A body in the middle, black around it."""
    y, x = np.mgrid[:H, :W]
    inside = (y - H / 2) ** 2 + (x - W / 2) ** 2 < 300
    return np.where(inside, photos()[..., 0], 0)[..., None].astype(np.uint8)


def _sky() -> np.ndarray:
    """Plain and bright but for a strip."""
    made = np.full((N, H, W, 3), 215, np.uint8)
    made[:, :8] = photos()[:, :8]
    return made


def _classes() -> np.ndarray:
    """Masks of class numbers 0 .. 3."""
    small = np.random.default_rng(2).integers(0, 4, (N, H // 8, W // 8, 1), np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)


PHOTOS = photos()
BYTES: dict[str, np.ndarray] = {
    "photos": PHOTOS,
    "one photo": PHOTOS[:1],
    "noise": noise(),
    "grey": PHOTOS[..., 0],
    "RGBA": np.concatenate([PHOTOS, PHOTOS[..., :1]], axis=-1),
    "black": PHOTOS * 0,
    "white": PHOTOS * 0 + 255,
    "dark": PHOTOS // 40,
    "bright": 255 - PHOTOS // 12,
    "black RGBA": np.pad(PHOTOS * 0, [(0, 0), (0, 0), (0, 0), (0, 1)], constant_values=255),
    "digits": _digits(),
    "stars": _stars(),
    "drawing": _drawing(),
    "negative": 255 - _drawing(),
    "scan": _scan(),
    "sky": _sky(),
    "classes": _classes(),
    "binary": (_classes() > 1).astype(np.uint8) * 255,
    "tiny": PHOTOS[:, :6, :6],
}
INPUTS = BYTES | {f"{name} as floats": floats(images) for name, images in BYTES.items()}
