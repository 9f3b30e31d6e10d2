"""A policy as a transform of torchvision v2: the image varies, and masks, boxes and key points move along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

try:
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    tv_tensors.KeyPoints  # noqa: B018  of torchvision 0.23
except (ImportError, AttributeError) as error:
    raise ImportError(
        f"as_torchvision() needs torchvision 0.23 or newer: {error}; pip install -U torchvision"
    ) from error

from vary.errors import InputError
from vary.frameworks.elements import picture_of
from vary.plan.address import address_of
from vary.plan.request import Output, Request, raise_first
from vary.plan.tensors import mask_tensors, picture_tensor

if TYPE_CHECKING:
    from vary.maps import Map
    from vary.policy import Policy
    from vary.sample import Array

__all__ = ["Augment"]

Tensor = Any  # Any: torchvision has no types
CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])  # of a box x, y, x, y
TO_CORNERS = {  # format -> the box as x, y, x, y
    "XYXY": np.eye(4),
    "XYWH": np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]]),
    "CXCYWH": np.array([[1, 0, -0.5, 0], [0, 1, 0, -0.5], [1, 0, 0.5, 0], [0, 1, 0, 0.5]]),
}


class Augment(v2.Transform):  # type: ignore[misc]
    """See `Policy.as_torchvision`. All that belongs to one sample has the same draws."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The draws of a sample: a seed, and its first picture, whose size decides how points move."""
        moved = (tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)
        pictures = [one for one in flat_inputs if not isinstance(one, moved)]
        if flat_inputs and not pictures:
            raise InputError("the sample has masks, boxes or key points, but no image that says how to move them")
        seed = int(torch.randint((1 << 63) - 1, ()))
        return {"seed": seed, "picture": _first(pictures[0]) if pictures else None}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """One part of a sample, varied or moved."""
        if isinstance(inpt, tv_tensors.Mask):
            return self._mask(inpt, params)
        if isinstance(inpt, tv_tensors.BoundingBoxes):
            return _boxes(inpt, self._map(params, inpt.canvas_size))
        if isinstance(inpt, tv_tensors.KeyPoints):
            found = self._map(params, inpt.canvas_size)
            return _wrapped(inpt, found(inpt.numpy()), found)
        if not isinstance(inpt, torch.Tensor):  # of Pillow
            made = self.policy(picture_of(inpt, "image"), seed=params["seed"], layout="NCHW")
            return tv_tensors.Image(torch.from_numpy(made))
        if inpt.ndim < 4:
            return self.policy(inpt, seed=params["seed"])
        flat = inpt.reshape(-1, *inpt.shape[-3:])
        made = self.policy.batch(flat, seed=params["seed"], indices=np.zeros(len(flat), np.int64), threads=1)
        return tv_tensors.wrap(made.reshape(*inpt.shape[:-3], *made.shape[-3:]), like=inpt)

    def extra_repr(self) -> str:
        return repr(self.policy)

    def _mask(self, mask: Tensor, params: dict[str, Any]) -> Tensor:
        """All masks (..., H, W), in one call that makes no picture, unless a user function might change its size."""
        picture: Array = params["picture"]
        _check_size("mask", tuple(mask.shape[-2:]), picture)
        flat = mask.reshape(-1, *mask.shape[-2:])
        if not len(flat):
            found = self._map(params, picture.shape[:2])
            return tv_tensors.wrap(mask.new_zeros((*mask.shape[:-2], *found.size)), like=mask)
        runner, masks = self.policy.runner_for(picture), list(mask_tensors(flat)[0])
        address = address_of(params["seed"], 0, 0, np.zeros(len(flat), np.int64))
        outputs = (Output(), Output(1, role="mask")) if len(runner.stages) > 1 else (Output(1, role="mask"),)
        result = runner.batch(Request(([picture] * len(flat), masks), address, outputs))
        raise_first(result.failures, lambda place: None)
        made = torch.from_numpy(result.arrays[-1])
        return tv_tensors.wrap(made.reshape(*mask.shape[:-2], *made.shape[-2:]), like=mask)

    def _map(self, params: dict[str, Any], size: tuple[int, int]) -> Map:
        """How points of the sample's picture move; `size` is the (height, width) that they refer to."""
        if "map" not in params:
            picture: Array = params["picture"]
            runner, address = self.policy.runner_for(picture), address_of(params["seed"], 0, 0, np.zeros(1, np.int64))
            outputs = (Output(),) if len(runner.stages) > 1 else ()
            result = runner.batch(Request(([picture],), address, outputs, maps=True))
            params["map"] = result.maps[0]
        _check_size("canvas_size", tuple(size), params["picture"])
        found: Map = params["map"]
        return found


def _first(picture: Any) -> Array:
    """A picture of the sample as an array (H, W, C); of several in one tensor, the first."""
    if isinstance(picture, torch.Tensor) and picture.ndim > 3:
        if not picture.numel():
            raise InputError(f"the image has shape {tuple(picture.shape)}; it holds no picture")
        picture = picture.reshape(-1, *picture.shape[-3:])[0]
    found = picture_of(picture, "image")
    array: Array = picture_tensor("image", found)[0] if isinstance(found, torch.Tensor) else found
    return array


def _check_size(name: str, size: tuple[int, ...], picture: Array) -> None:
    if size != picture.shape[:2]:
        raise InputError(f"{name} is {size} (height, width), and the image is {picture.shape[:2]}; they must be equal")


def _boxes(boxes: Tensor, found: Map) -> Tensor:
    """The smallest upright boxes around the moved ones, clipped as their clamping mode says. None is left out: labels
    keep their places, and `v2.SanitizeBoundingBoxes` removes those without an area."""
    name = boxes.format.name
    if name not in TO_CORNERS:
        raise InputError(f"boxes of format {name}; give upright ones, {', '.join(TO_CORNERS)}")
    to_corners = TO_CORNERS[name]
    given = boxes.numpy().reshape(-1, 4).astype(np.float64) @ to_corners.T
    moved = found(given[:, CORNERS])
    behind = np.isnan(moved).any(axis=(1, 2))  # the viewer, so they cannot be shown
    moved[behind] = 0
    hulls = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
    made = hulls @ np.linalg.inv(to_corners).T
    return v2.functional.clamp_bounding_boxes(_wrapped(boxes, made.reshape(boxes.shape), found))


def _wrapped(like: Tensor, values: Array, found: Map) -> Tensor:
    made = torch.from_numpy(values)
    if not like.is_floating_point():
        made = made.nan_to_num(0).round()
    return tv_tensors.wrap(made.to(like.dtype), like=like, canvas_size=found.size)
