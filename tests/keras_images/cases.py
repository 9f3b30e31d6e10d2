"""Random uses of ImageDataGenerator, and where two versions of it differ: the original, and `vary.keras` with `compat`.

No module of the tests is imported, because tests of frameworks use this in their own environment.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHIFTS = (0.0, 0.1, 0.99, 1.0, 3.5, 1, 2, 5, [-3, 0, 3], [0.1, 0.2], [3], (0.25, -0.25))
CHOICES: dict[str, tuple[object, ...]] = {
    "rotation_range": (0, 5, 40, 180, 360.0, -30),
    "width_shift_range": SHIFTS,
    "height_shift_range": SHIFTS,
    "shear_range": (0.2, 11.0, 45.0, -20.0),
    "zoom_range": (0.2, 0.9, [0.5, 1.5], (1, 1), 0, (2, 3)),
    "channel_shift_range": (0.0, 20.0, 150.0),
    "brightness_range": (None, None, None, (0.5, 1.5), [0, 1], (1, 1), [2, 3]),
    "fill_mode": ("nearest", "constant", "reflect", "wrap", "mirror", "grid-wrap", "grid-constant", "grid-mirror"),
    "cval": (0.0, 7.0, -5.5, 300.0),
    "horizontal_flip": (False, True),
    "vertical_flip": (False, True),
    "rescale": (None, None, 1 / 255, 0, -1),
    "samplewise_center": (False, False, True),
    "featurewise_center": (False, False, True),
    "preprocessing_function": (None, None, None, lambda x: np.random.rand() * x, lambda x: x.astype(np.int64)),  # noqa: NPY002
    "interpolation_order": (1, 1, 1, 0, 2, 3),
    "dtype": ("float32", "float32", "float64", "uint8", "int32"),
    "data_format": ("channels_last", "channels_last", "channels_first"),
    "validation_split": (0.0, 0.2, 0.5),
}
OWN_FAILURES = ("not supported", "Cannot cast ufunc", "Unsupported channel")
"""What the original says where only it fails."""
Result = tuple[str, Any]  # "" or an error, and what was returned


def difference(original: Callable[..., Any], ours: Callable[..., Any], case: int, folder: Path) -> str:
    """Where the two kinds of ImageDataGenerator differ in this case; "" if nowhere."""
    random = np.random.default_rng(case)
    given = {name: random.choice(np.array([*some, None], object)[:-1]) for name, some in CHOICES.items()}
    given = {name: value for name, value in given.items() if random.random() < 0.6 or name == "data_format"}
    channels, height, width = random.choice([1, 2, 3, 3, 4, 5]), random.choice([1, 2, 5, 12]), random.choice([1, 3, 8])
    shape = random.integers(1, 9), height, width, channels
    x = random.uniform(0, 255, shape).astype(random.choice(["uint8", "float32", "float64", "int16"]))
    x = np.moveaxis(x, 3, 1) if given["data_format"] == "channels_first" else x
    results = []
    for number, kind in enumerate((original, ours)):
        saved = folder / f"{case} {number}"
        saved.mkdir()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            results.append(_used(kind(**given), x, np.random.default_rng(case), saved))
    for step, (old, new) in enumerate(zip(*results, strict=True)):
        if old[0]:
            return "" if new[0] or any(said in old[0] for said in OWN_FAILURES) else f"{given}: the original: {old[0]}"
        if new[0] or _apart(old[1], new[1]):
            return f"{given}, step {step}: {new[0] or (old[1], new[1])}"
    return ""


def _used(generator: Any, x: np.ndarray, random: np.random.Generator, saved: Path) -> list[Result]:
    found: list[Result] = []

    def note(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            found.append(("", function(*args, **kwargs)))
        except Exception as error:  # noqa: BLE001  whatever the original raises
            found.append((f"{type(error).__name__}: {error}", None))
        return found[-1][1]

    np.random.seed(random.integers(2**31))  # noqa: NPY002  that of the original
    one = x[0].astype(np.float32)
    note(lambda: sorted(generator.get_random_transform(one.shape).items()))
    note(generator.random_transform, one.copy(), random.choice([None, 5]))
    if generator.featurewise_center:
        note(generator.fit, x, augment=bool(random.integers(2)), rounds=2, seed=random.choice([None, 3]))
        note(lambda: np.asarray(generator.mean))
    numbers = np.arange(len(x))
    it = note(
        generator.flow,
        (x, [numbers]) if random.random() < 0.2 else x,
        random.choice(np.array([numbers % 2, numbers % 2 * 1.0, None], object)),
        batch_size=int(random.integers(1, 5)),
        shuffle=bool(random.integers(2)),
        sample_weight=random.choice(np.array([numbers * 2.0, None], object)),
        seed=random.choice([None, 7]),
        save_to_dir=random.choice([None, str(saved)]),
        subset=random.choice([None, None, "training", "validation"]),
    )
    found[-1] = found[-1][0], None
    for action in [] if it is None else random.integers(0, 7, 8):
        if action < 3:
            note(next, it)
        elif action == 3 and len(it):
            note(it.__getitem__, random.integers(len(it)))
        else:
            note((it.reset, it.on_epoch_end, it.__len__)[action % 3])
        note(lambda: (it.batch_index, it.total_batches_seen, np.asarray(it.index_array, float)))
    note(lambda: sorted(path.name for path in saved.iterdir()))
    note(np.random.rand)
    return found


def _apart(old: Any, new: Any) -> bool:
    """Do results differ, pixels by more than 1.03 levels?"""
    if isinstance(old, tuple | list):
        if type(old) is not type(new) or len(old) != len(new):
            return True
        return any(_apart(a, b) for a, b in zip(old, new, strict=True))
    if not isinstance(old, np.ndarray):
        return bool(old != new)
    if (old.shape, old.dtype) != (new.shape, new.dtype):
        return True
    a, b = old.astype(float), new.astype(float)
    apart = np.abs(a - b)[np.isfinite(a) & np.isfinite(b)]
    if old.dtype == np.uint8:
        apart = np.minimum(apart, 256 - apart)  # they wrap round
    return bool(apart.max(initial=0) > 1.03 or (np.isfinite(a) != np.isfinite(b)).any())


MODES = ("nearest", "constant", "reflect", "wrap", "mirror", "grid-wrap")
AXES = ((0, 1, 2), (1, 2, 0), (1, 0, 2))  # of rows, columns and channels


def function_difference(original: Callable[[str], Any], ours: Callable[[str], Any], case: int) -> str:
    """As `difference`, of a function for single images. original, ours: name -> the function."""
    random = np.random.default_rng(case)
    axes = AXES[random.integers(len(AXES))]
    shape = random.choice([1, 2, 3, 7, 12]), random.choice([1, 2, 5, 9]), random.choice([1, 2, 3, 4])
    x = random.uniform(0, 255, shape).astype(random.choice(["uint8", "float32", "float64", "int16"]))
    x = np.moveaxis(x, (0, 1, 2), axes)
    how = dict(zip(("row_axis", "col_axis", "channel_axis"), axes, strict=True))
    how |= {"fill_mode": str(random.choice(MODES)), "cval": float(random.choice([0, 9]))}
    order = int(random.choice([0, 1, 1, 2, 3]))
    angle, low = float(random.choice([0, 30, 180])), float(random.choice([0.3, 1, 2]))
    affine = {"theta": (0, 90, 33, -45), "tx": (0, 1, -2.5), "ty": (0, 2, 0.5), "shear": (0, 20), "zx": (1, 0.5, 2)}
    uses: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "random_rotation": ((angle,), {**how, "interpolation_order": order}),
        "random_shear": ((angle,), {**how, "interpolation_order": order}),
        "random_shift": ((0.2, 1.5), {**how, "interpolation_order": order}),
        "random_zoom": (((low, low + 0.5),), {**how, "interpolation_order": order}),
        "apply_affine_transform": ((), {**how, "order": order, **{k: random.choice(v) for k, v in affine.items()}}),
        "random_channel_shift": ((20,), {}),
        "random_brightness": (((0.5, 1.5),), {}),
    }
    name = str(random.choice(list(uses)))
    results = []
    for found in (original, ours):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.random.seed(case)  # noqa: NPY002  that of the original
            try:
                results.append((np.asarray(found(name)(x.copy(), *uses[name][0], **uses[name][1])), np.random.rand()))  # noqa: NPY002
            except ValueError as error:
                results.append((error, 0.0))
    if isinstance(results[0][0], ValueError):
        return ""
    apart = isinstance(results[1][0], ValueError) or _apart(results[0][0], results[1][0])
    return f"{name} {uses[name]}: {results}" if apart or results[0][1] != results[1][1] else ""
