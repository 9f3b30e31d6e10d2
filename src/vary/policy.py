"""The Policy: a list of transforms, how they sample, and the four things to do with it: run it on one image or a batch,
explain it, write it down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vary.errors import InputError, PolicyError
from vary.paths import expanded
from vary.plan.explain import explain
from vary.plan.lower import lower
from vary.plan.program import FILLS, Program, Settings
from vary.plan.run import Address, Parts, Runner, default_threads, raise_first
from vary.rng import check_address
from vary.sample import DTYPES, dtype_name, layout_name
from vary.transforms.base import Field, Lowering, Transform, choice, chosen, number
from vary.transforms.compose import several
from vary.transforms.slips import listed
from vary.transforms.text import from_data, parsed, to_data

__all__ = ["Policy"]

FORMAT = 1


def _fill(value: Any) -> str | tuple[float, ...]:
    if isinstance(value, str):
        return chosen(value, FILLS)
    values = tuple(map(number, value)) if isinstance(value, (list, tuple)) else (number(value),)
    if len(values) not in (1, 3, 4) or not all(map(np.isfinite, values)):
        raise ValueError(f"{value!r} must be a number, or one a channel")
    return values


def _range(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = value if isinstance(value, (list, tuple)) else (0.0, value)
    if not -np.inf < number(low) < number(high) < np.inf:
        raise ValueError(f"{value!r} is no range; give the highest value, or (lowest, highest)")
    return number(low), number(high)


def fill(doc: str) -> Any:
    return Field(_fill, doc, "nearest", lambda random: random.choice(FILLS), FILLS)


def value_range(doc: str) -> Any:
    return Field(_range, doc, None, lambda random: None)


def switch(doc: str, default: bool) -> Any:
    def parse(value: Any) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{value!r} is neither True nor False")
        return bool(value)

    return Field(parse, doc, default, lambda random: random.random() < 0.5)


class Policy(Transform):
    """Transforms in listed order, and how they sample. Immutable, picklable, safe to share between threads.

    By default all geometric maps between two cuts are one resampling of the source (look-through); `strict=True`
    resamples at each. `explain()` shows which.
    """

    transforms: Sequence[Transform] = several("a list of transforms")
    fill: str | float | Sequence[float] = fill("what shows outside the picture: a word, a value, or one a channel")
    interpolation: str = choice("how values between pixels are found", ("bilinear", "nearest"), default="bilinear")
    antialias: bool = switch("average source pixels where the picture shrinks", default=True)
    strict: bool = switch("resample at every geometric transform, as step-by-step libraries do", default=False)
    value_range: float | tuple[float, float] | None = value_range("highest value, or (lowest, highest); None: by dtype")

    def check(self) -> None:
        object.__setattr__(self, "_runners", {})
        if self.p != 1:
            self._refuse(f"was given p={self.p}; wrap its transforms in Sometimes([...], p={self.p})")
        for inner in _policies(self.transforms):
            if inner.values().keys() - {"transforms"}:
                self._refuse(f"holds {inner!r}: sampling settings belong to the outermost policy; set them there")

    def children(self) -> Iterator[Transform]:
        yield from self.transforms

    def lower(self, to: Lowering) -> None:
        for child in self.transforms:
            to.child(child)

    def __call__(
        self,
        image: np.ndarray,
        *,
        seed: int = 0,
        epoch: int = 0,
        index: int = 0,
        view: int = 0,
        dtype: Any = None,
        layout: str = "NHWC",
    ) -> np.ndarray:
        """One image (height x width x channels) varied: the row of the batch with the same seed, epoch and index.

        Returns height x width x channels, or channels first for layout="NCHW".
        """
        rows = self.batch(
            [image], seed=seed, epoch=epoch, view=view, indices=(index,), dtype=dtype, layout=layout, threads=1
        )
        one: np.ndarray = rows[0]
        return one

    def batch(
        self,
        images: Sequence[np.ndarray] | np.ndarray,
        *,
        seed: int = 0,
        epoch: int = 0,
        view: int = 0,
        indices: Sequence[int] | np.ndarray | None = None,
        dtype: Any = None,
        layout: str = "NHWC",
        threads: int | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """n images varied in one native call: (n, H, W, C), or (n, C, H, W) for layout="NCHW".

        images: a list of uint8 or float32 arrays, height x width x 1, 3 or 4 channels, of any sizes and strides (one
            dtype and number of channels a batch), or one array of them. Never written to.
        indices: each image's index in its source, 0 .. n-1 if not given. Same index, same draws.
        dtype: "uint8" or "float32"; by default float32 after Rescale or Normalize, else the input's. Values are
            rounded half to even and saturated, never rescaled.
        threads: None takes what affinity and cgroup allow. The result never depends on it.
        out: an array to write into, contiguous within each picture.
        """
        if not isinstance(images, np.ndarray):
            images = list(images)
        n = len(images)
        if not n:
            raise InputError("images is empty; give at least one")
        check_address(seed, epoch, view)
        layout_name(layout)
        numbers = _indices(indices, n)
        runner = self.runner_for(images[0])
        whole = isinstance(images, np.ndarray) and images.dtype != object and images.ndim in (3, 4)
        sources = Parts(np.asarray(images), np.arange(n)) if whole else list(images)
        done, failures, _ = runner.batch(
            sources,
            Address(seed, epoch, view, numbers),
            dtype=None if dtype is None else dtype_name(dtype),
            layout=layout,
            threads=_threads(threads),
            out=out,
        )
        raise_first(failures, lambda place: None)
        return done

    def runner_for(self, image: Any) -> Runner:
        """The policy compiled for images like this one."""
        if not isinstance(image, np.ndarray):
            cure = "vary.read_image(path)" if isinstance(image, (str, Path)) else "numpy.asarray(image)"
            raise InputError(f"image 0 is of type {type(image).__name__}, not a NumPy array; {cure} makes one")
        channels = image.shape[2] if image.ndim == 3 else 1
        return self.runner(channels, image.dtype.name)

    def runner(self, channels: int, dtype: str) -> Runner:
        """The policy compiled for `channels` (1, 3 or 4) of `dtype` ("uint8" or "float32")."""
        known: dict[tuple[int, str], Runner] = self._runners  # type: ignore[attr-defined]
        found = known.get((channels, dtype))
        if found is None:
            if channels not in (1, 3, 4):
                raise InputError(f"image 0 has {channels} channels; 1, 3 or 4 are handled, on the last axis")
            if dtype not in DTYPES:
                cure = "image.astype('float32'), with value_range= if it is not 0 .. 1"
                if np.dtype(dtype).kind in "iub":
                    cure = "image.astype('uint8') if its values are 0 .. 255"
                raise InputError(f"image 0 is {dtype}; give uint8 or float32: {cure}")
            template = lower(self, channels, dtype, self._settings(channels, dtype), self.value_range)  # type: ignore[arg-type]
            found = known[channels, dtype] = Runner(template)
        return found

    def _settings(self, channels: int, dtype: str) -> Settings:
        value = () if isinstance(self.fill, str) else self.fill
        if len(value) not in (0, 1, channels):  # type: ignore[arg-type]
            cure = f"one value for all channels, or {channels}" if channels > 1 else "one value"
            self._refuse(f"fill has {len(value)} entries, the picture {channels} channels; give {cure}")  # type: ignore[arg-type]
        if dtype == "uint8" and value and not all(0 <= v <= 255 for v in value):  # type: ignore[union-attr]
            self._refuse(f"fill={self.fill} is outside 0 .. 255, the values of uint8 pictures")
        name = self.fill if isinstance(self.fill, str) else "constant"
        return Settings(name, value, self.interpolation, self.antialias, self.strict)  # type: ignore[arg-type]

    def program(
        self,
        shape: Sequence[int],
        *,
        dtype: Any = "uint8",
        seed: int = 0,
        epoch: int = 0,
        index: int = 0,
        view: int = 0,
    ) -> Program:
        """What the sample with this seed, epoch and index goes through."""
        channels = shape[2] if len(shape) > 2 else 1
        return self.runner(channels, dtype_name(dtype)).program(Address(seed, epoch, view, _indices((index,), 1)))

    def explain(
        self, shape: Sequence[int], *, dtype: Any = "uint8", seed: int = 0, epoch: int = 0, index: int = 0
    ) -> str:
        """For people: the program of one sample of a picture of `shape` (height, width, channels), its cuts, and its
        cost in passes and bytes."""
        if np.ndim(shape) > 1:
            raise InputError("shape= was given a picture; give its shape: policy.explain(image.shape)")
        if len(shape) not in (2, 3):
            raise InputError(f"shape={tuple(shape)!r}; give (height, width) or (height, width, channels)")
        height, width, channels = (*shape, 1)[:3]
        runner = self.runner(channels, dtype_name(dtype))
        return explain(runner, height, width, Address(seed, epoch, 0, _indices((index,), 1)))

    def to_dict(self) -> dict[str, Any]:
        """The policy as plain data; `Policy.from_dict` reads it back."""
        return {"vary": FORMAT, **to_data(self.values())}

    @staticmethod
    def from_dict(data: Any) -> Policy:
        if isinstance(data, list):
            data = {"transforms": data}
        if not isinstance(data, dict):
            seen = type(data).__name__
            raise PolicyError(f"a policy file holds a mapping with 'transforms', or the bare list of them, not {seen}")
        data = dict(data)
        version = data.pop("vary", FORMAT)
        if version != FORMAT:
            raise PolicyError(f"this policy was written as format {version!r}; this vary reads format {FORMAT}")
        items = data.get("transforms", [])
        if not isinstance(items, list):
            cure = listed(items)
            raise PolicyError(f"a policy needs 'transforms': a list of transforms{cure and f'; {cure}'}")
        if cure := listed(data):
            raise PolicyError(f"transforms come in a list, not in a mapping; {cure}")
        if "transforms" in data:
            data["transforms"] = [from_data(item, f"policy.transforms[{i}]") for i, item in enumerate(items)]
        return Policy(**{str(key): value for key, value in data.items()})

    def save(self, path: str | Path) -> None:
        """Write the policy as YAML or, for a name ending in .json, JSON."""
        path = Path(expanded(path))
        if path.suffix == ".json":
            import json

            text = json.dumps(self.to_dict(), indent=2) + "\n"
        else:
            import yaml

            text = yaml.safe_dump(self.to_dict(), sort_keys=False)
        path.write_text(text, encoding="utf-8")

    @staticmethod
    def load(path: str | Path) -> Policy:
        """Read what `save` wrote, or anyone wrote by hand; `PolicyError` names the file and the place in it."""
        path = Path(expanded(path))
        try:
            return Policy.from_dict(parsed(path.read_bytes(), path.suffix == ".json"))
        except OSError as error:
            raise PolicyError(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, TypeError, RecursionError) as error:  # a PolicyError among them
            raise PolicyError(f"{path}: {error}") from None


def _policies(transforms: Sequence[Transform]) -> Iterator[Policy]:
    for transform in transforms:
        if isinstance(transform, Policy):
            yield transform
        yield from _policies(list(transform.children()))


def _indices(indices: Any, count: int) -> np.ndarray:
    if indices is None:
        return np.arange(count, dtype=np.int64)
    numbers = np.array(indices)
    if numbers.shape != (count,) or numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= 1 << 63:
        raise InputError(f"indices={indices!r} must be {count} whole numbers of at least 0, one an image")
    return numbers.astype(np.int64)


def _threads(threads: Any) -> int:
    if threads is None:
        return default_threads()
    if not isinstance(threads, (int, np.integer)) or threads < 1:
        raise InputError(f"threads={threads!r}; give a whole number of at least 1, or None for all that are allowed")
    return min(int(threads), 1024)
