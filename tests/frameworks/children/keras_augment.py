"""`vary.keras.Augment`: in models and in tf.data, on the backend that KERAS_BACKEND names."""

import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import vary

assert "Augment" in dir(vary.keras)
assert "keras" not in sys.modules

import keras  # noqa: E402

Augment = vary.keras.Augment
BACKEND = keras.backend.backend()
POLICY = vary.Policy([vary.Rotate(30), vary.HorizontalFlip(), vary.Brightness(0.4), vary.RandomCrop(24, 20)])
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 24, 20, 3), dtype=np.uint8)
LABELS = np.arange(6) % 3
OF_FLOATS = vary.Policy(POLICY.transforms, value_range=255)


def plain(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor) if keras.ops.is_tensor(tensor) else tensor)


def raised(call: Callable[[], Any]) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001  frameworks wrap errors in their own
        return str(error)
    return "nothing was raised"


class Seen(keras.Model):
    """A model that keeps what its layer made of the pictures, for each step of training."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer, self.flatten, self.dense = layer, keras.layers.Flatten(), keras.layers.Dense(3)
        self.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def call(self, x: Any, training: bool = False) -> Any:
        return self.dense(self.flatten(keras.ops.cast(self.layer(x, training=training), "float32")))


def check_the_kth_batch_is_that_of_the_policy() -> None:
    for dtype in ("uint8", "float32"):
        layer, x = Augment(POLICY, seed=7), IMAGES.astype(dtype)
        policy = POLICY if dtype == "uint8" else OF_FLOATS
        for epoch in range(3):
            made = layer(keras.ops.convert_to_tensor(x), training=True)
            assert keras.backend.standardize_dtype(made.dtype) == dtype
            assert np.array_equal(plain(made), policy.batch(x, seed=7, epoch=epoch, dtype=dtype))
        assert np.array_equal(plain(layer(x, training=False)), x)
        assert np.array_equal(plain(layer(x)), policy.batch(x, seed=7, epoch=3, dtype=dtype))  # as layers of Keras do
    one = plain(Augment(POLICY, seed=7)(IMAGES[0]))
    assert np.array_equal(one, POLICY.batch(IMAGES[:1], seed=7)[0])


def check_other_dtypes_and_layouts() -> None:
    for dtype in ("int32", "float16", "bfloat16"):
        layer = Augment(POLICY, seed=7, dtype="float32" if dtype == "int32" else dtype)
        made = layer(keras.ops.cast(IMAGES, dtype))
        assert keras.backend.standardize_dtype(made.dtype) == dtype
        expected = OF_FLOATS.batch(IMAGES.astype(np.float32), seed=7)
        if dtype == "int32":
            expected = np.rint(POLICY.batch(IMAGES, seed=7))
        np.testing.assert_allclose(plain(keras.ops.cast(made, "float32")), expected, atol=3 if dtype != "int32" else 1)
    first = Augment(POLICY, seed=7, data_format="channels_first")
    made = plain(first(np.ascontiguousarray(np.moveaxis(IMAGES, -1, 1))))
    assert np.array_equal(np.moveaxis(made, 1, -1), POLICY.batch(IMAGES, seed=7))


def check_models_train_with_it_and_predict_without_it() -> None:
    for x in (IMAGES, IMAGES.astype(np.float32)):
        layer = Augment(POLICY, seed=1)
        net = keras.Sequential([keras.Input((24, 20, 3), dtype=x.dtype.name), layer, keras.layers.Rescaling(1 / 255)])
        assert net.output_shape == (None, 24, 20, 3)
        np.testing.assert_allclose(net.predict(x, verbose=0), x / 255.0, atol=1e-6)
        net.add(keras.layers.Flatten())
        net.add(keras.layers.Dense(3))
        net.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        net.fit(x, LABELS, batch_size=2, epochs=2, verbose=0)
        assert plain(layer.seed_generator.state.value).tolist() == [1, 6]
        assert net.evaluate(x, LABELS, verbose=0) == net.evaluate(x, LABELS, verbose=0)
        assert plain(layer.seed_generator.state.value).tolist() == [1, 6]


def check_training_is_repeatable() -> None:
    losses = []
    for seed in (3, 3, 4):
        keras.utils.set_random_seed(0)
        net = Seen(Augment(POLICY, seed=seed))
        losses.append(net.fit(IMAGES, LABELS, batch_size=2, epochs=2, verbose=0, shuffle=False).history["loss"])
    assert losses[0] == losses[1] != losses[2]


def check_compiled_steps_see_the_same_pictures() -> None:
    """The same loss as a step without the layer, on what the policy makes."""
    losses = []
    made = OF_FLOATS.batch(IMAGES.astype(np.float32), seed=5, dtype="float32")
    for layer, x in ((Augment(POLICY, seed=5), IMAGES.astype(np.float32)), (keras.layers.Identity(), made)):
        keras.utils.set_random_seed(0)
        net = Seen(layer)
        losses.append(net.fit(x, LABELS, batch_size=6, verbose=0, shuffle=False).history["loss"][0])
    assert np.allclose(*losses, rtol=1e-4)


def check_an_older_way_of_jax_gives_the_same() -> None:
    if BACKEND != "jax":
        return
    import jax
    from jax.interpreters import mlir

    from vary.keras.host_jax import call_host

    def doubled(images: np.ndarray, state: np.ndarray) -> np.ndarray:
        return np.asarray(images) * 2 + np.asarray(state)[0]

    def loss(x: Any, weight: Any) -> Any:
        return (call_host(doubled, x, jax.numpy.ones(2)) * weight).sum()

    found = [jax.jit(jax.value_and_grad(loss, 1))(np.float32([1, 2]), 3.0)]
    original = mlir.emit_python_callback
    del mlir.emit_python_callback
    try:
        jax.clear_caches()
        found.append(jax.jit(jax.value_and_grad(loss, 1))(np.float32([1, 2]), 3.0))
    finally:
        mlir.emit_python_callback = original
    assert [(float(value), float(slope)) for value, slope in found] == [(24, 8), (24, 8)]


def check_one_processor_is_enough() -> None:
    """JAX's own callback waits without an end here."""
    if BACKEND != "jax" or not hasattr(os, "sched_setaffinity"):
        return
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "import keras, numpy, vary\n"
        "layers = [keras.Input((224, 224, 3)), vary.keras.Augment(vary.Policy([vary.Rotate(9)]))]\n"
        "net = keras.Sequential([*layers, keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(1)])\n"
        "net.compile('sgd', 'mse')\n"
        "net.fit(numpy.zeros((64, 224, 224, 3), 'float32'), numpy.zeros(64), batch_size=32, epochs=2, verbose=0)\n"
        "print('trained', net.jit_compile)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert run.stdout.split() == ["trained", "True"], run.stderr


def check_large_batches_of_compiled_steps() -> None:
    x = np.zeros((64, 224, 224, 3), np.float32)
    layers = [keras.Input((224, 224, 3)), Augment(vary.Policy([vary.Rotate(9)])), keras.layers.GlobalMaxPooling2D()]
    net = keras.Sequential([*layers, keras.layers.Dense(3)])
    net.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    net.fit(x, np.zeros(64), batch_size=32, epochs=3, verbose=0)


def check_it_is_saved() -> None:
    layer = Augment(POLICY, seed=3, name="vary")
    again = Augment.from_config(layer.get_config())
    assert (again.policy, again.seed, again.name) == (POLICY, 3, "vary")
    assert np.array_equal(plain(again(IMAGES)), plain(layer(IMAGES)))
    layer(IMAGES)
    net = keras.Sequential([keras.Input((24, 20, 3)), layer, keras.layers.Flatten(), keras.layers.Dense(3)])
    path = Path(tempfile.mkdtemp(prefix="vary-test-")) / "model.keras"
    net.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.layers[0].policy == POLICY
    assert np.allclose(loaded.predict(IMAGES, verbose=0), net.predict(IMAGES, verbose=0), rtol=1e-5)
    assert plain(loaded.layers[0].seed_generator.state.value).tolist() == [3, 2]
    keras.utils.set_random_seed(2)
    one = Augment(POLICY).seed
    keras.utils.set_random_seed(2)
    assert Augment(POLICY).seed == one != Augment(POLICY).seed


def check_tf_data() -> None:
    import tensorflow as tf

    for x in (IMAGES, IMAGES.astype(np.float32)):
        policy, layer = (POLICY if x.dtype == np.uint8 else OF_FLOATS), Augment(POLICY, seed=9)
        data = tf.data.Dataset.from_tensor_slices((x, LABELS)).batch(3)
        mapped = data.map(lambda a, b, layer=layer: (layer(a, training=True), b))
        assert mapped.element_spec[0].shape[1:] == (24, 20, 3)
        for epoch in range(2):
            for step, (made, labels) in enumerate(mapped):
                part = x[3 * step : 3 * step + 3]
                expected = policy.batch(part, seed=9, epoch=2 * epoch + step, dtype=x.dtype.name)
                assert np.array_equal(made.numpy(), expected)
                assert len(labels) == 3
        same = next(iter(data.map(lambda a, b, layer=layer: (layer(a, training=False), b))))[0]
        assert np.array_equal(same.numpy(), x[:3])
        single = tf.data.Dataset.from_tensor_slices(x).map(Augment(POLICY, seed=9))
        assert np.array_equal(next(iter(single)).numpy(), policy.batch(x[:1], seed=9, dtype=x.dtype.name)[0])


def check_maps_of_datasets() -> None:
    from PIL import Image

    folder = Path(tempfile.mkdtemp(prefix="vary-test-"))
    for number, image in enumerate(IMAGES):
        (folder / "ab"[number % 2]).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / "ab"[number % 2] / f"{number}.png")
    layer = Augment(POLICY, seed=4)
    data = vary.keras.image_dataset_from_directory(folder, image_size=(24, 20), verbose=False, shuffle=False)
    mapped = data.map(lambda x, y: (layer(x), y))
    x = next(iter(data))[0]
    assert np.array_equal(next(iter(mapped))[0], OF_FLOATS.batch(x, seed=4, dtype="float32"))


def check_policies_that_inference_would_miss_are_refused() -> None:
    crop, rescale = vary.Policy([vary.RandomCrop(10)]), vary.Policy([vary.Rescale(1 / 255)])
    for policy, says in ((crop, "keras.layers.Resizing"), (rescale, "keras.layers.Rescaling")):
        assert says in raised(lambda policy=policy: Augment(policy)(IMAGES))
        layers = [keras.Input((24, 20, 3)), Augment(policy)]
        assert says in raised(lambda layers=layers: keras.Sequential(layers))
        free = keras.Sequential([keras.Input((None, None, 3)), Augment(crop)])
        assert "another size" in raised(lambda free=free: free(IMAGES, training=True))
    for wrong in (lambda: Augment([vary.Rotate(9)]), lambda: Augment(POLICY, -1), lambda: Augment(POLICY, 1, "NHWC")):
        assert "give" in raised(wrong)
    assert "3 axes" in raised(lambda: Augment(POLICY)(IMAGES[0, 0]))


def check_floats_of_another_range_are_noticed() -> None:
    small = IMAGES / np.float32(255)
    of_ones = vary.Policy(POLICY.transforms, value_range=1)
    for policy, count in ((POLICY, 1), (vary.Policy([vary.Rotate(9)]), 0), (of_ones, 0)):
        layer = Augment(policy)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            layer(small), layer(small)
        found = [one.category for one in caught if "value_range=1" in str(one.message)]
        assert found == [vary.keras.TrapWarning] * count


def check_seeds_are_whole_numbers() -> None:
    assert Augment(POLICY, seed=np.int64(4)).seed == 4
    assert type(Augment(POLICY, seed=np.int64(4)).get_config()["seed"]) is int
    for wrong in (True, 1.5, -1, "a", 2**31):
        said = "nothing was raised"
        try:
            Augment(POLICY, seed=wrong)
        except vary.InputError as error:
            said = str(error)
        assert said.startswith(f"seed={wrong!r}"), said
