"""A call from a compiled JAX program to a function of NumPy arrays.

`jax.pure_callback` does the same, but first copies the arguments into arrays of JAX, in the thread that runs the
program. With a single CPU, that copy waits for this very thread, without an end
(https://github.com/jax-ml/jax/issues/24255). Here the function gets the memory of the arguments. With a version of JAX
that lacks `emit_python_callback`, it is called by `jax.pure_callback`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import mlir

from vary.sample import Array

__all__ = ["call_host"]

Traced = Any  # `Any`: JAX' own types


def call_host(function: Callable[[Array, Array], Array], images: Traced, state: Traced) -> Traced:
    """function(images, state), an array of the shape and dtype of `images`. Gradients are 0."""
    images = jax.lax.stop_gradient(images)
    if not hasattr(mlir, "emit_python_callback"):
        result = jax.ShapeDtypeStruct(images.shape, images.dtype)
        return jax.pure_callback(function, result, images, state, vmap_method="sequential")
    return _HOST.bind(images, state, function=function)


def _abstract(images: Traced, state: Traced, *, function: object) -> Traced:  # noqa: ARG001
    return images


def _lowered(context: Traced, images: Traced, state: Traced, *, function: Callable[[Array, Array], Array]) -> Traced:
    def call(images: Array, state: Array) -> tuple[Array]:
        return (function(images, state),)

    result, _, _ = mlir.emit_python_callback(
        context, call, None, [images, state], context.avals_in, context.avals_out, has_side_effect=False
    )
    return result


_HOST = Primitive("vary_host")
_HOST.def_abstract_eval(_abstract)
mlir.register_lowering(_HOST, _lowered, cacheable=False)  # as pure_callback is, for TPUs
