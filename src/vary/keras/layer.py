"""`Augment`: a policy as a layer of Keras 3. Importing this module imports Keras.

vary's core works on arrays in the host's memory, so a compiled step calls back to the host: `jax.pure_callback` on JAX,
`tf.numpy_function` on TensorFlow. PyTorch, and every backend that runs eagerly, calls the core itself.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from vary.elements import ELEMENTS
from vary.errors import InputError
from vary.keras.seeds import LARGEST_SEED, drawn_seed
from vary.keras.traps import warn_of_trap
from vary.ops import CLIPPING
from vary.plan.address import address_of
from vary.plan.infer import output_size
from vary.plan.machine import default_threads
from vary.plan.request import Output, Parts, Request, raise_first
from vary.policy import Policy
from vary.sample import Array

try:
    import keras
except ImportError as error:
    raise ImportError(
        "vary.keras.Augment is a layer of Keras 3, which cannot be imported: pip install keras"
    ) from error

__all__ = ["Augment"]

Tensor = Any  # `Any`: that of the backend
FORMATS = ("channels_last", "channels_first")


@keras.saving.register_keras_serializable(package="vary")
class Augment(keras.layers.Layer):  # type: ignore[misc]
    """Vary pictures in training, and return them as they are otherwise. Use it in a model, or in a `tf.data` map.

        model = keras.Sequential([Augment(vary.Policy([vary.Rotate(20), vary.HorizontalFlip()])), ...])
        dataset = dataset.map(lambda x, y: (augment(x), y))

    Inputs are batches (n, height, width, channels), or single pictures (height, width, channels), of any dtype, which
    the outputs have, too. Integers are rounded. Floats are 0 .. 255, unless the policy has another `value_range`.
    The k-th batch is that of `policy.batch(images, seed=seed, epoch=k)`, on each backend. The count is saved with the
    model's weights. In a `tf.data` map with num_parallel_calls, time decides which batch is the k-th; leave it out, as
    vary has threads of its own. The same is true of a map on other backends than TensorFlow, whose count begins at 0.

    policy: must keep the size of the pictures, and has no Rescale or Normalize: in inference, these would be left out.
    seed: a whole number below 2^31; None: one that is drawn by `random`, which keras.utils.set_random_seed seeds.
    data_format: "channels_last" or "channels_first"; None: that of Keras.

    `InputError` for other policies, when the layer is built.
    """

    def __init__(
        self, policy: Policy, seed: int | None = None, data_format: str | None = None, **kwargs: object
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(policy, Policy):
            raise InputError(f"policy is a {type(policy).__name__}; give a policy: Augment(vary.Policy([...]))")
        _check_seed(seed)
        if data_format not in (*FORMATS, None):
            raise InputError(f"data_format={data_format!r}; give 'channels_last' or 'channels_first'")
        self.policy = policy
        self.seed = drawn_seed() if seed is None else int(seed)
        self.data_format = data_format or keras.config.image_data_format()
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.supports_jit = keras.backend.backend() == "jax"  # TensorFlow compiles no call to the host with XLA
        self._host = Host(policy, self.data_format)
        self._mapped = 0  # batches of a tf.data map, where another backend's seed generator cannot be used
        self._map_lock = threading.Lock()  # guards _mapped

    def __call__(self, inputs: Tensor, *args: object, **kwargs: object) -> Tensor:
        tf = sys.modules.get("tensorflow")
        if keras.backend.backend() == "tensorflow" or tf is None or not isinstance(inputs, tf.Tensor):
            return super().__call__(inputs, *args, **kwargs)
        if not (args[0] if args else kwargs.get("training", True)):
            return inputs
        return _through_tensorflow(self._next_of_map, inputs)

    def _next_of_map(self, images: Array) -> Array:
        with self._map_lock:
            count, self._mapped = self._mapped, self._mapped + 1
        return self._host(images, np.array([self.seed, count]))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) not in (3, 4):
            raise InputError(f"the input has shape {input_shape}; give pictures of 3 axes, or batches of them")
        last = self.data_format == "channels_last"
        axes = tuple(input_shape[-3:]) if last else (*input_shape[-2:], input_shape[-3])
        if axes[2] is not None:
            self._host.check(axes[2], axes[:2])
        self.built = True

    def call(self, inputs: Tensor, training: bool = True) -> Tensor:
        if not training or getattr(getattr(inputs, "device", None), "type", "") == "meta":  # torch infers shapes
            return inputs
        state = self.seed_generator.next()
        backend = keras.backend.backend()
        if backend == "jax":
            import jax

            if isinstance(inputs, jax.core.Tracer) or isinstance(state, jax.core.Tracer):
                return importlib.import_module("vary.keras.host_jax").call_host(self._host, inputs, state)
        if backend == "tensorflow" and not sys.modules["tensorflow"].executing_eagerly():
            return _through_tensorflow(self._host, inputs, state)
        made = self._host(keras.ops.convert_to_numpy(inputs), keras.ops.convert_to_numpy(state))
        return keras.ops.convert_to_tensor(made, dtype=inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def compute_output_spec(self, inputs: Tensor, training: bool = True) -> Tensor:  # noqa: ARG002
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Keras saves no seed generators."""
        store["0"] = keras.ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        self.seed_generator.state.assign(np.asarray(store["0"]))

    def get_config(self) -> dict[str, object]:
        own = {"policy": self.policy.to_dict(), "seed": self.seed, "data_format": self.data_format}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Augment:
        return cls(**{**config, "policy": Policy.from_dict(config["policy"])})


def _check_seed(seed: object) -> None:
    is_whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if seed is not None and not (is_whole and 0 <= seed <= LARGEST_SEED):  # type: ignore[operator]
        raise InputError(f"seed={seed!r}; give a whole number from 0 to 2^31 - 1, or None for a drawn one")


def _through_tensorflow(function: Any, inputs: Tensor, *others: Tensor) -> Tensor:
    tf = sys.modules["tensorflow"]
    result = tf.numpy_function(function, [inputs, *others], inputs.dtype)
    result.set_shape(inputs.shape)
    return result


class Host:
    """Varies batches in memory. Threads may share it."""

    def __init__(self, policy: Policy, data_format: str) -> None:
        self._policy, self._first = policy, data_format == "channels_first"
        values = policy.values()
        of_floats = policy if "value_range" in values else Policy(**{**values, "value_range": 255.0})  # type: ignore[arg-type]
        self._policies = {"f": of_floats, "i": policy, "u": policy}
        self._checked: set[object] = set()
        self._warned = policy.value_range is not None

    def check(self, channels: int, size: tuple[int | None, ...]) -> None:
        """`InputError` for a policy whose results have other sizes or values than what it is given."""
        if (channels, size) in self._checked:
            return
        template = self._policy.runner(channels, "uint8").template
        if template.rescales:
            raise InputError(
                "the policy has a Rescale or Normalize, which would be left out in inference; take it out, and put "
                "keras.layers.Rescaling(1 / 255) or keras.layers.Normalization behind Augment"
            )
        if None not in size and output_size(template, size) != size:  # type: ignore[arg-type]
            raise InputError(
                f"the policy changes pictures of {size[0]} x {size[1]} to another size, and in inference they would "
                "keep theirs; take the resize or crop out, and put keras.layers.Resizing before Augment"
            )
        self._checked.add((channels, size))

    def __call__(self, images: Tensor, state: Tensor) -> Array:
        """The varied pictures, of the same shape and dtype. state: (2,) whole numbers, the seed and the epoch."""
        x = np.asarray(images)
        seed, count = (int(number) for number in np.asarray(state))
        batch = x if x.ndim == 4 else x[None]
        batch = np.moveaxis(batch, 1, -1) if self._first else batch
        if not len(batch):
            return x
        self.check(batch.shape[3], (batch.shape[1], batch.shape[2]))
        working = x.dtype if x.dtype.name in ELEMENTS else np.dtype(np.float32)
        made = self._varied(batch.astype(working, copy=False), seed, count)
        if x.dtype != working:
            made = (np.rint(made) if x.dtype.kind in "iu" else made).astype(x.dtype)
        return made if x.ndim == 4 else made[0]

    def _varied(self, batch: Array, seed: int, count: int) -> Array:
        n, dtype = len(batch), batch.dtype.name
        runner = self._policies[batch.dtype.kind].runner(batch.shape[3], dtype)
        if not self._warned and batch.dtype.kind == "f":
            self._warned = True
            _check_range(batch, {i.op for i in runner.template.instructions})
        address = address_of(seed, count, None, np.arange(n))
        output = Output(0, dtype, "NCHW" if self._first else "NHWC")
        result = runner.batch(Request((Parts(batch, np.arange(n)),), address, (output,), default_threads()))
        raise_first(result.failures, lambda place: None)
        made: Array = result.arrays[0]
        return made


def _check_range(batch: Array, ops: set[str]) -> None:
    """Warn of pictures in 0 .. 1, if the policy depends on the range."""
    high = float(batch.max())
    if ops & set(CLIPPING) and 0 < high <= 1 and float(batch.min()) >= 0 and (batch != np.rint(batch)).any():
        warn_of_trap(
            f"the pictures hold at most {high:.3g}, and Augment takes floats for 0 .. 255; write "
            "Augment(vary.Policy([...], value_range=1)), or put the Rescaling behind it"
        )
