"""torch's tensors as pictures: the same memory, channels first outside and last inside. torch is not imported here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vary.elements import DTYPES
from vary.errors import InputError
from vary.sample import Array, Layout

if TYPE_CHECKING:
    from typing import TypeGuard

__all__ = ["Form", "is_tensor", "mask_tensor", "mask_tensors", "out_tensor", "picture_tensor", "picture_tensors"]

Tensor = Any  # Any: a torch.Tensor; torch may not be installed

CURES = {
    "bool": "{}.to(torch.uint8) * 255",
    "bfloat16": "{}.float()",
    "float64": "{}.float()",
    "int8": "{}.to(torch.int16)",
}
OTHER = "{0}.to(torch.uint8) if its values are 0 .. 255, {0}.float() with value_range= otherwise"
SIDES = 16  # of what may be one picture with its channels last


class Form(NamedTuple):
    """How arrays become tensors again.

    layout: in which arrays have the memory order of the given tensors. like: a tensor, whose class results have.
    flat: masks without an axis for the channel.
    """

    layout: Layout
    like: Tensor
    flat: bool = False

    def tensor(self, array: Array, layout: str) -> Tensor:
        """A result in this layout, as a tensor of the same memory; its channels, if it has any, come first."""
        if layout == "NHWC" and not self.flat:
            array = array.swapaxes(-1, -2).swapaxes(-2, -3)
        made = sys.modules["torch"].from_numpy(array)
        typed = sys.modules.get("torchvision.tv_tensors")
        if typed is not None and isinstance(self.like, typed.TVTensor):
            made = typed.wrap(made, like=self.like)
        return made


def is_tensor(found: object) -> TypeGuard[Tensor]:
    """Is it a tensor of torch?"""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(found, getattr(torch, "Tensor", ()))


def picture_tensor(name: str, image: Tensor) -> tuple[Array, Form]:
    """One picture (C, H, W) or (H, W) as an array (H, W, C) or (H, W) of the same memory."""
    if image.ndim not in (2, 3):
        several = "; several go to policy.batch(images)" if image.ndim > 3 else ""
        raise InputError(f"{name} has shape {tuple(image.shape)}; give a tensor (channels, height, width){several}")
    _check_order(name, image)
    array = _picture(name, image)
    if image.ndim == 2:
        return array, Form("NCHW", image)
    moved = image.permute(1, 2, 0)
    return array.transpose(1, 2, 0), Form(_layout(image, moved), image)


def picture_tensors(images: Tensor | Sequence[Tensor]) -> tuple[Array | list[object], Form]:
    """Pictures (N, C, H, W), or a list of (C, H, W), as arrays with the channels last."""
    if not is_tensor(images):
        if not all(map(is_tensor, images)):
            raise InputError("images holds tensors and other things; give tensors (C, H, W) alone, or arrays alone")
        made = [picture_tensor(f"image {number}", one) for number, one in enumerate(images)]
        return [array for array, _ in made], made[0][1]
    if images.ndim != 4:
        one = "; one picture is images[None], or goes to policy(image)" if images.ndim in (2, 3) else ""
        raise InputError(f"images has shape {tuple(images.shape)}; give a tensor (N, channels, height, width){one}")
    if len(images):
        _check_order("images[0]", images[0])
    array, moved = _picture("images", images), images.permute(0, 2, 3, 1)
    return array.transpose(0, 2, 3, 1), Form(_layout(images, moved), images)


def mask_tensor(name: str, mask: Tensor) -> tuple[Array, Form]:
    """A mask (1, H, W) or (H, W) as an array (H, W, 1) or (H, W) of the same memory."""
    if mask.ndim == 3 and len(mask) != 1:
        raise InputError(
            f"{name} has shape {tuple(mask.shape)}; give one number for each pixel: (height, width) or (1, height, "
            "width); from one channel for each class, mask.argmax(0) makes it"
        )
    array = _mask(name, mask)
    return (array.transpose(1, 2, 0) if mask.ndim == 3 else array), Form("NCHW", mask, mask.ndim < 3)


def mask_tensors(masks: Tensor | Sequence[Tensor]) -> tuple[Array | list[object], Form]:
    """Masks (N, H, W) or (N, 1, H, W), or a list of them, as arrays with the channel last."""
    if not is_tensor(masks):
        made = [mask_tensor(f"mask {n}", one) if is_tensor(one) else (one, None) for n, one in enumerate(masks)]
        if any(form is None for _, form in made):
            raise InputError("masks holds tensors and other things; give tensors alone, or arrays alone")
        return [array for array, _ in made], made[0][1]  # type: ignore[return-value]
    array = _mask("masks", masks)
    return (array.transpose(0, 2, 3, 1) if masks.ndim == 4 else array), Form("NCHW", masks, masks.ndim < 4)


def out_tensor(out: Tensor) -> tuple[Array, Layout]:
    """The argument `out`, a tensor (N, C, H, W), as an array, and the layout of that."""
    if out.ndim != 4:
        raise InputError(f"out= has shape {tuple(out.shape)}; give a tensor (N, channels, height, width)")
    array, moved = _array("out", out), out.permute(0, 2, 3, 1)
    layout = _layout(out, moved)
    return (array if layout == "NCHW" else array.transpose(0, 2, 3, 1)), layout


def _layout(tensor: Tensor, moved: Tensor) -> Layout:
    return "NHWC" if moved.is_contiguous() and not tensor.is_contiguous() else "NCHW"


def _check_order(name: str, image: Tensor) -> None:
    shape = tuple(image.shape)
    if len(shape) == 3 and shape[2] in (1, 3, 4) and shape[0] > SIDES < shape[1]:
        raise InputError(
            f"{name} has shape {shape}, which looks like (H, W, C); channels of a tensor come first: "
            "image.permute(2, 0, 1)"
        )


def _picture(name: str, image: Tensor) -> Array:
    dtype = str(image.dtype).removeprefix("torch.")
    if dtype not in DTYPES:
        cure = CURES.get(dtype, OTHER).format("image" if image.ndim < 4 else "images")
        raise InputError(f"{name} is {image.dtype}; give one of {', '.join(DTYPES)}: {cure}")
    return _array(name, image)


def _mask(name: str, mask: Tensor) -> Array:
    if mask.is_floating_point() or mask.is_complex():
        raise InputError(
            f"{name} is {mask.dtype}; a mask holds whole numbers or truth values: give mask.to(torch.uint8) if it "
            "holds class numbers, mask > 0.5 if it holds probabilities of one class"
        )
    return _array(name, mask)


def _array(name: str, tensor: Tensor) -> Array:
    if tensor.device.type != "cpu":
        raise InputError(
            f"{name} is on {tensor.device}; vary works on the CPU: vary it before it is moved there, or give "
            f"{_word(name)}.cpu()"
        )
    if tensor.requires_grad:
        raise InputError(
            f"{name} requires a gradient, and vary computes none; give {name.split(maxsplit=1)[0]}.detach()"
        )
    try:
        found: Array = tensor.numpy()
    except (RuntimeError, TypeError) as error:  # sparse, quantised, a view of conjugates
        raise InputError(f"{name} cannot be read as it is: {error}; give a dense tensor, as .clone() makes") from None
    return found


def _word(name: str) -> str:
    """The variable of a name such as "image 3"."""
    return name.partition(" ")[0]
