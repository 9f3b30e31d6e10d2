"""`Policy`: a list of transforms and how they sample. It varies an image or a batch, explains and previews what it
does, and is saved as YAML or JSON."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from importlib import import_module
from pathlib import Path
from types import EllipsisType, ModuleType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NoReturn,
    ParamSpec,
    SupportsIndex,
    TypeVar,
    Unpack,
    get_args,
    overload,
)

import numpy as np

from vary.display.outline import policy_html, policy_text
from vary.display.pixels import Scale, scale_of_range, scale_of_runner
from vary.display.preview import Preview
from vary.display.text import Text
from vary.display.variations import variations
from vary.elements import ELEMENTS
from vary.errors import InputError, brief
from vary.guidance import ARGUMENTS, guided, missing_attribute
from vary.plan.address import address_of, fresh_seed, index_of, indices_of
from vary.plan.arguments import BatchOptions, Options, fill_of, output_of, range_of, threads_of
from vary.plan.explain import explain
from vary.plan.lower import VALUE_RANGES, lower
from vary.plan.masks import several_masks
from vary.plan.program import FILLS, Fill, Program, Settings
from vary.plan.request import Address, Output, Parts, Pictures, Request, Result, raise_first
from vary.plan.runner import Runner
from vary.plan.runners import Runners
from vary.plan.tensors import Form, is_tensor, mask_tensor, mask_tensors, out_tensor, picture_tensor, picture_tensors
from vary.plan.watch import Watches
from vary.sample import Dtype, Layout, Leaf, Sample, check_pairs, dtype_name, layout_name, many, sample_of
from vary.transforms.base import Lowering, Transform, choice, custom, switch, whole_number
from vary.transforms.compose import empty, several
from vary.transforms.policy_file import load_policy, policy_data, policy_of, save_policy

__all__ = ["Policy"]

Interpolation = Literal["bilinear", "nearest"]
P = ParamSpec("P")
R = TypeVar("R")
Many = list[object] | np.ndarray


def _sample_by_name(call: Callable[P, R]) -> Callable[P, R]:
    """`policy(image=image)` returns a `Sample`, as with `mask=None`; `policy(image)` returns an array."""

    @wraps(call)
    def named(*args: P.args, **given: P.kwargs) -> R:
        if "image" in given:
            given.setdefault("mask", None)
        return call(*args, **given)

    return named


class Policy(Transform):
    """Transforms in listed order, and how they sample. Immutable, picklable, safe to share between threads.

    By default all geometric maps between two cuts are one resampling of the source (look-through); with `strict=True`
    each of them resamples. `explain()` prints the resamplings and cuts.
    """

    transforms: Sequence[Transform] = custom("a list of transforms", several, samples=empty)
    fill: Fill | float | Sequence[float] | np.ndarray = custom(
        "what shows outside the picture: a word, a value, or one per channel", fill_of, default="nearest", within=FILLS
    )
    interpolation: Interpolation = choice(
        "how values between pixels are found", get_args(Interpolation), default="bilinear"
    )
    antialias: bool = switch("filter pictures that shrink, so that fine patterns become grey", default=True)
    strict: bool = switch("resample at every geometric transform, as step-by-step libraries do", default=False)
    value_range: float | tuple[float, float] | None = custom(
        "highest value, or (lowest, highest); None: that of integers, such as 255 for uint8; 1.0 for floats",
        range_of,
        default=None,
    )
    mask_fill: int = custom(
        "the value of masks outside the picture, where fill is a value; 255 is often ignored by losses",
        whole_number,
        default=0,
    )

    def check(self) -> None:
        object.__setattr__(self, "_runners", Runners())
        object.__setattr__(self, "_watches", Watches())
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

    @overload
    def __call__(self, image: np.ndarray, /, **options: Unpack[Options]) -> np.ndarray: ...
    @overload
    def __call__(self, *, image: np.ndarray, mask: np.ndarray | None = None, **options: Unpack[Options]) -> Sample: ...
    @overload
    def __call__(self, image: np.ndarray, /, *, mask: np.ndarray | None, **options: Unpack[Options]) -> Sample: ...

    @_sample_by_name
    @guided("policy(image)")
    def __call__(
        self,
        image: np.ndarray,
        *,
        seed: SupportsIndex | None = None,
        epoch: SupportsIndex | None = None,
        index: SupportsIndex | None = None,
        view: SupportsIndex | None = None,
        dtype: Dtype | None = None,
        layout: Layout = "NHWC",
        mask: np.ndarray | EllipsisType | None = ...,
    ) -> np.ndarray | Sample:
        """Vary one image, and its mask, differently in each call; with a seed, the same arguments give the same result.

        image: (height, width) or (height, width, channels), with 1 to 1024 channels: uint8, uint16, int16, float16 or
            float32. Only read. A tensor of torch is (channels, height, width) or (height, width), on the CPU, and
            the result a tensor (channels, height, width) in the same memory format, whatever `layout` says. Neither
            is copied.
        seed: 0 .. 2^64 - 1. The result is then a function of image, policy, seed, epoch, index and view: it equals the
            row of `batch` and the sample of `vary.stream` with the same values. None: a new seed from the operating
            system for each call, so that neither calls nor worker processes repeat each other.
        epoch, index, view: which epoch, which sample of the source, and which of its repetitions; 0 if not given.
            They need a seed.
        dtype: "uint8", "uint16", "int16", "float16" or "float32"; None: float32 after Rescale or Normalize, else that
            of the image.
        layout: "NHWC": channels last; "NCHW": channels first.
        mask: (height, width) or (height, width, 1) whole numbers or truth values, one for each pixel of the image. It
            moves as the image does, with nearest sampling, and keeps its dtype, form and values. Colour, noise, blur
            and user functions do not change it. Outside the picture it is `Policy(mask_fill=)` if `fill` is a value,
            else what `fill` says.

        Returns (height, width, channels), or (channels, height, width) for "NCHW", a new array. With `image=` by name
        or a mask, a `vary.Sample` with `.image`, `.mask` and `.map`, which moves points. `InputError` for invalid
        arguments, `PolicyError` if the policy does not fit the image.
        """
        seed = fresh_seed(epoch, view, index) if seed is None else seed
        address = address_of(seed, epoch, view, index_of(index))
        form = mask_form = None
        if is_tensor(image):
            image, form = picture_tensor("image", image)
            layout = form.layout
        if is_tensor(mask):
            mask, mask_form = mask_tensor("mask", mask)
        output = output_of(dtype, layout)
        if mask is ...:
            one: np.ndarray = self._vary([image], address, output).arrays[0][0]
            return one if form is None else form.tensor(one, layout)
        made = self._vary([image], address, output, 1, None if mask is None else [mask], True)
        fields = ("image", "mask")[: len(made.arrays)]
        found = [array[0] for array in made.arrays]
        return sample_of(fields, _tensors(found, (form, mask_form), layout), made.maps)

    @overload
    def batch(self, images: Iterable[np.ndarray] | np.ndarray, **options: Unpack[BatchOptions]) -> np.ndarray: ...
    @overload
    def batch(
        self,
        images: Iterable[np.ndarray] | np.ndarray,
        *,
        masks: Iterable[np.ndarray] | np.ndarray,
        **options: Unpack[BatchOptions],
    ) -> Sample: ...

    @guided("policy.batch")
    def batch(
        self,
        images: Iterable[np.ndarray] | np.ndarray,
        *,
        seed: SupportsIndex | None = None,
        epoch: SupportsIndex | None = None,
        view: SupportsIndex | None = None,
        indices: Sequence[int] | np.ndarray | None = None,
        dtype: Dtype | None = None,
        layout: Layout = "NHWC",
        threads: int | None = None,
        out: np.ndarray | None = None,
        masks: Iterable[np.ndarray] | np.ndarray | None = None,
    ) -> np.ndarray | Sample:
        """Vary n images, and their masks, in parallel, each differently in each call; with a seed, reproducibly.

        images: n arrays (height, width, channels) with 1 to 1024 channels, uint8, uint16, int16, float16 or float32, of
            any sizes and strides (one dtype and number of channels a batch), or one array of them (n, height, width,
            channels). Only read. A tensor of torch is (n, channels, height, width), and the result in the same memory
            format, whatever `layout` says; so for a list of tensors (channels, height, width).
        seed: 0 .. 2^64 - 1. Each row is then a function of its image, policy, seed, epoch, index and view. None: a new
            seed from the operating system for each call.
        epoch, view: which epoch, and which repetition of the samples; 0 if not given. They need a seed.
        indices: n whole numbers, each image's index in its source; 0 .. n-1 if not given. Equal indices draw the same.
        dtype: "uint8", "uint16", "int16", "float16" or "float32"; None: float32 after Rescale or Normalize, else that
            of the images. Values are never rescaled; for integers they are rounded half to even and saturated.
        layout: "NHWC": channels last; "NCHW": channels first.
        threads: None: as many as CPU affinity and cgroup allow. The result never depends on it.
        out: an array to write the images into and return, contiguous within each picture.
        masks: n arrays, or one array of them, each as `mask` of a single image; all of one dtype and form.

        Returns (n, height, width, channels), or (n, channels, height, width) for "NCHW"; with masks a `vary.Sample`
        with `.images`, `.masks` and `.maps`. `InputError` for invalid arguments, with the number of the image;
        `PolicyError` if the policy does not fit the images. Values that would train on nonsense cause a
        `ValueWarning`, once of each kind for each policy.
        """
        form = mask_form = None
        if _are_tensors(images):
            images, form = picture_tensors(images)  # type: ignore[assignment]
            layout = form.layout
        if _are_tensors(masks):
            masks, mask_form = mask_tensors(masks)  # type: ignore[assignment]
        given, target = many(images), out
        n = len(given)
        if not n:
            raise InputError("images is empty; give at least one")
        if is_tensor(out):
            target, layout = out_tensor(out)
        seed = fresh_seed(epoch, view) if seed is None else seed
        address = address_of(seed, epoch, view, indices_of(indices, n))
        output, threads = output_of(dtype, layout, target), threads_of(threads)
        made = self._vary(given, address, output, threads, *(() if masks is None else (several_masks(masks), True)))
        arrays = _tensors(made.arrays, (form, mask_form), layout)
        if out is not None:
            arrays[0] = out
        return arrays[0] if masks is None else sample_of(("images", "masks"), arrays, made.maps)

    def _vary(
        self,
        images: Many,
        address: Address,
        output: Output,
        threads: int = 1,
        masks: Many | None = None,
        maps: bool = False,
    ) -> Result:
        runner = self.runner_for(images[0])
        request = Request((_pictures(images),), address, (output,), threads, maps=maps)
        if masks is not None:
            check_pairs(images, masks)
            outputs = output, Output(1, layout=output.layout, role="mask")
            request = request._replace(inputs=(*request.inputs, _pictures(masks)), outputs=outputs)
        result = runner.batch(request)
        raise_first(result.failures, lambda place: None)
        self.watch(runner, request, result)
        return result

    def watch(self, runner: Runner, request: Request, result: Result) -> None:
        """Warn of mistakes of values in a result, once of each kind."""
        self._watches.inspect(runner, request, result)  # type: ignore[attr-defined]

    def as_torchvision(self) -> Any:  # Any: a torch.nn.Module, and torch may not be installed
        """A transform for `torchvision.transforms.v2.Compose`: it varies the image of a sample, and moves its masks,
        boxes and key points along. Each call draws from torch's generator, as torchvision's own transforms do.

        Pillow's pictures become `tv_tensors.Image`, without a copy of the result.
        """
        return _framework("torchvision").Augment(self)

    @guided("policy.as_grain", suggest=False)
    def as_grain(self, image: str = "image", *, mask: str | None = None, layout: Layout = "NHWC") -> Any:
        """A `grain.transforms.RandomMap`, for `MapDataset.random_map` and for the operations of a `DataLoader`.

        image, mask: keys of an element that is a dictionary; its other values pass. An element that is no dictionary
            is an image itself. Images are arrays, Pillow's pictures, or the bytes of a file.
        The draws are a function of the generator that Grain gives: reproducible, and the same for any workers.
        """
        return _framework("grain").Augment(self, image, mask, layout_name(layout))

    @guided("policy.as_datasets", suggest=False)
    def as_datasets(
        self,
        image: str = "image",
        *,
        mask: str | None = None,
        seed: SupportsIndex | None = None,
        epoch: SupportsIndex = 0,
        index: str | None = None,
        layout: Layout = "NHWC",
    ) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """A function for `set_transform` and `with_transform` of Hugging Face's datasets.

        image, mask: columns of pictures, which become arrays; the others pass.
        seed: with it, the picture of a row is `policy(picture, seed=seed, epoch=epoch, index=row[index])`; None: each
            call draws anew, in each worker process differently.
        index: the column of each row's number, needed with a seed.
        """
        module = _framework("datasets")
        draws = module.Draws(seed, epoch, index)
        return module.Augment(self, image, mask, draws, layout_name(layout))  # type: ignore[no-any-return]

    if not TYPE_CHECKING:  # else a type checker would accept every name

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute(self, name, "policy")

    def runner_for(self, image: object) -> Runner:
        """The policy compiled for images like this one."""
        found: Runner = self._runners.of_image(image, self._compiled)  # type: ignore[attr-defined]
        return found

    def runner(self, channels: int, dtype: str) -> Runner:
        """The policy compiled for pictures of `channels` and `dtype`, a name."""
        found: Runner = self._runners.of_kind(channels, dtype, self._compiled)  # type: ignore[attr-defined]
        return found

    def _compiled(self, channels: int, dtype: str) -> Runner:
        return Runner(lower(self, channels, dtype, self._settings(channels, dtype), self.value_range))  # type: ignore[arg-type]

    def _settings(self, channels: int, dtype: str) -> Settings:
        value = () if isinstance(self.fill, str) else self.fill
        if len(value) not in (0, 1, channels):  # type: ignore[arg-type]
            cure = f"one value for all channels, or {channels}" if channels > 1 else "one value"
            self._refuse(f"fill has {len(value)} entries, the picture {channels} channels; give {cure}")  # type: ignore[arg-type]
        low, high = ELEMENTS[dtype].ends
        if not all(low <= v <= high for v in value):  # type: ignore[union-attr]
            self._refuse(f"fill={brief(self.fill)} is outside {low:g} .. {high:g}, the values of {dtype} pictures")
        name = self.fill if isinstance(self.fill, str) else "constant"
        return Settings(name, value, self.interpolation, self.antialias, self.strict, self.mask_fill)  # type: ignore[arg-type]

    @guided("policy.program", suggest=False)
    def program(
        self,
        shape: Sequence[int],
        *,
        dtype: Dtype = "uint8",
        seed: SupportsIndex = 0,
        epoch: SupportsIndex = 0,
        index: SupportsIndex = 0,
        view: SupportsIndex = 0,
    ) -> Program:
        """The instructions that the sample with this seed, epoch, index and view goes through, with its drawn values.

        shape: (height, width) or (height, width, channels). dtype: of the picture.
        """
        channels = shape[2] if len(shape) > 2 else 1
        return self.runner(channels, dtype_name(dtype)).program(address_of(seed, epoch, view, index_of(index)))

    @guided("policy.explain", suggest=False)
    def explain(
        self,
        shape: Sequence[int],
        *,
        dtype: Dtype = "uint8",
        seed: SupportsIndex = 0,
        epoch: SupportsIndex = 0,
        index: SupportsIndex = 0,
    ) -> str:
        """The program of one sample of a picture of `shape` (height, width, channels), its cuts, and its cost in passes
        and bytes, as text for people: a `str` that prompts and notebooks show line by line."""
        if np.ndim(shape) > 1:
            raise InputError("shape= was given a picture; give its shape: policy.explain(image.shape)")
        given: tuple[Any, ...] = tuple(shape) if np.ndim(shape) else (shape,)  # Any: operator.index refuses the rest
        if len(given) not in (2, 3):
            raise InputError(f"shape={shape!r}; give (height, width) or (height, width, channels)")
        try:
            sides = [operator.index(side) for side in given]
        except TypeError:  # 5.5, "5"
            sides = [0]
        if min(sides) < 1:
            raise InputError(f"shape={given!r} has no pixel; give whole numbers of at least 1")
        height, width, channels = (*sides, 1)[:3]
        runner = self.runner(channels, dtype_name(dtype))
        return Text(explain(runner, height, width, address_of(seed, epoch, 0, index_of(index))))

    @guided("policy.preview", suggest=False)
    def preview(self, images: object, *, seed: int = 0, n: int = 7, rows: int = 6, channels: int = 3) -> Preview:
        """Rows of pictures: an original, then what a stream of this seed makes of it in epochs 0, 1, 2 and so on.

        images: one picture (H, W, C) or (H, W); a list of pictures or of paths; a batch (N, H, W, C); the path of a
            picture or of a folder; or any source.
        n: variations of each picture.
        rows: the most pictures; of more, this many are chosen, evenly spaced.
        channels: of pictures from files: 1 (grey), 3 or 4.

        A notebook shows the result, `.save(path)` writes it. Values are shown as the policy made them, on a fixed scale
        that the sheet states. A file of a folder that cannot be read is replaced by another one (see `.skipped`).
        `InputError`, `SourceError` or `DecodeError` if there is nothing to show.
        """

        def one(image: np.ndarray, epoch: int, index: int) -> np.ndarray:
            return self(image, seed=seed, epoch=epoch, index=index)

        def scales(image: np.ndarray) -> tuple[Scale, Scale]:
            runner, given = self.runner_for(image), self.value_range
            low, high = given or VALUE_RANGES[runner.template.dtype]  # type: ignore[misc]
            return scale_of_range(low, high), scale_of_runner(runner, given)  # type: ignore[arg-type]

        return variations(images, n, rows, channels, one, scales)

    def __repr__(self) -> str:
        return policy_text(self)

    def _repr_html_(self) -> str:
        return policy_html(self)

    def to_dict(self) -> dict[str, Any]:  # Any: nested lists and mappings
        """The policy as plain data; `Policy.from_dict` reads it back.

        Its "semantics" is the version of the transforms' meanings: with another version, the same policy may make
        other bytes.
        """
        return policy_data(self.values())

    @staticmethod
    def from_dict(data: object) -> Policy:
        """The policy that `to_dict` returned, or that was read from a file as plain data; `PolicyError` names the place
        of a mistake.

        It warns of data with earlier semantics, or without: the bytes of that policy may be new.
        """
        return policy_of(data, Policy)

    @guided("policy.save", suggest=False)
    def save(self, path: str | Path) -> None:
        """Write the policy as YAML or, for a name ending in .json, JSON."""
        save_policy(path, self.values())

    @staticmethod
    @guided("vary.Policy.load", suggest=False)
    def load(path: str | Path) -> Policy:
        """Read a file written by `save` or by hand; `PolicyError` names the file and the place of a mistake in it.

        It warns of a file without `semantics`, or with earlier ones: its bytes may be new.
        """
        return load_policy(path, Policy)


ARGUMENTS["vary.Policy"] = tuple(name for name in Policy.fields if name != "p")


def _policies(transforms: Sequence[Transform]) -> Iterator[Policy]:
    for transform in transforms:
        if isinstance(transform, Policy):
            yield transform
        yield from _policies(list(transform.children()))


def _pictures(images: Many) -> Pictures:
    whole = isinstance(images, np.ndarray) and images.dtype != object and images.ndim in (3, 4)
    return Parts(np.asarray(images), np.arange(len(images))) if whole else list(images)


def _framework(name: str) -> ModuleType:
    """The module `vary.frameworks.name`, imported when it is asked for: it imports the framework, and this file."""
    return import_module(f"vary.frameworks.{name}")


def _are_tensors(images: object) -> bool:
    """Is it a tensor, or a list of them?"""
    return is_tensor(images) or (isinstance(images, list | tuple) and any(map(is_tensor, images)))


def _tensors(arrays: Iterable[np.ndarray], forms: tuple[Form | None, ...], layout: str) -> list[Leaf]:
    """The results, as tensors where the arguments were."""
    pairs = zip(arrays, forms, strict=False)
    return [array if form is None else form.tensor(array, layout) for array, form in pairs]
