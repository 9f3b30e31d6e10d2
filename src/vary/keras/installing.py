"""`install()`: old imports find `vary.keras`, for code that cannot be edited.

`keras_preprocessing.image` and its sub-modules become those here, whether the old package is installed or not. To
`keras.preprocessing.image` and `tensorflow.keras.preprocessing.image` the names are added that Keras no longer has,
now or when they are imported; what Keras has stays. Keras and TensorFlow are not imported. What NumPy and Pillow
dropped is added as well, see `dropped.py`.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from vary.keras import affine, arrays, folders, frames, fromfiles, images, iterator, values
from vary.keras.dropped import PNG, restore_numpy, restore_png
from vary.keras.faces import Compat, face_of
from vary.keras.generator import ImageDataGenerator
from vary.keras.old_functions import functions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec

__all__ = ["install"]

PACKAGE = "keras_preprocessing"
MODULES = {
    "affine_transformations": (
        "flip_axis",
        "random_rotation",
        "random_shift",
        "random_shear",
        "random_zoom",
        "apply_channel_shift",
        "random_channel_shift",
        "apply_brightness_shift",
        "random_brightness",
        "transform_matrix_offset_center",
        "apply_affine_transform",
    ),
    "dataframe_iterator": ("DataFrameIterator",),
    "directory_iterator": ("DirectoryIterator",),
    "image_data_generator": ("ImageDataGenerator",),
    "iterator": ("BatchFromFilesMixin", "Iterator"),
    "numpy_array_iterator": ("NumpyArrayIterator",),
    "utils": ("validate_filename", "save_img", "load_img", "list_pictures", "array_to_img", "img_to_array"),
}
"""The sub-modules of `keras_preprocessing.image`, and their names."""
SOURCES = (affine, values, images, iterator, fromfiles, arrays, folders, frames)
TARGETS = frozenset(
    f"{start}.preprocessing.image"
    for start in (
        "keras",
        "keras.api",
        "keras._tf_keras.keras",
        "keras.api._tf_keras.keras",
        "tensorflow.keras",
        "tf_keras",
        "tf_keras.api._v2.keras",
    )
)
"""Modules to which the names are added that they do not have."""


class _Keras2(ImageDataGenerator):
    _installed = "keras-2"


class _Version112(ImageDataGenerator):
    _installed = "1.1.2"


GENERATORS: dict[Compat, type[ImageDataGenerator]] = {
    None: ImageDataGenerator,
    "keras-2": _Keras2,
    "1.1.2": _Version112,
}


def install(compat: Compat = None) -> None:
    """Make old imports find vary: `keras_preprocessing.image`, and in `keras.preprocessing.image` what Keras dropped.

    Also what NumPy and Pillow dropped: `numpy.alltrue` and the like, and PNG files of images of mode "I", with 16 bits.
    compat: the default `compat` of ImageDataGenerator and the functions: None, "keras-2" or "1.1.2". A later call
    replaces an earlier one. Neither Keras nor TensorFlow is imported. `InputError` for unknown words.
    """
    face_of(compat)
    made = _modules(compat)
    package = _package()
    for name, module in made.items():
        sys.modules[name] = module
    package.image = made[f"{PACKAGE}.image"]  # type: ignore[attr-defined]
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _Completing)]
    finder = _Completing(partial(_complete, made[f"{PACKAGE}.image"]))
    sys.meta_path.insert(0, finder)
    for name in (*TARGETS, PNG):
        if name in sys.modules:
            finder.complete(sys.modules[name])
    restore_numpy()


def _modules(compat: Compat) -> dict[str, ModuleType]:
    """`keras_preprocessing.image` and its sub-modules, by name."""
    functions = functions_of(compat)
    image = ModuleType(f"{PACKAGE}.image", "Keras' classic image interface, by vary.keras.")
    image.__path__ = []
    made = {image.__name__: image}
    for name, names in MODULES.items():
        module = ModuleType(f"{PACKAGE}.image.{name}")
        for each in names:
            found = GENERATORS[compat] if each == "ImageDataGenerator" else functions.get(each) or _ours(each)
            setattr(module, each, found)
            setattr(image, each, found)
        setattr(image, name, module)
        made[module.__name__] = module
    _use_own_names(made[f"{PACKAGE}.image.affine_transformations"], functions, image)
    return made


def _ours(name: str) -> Any:  # Any: a function, or a class
    return next(getattr(one, name) for one in SOURCES if name in one.__all__)


def _use_own_names(module: ModuleType, functions: dict[str, Callable[..., Any]], image: ModuleType) -> None:
    """Make the brightness functions use the module's own names, which programs replace in their tests."""
    brighten, draw = functions["apply_brightness_shift"], functions["random_brightness"]

    def pillow(name: str) -> object:
        if name != "ImageEnhance":
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        return importlib.import_module("PIL.ImageEnhance")

    def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> Any:
        if module.ImageEnhance is None:
            raise ImportError("Using brightness shift requires Pillow. Install it: pip install pillow")
        return brighten(x, brightness, scale)

    def random_brightness(x: Any, brightness_range: Sequence[float], scale: bool = True) -> Any:
        return draw(x, brightness_range, scale, lambda *given: module.apply_brightness_shift(*given))  # noqa: PLW0108  looked up at each call

    module.__getattr__ = pillow  # type: ignore[method-assign]
    for function in (apply_brightness_shift, random_brightness):
        function.__doc__ = getattr(values, function.__name__).__doc__
        setattr(module, function.__name__, function)
        setattr(image, function.__name__, function)


def _package() -> ModuleType:
    """The package that is installed, for its other modules; else a new one."""
    found = sys.modules.get(PACKAGE)
    if found is None and find_spec(PACKAGE) is not None:
        found = importlib.import_module(PACKAGE)
    if found is None:
        found = ModuleType(PACKAGE, "Keras' classic image interface, by vary.keras.")
        found.__path__ = []
        found.__version__ = "1.1.2"  # type: ignore[attr-defined]
        found.set_keras_submodules = _set_keras_submodules  # type: ignore[attr-defined]
        found.get_keras_submodule = _get_keras_submodule  # type: ignore[attr-defined]
        sys.modules[PACKAGE] = found
    return found


def _set_keras_submodules(backend: object, utils: object) -> None:
    """Accepted, and without effect: no sub-module of Keras is needed."""


def _get_keras_submodule(name: str) -> ModuleType:
    """Keras' module "backend" or "utils"."""
    if name not in ("backend", "utils"):
        raise ImportError(f'Can only retrieve "backend" and "utils". Requested: {name}')
    return importlib.import_module(f"keras.{name}")


def _complete(image: ModuleType, module: ModuleType) -> None:
    """Add the names that the module does not have."""
    names = [name for names in MODULES.values() for name in names]
    for name in names:
        if name not in vars(module):
            setattr(module, name, getattr(image, name))
            module.__dict__.setdefault("__vary__", []).append(name)


class _Completing(MetaPathFinder):
    """Completes modules after they were imported by others."""

    def __init__(self, complete: Callable[[ModuleType], None]) -> None:
        self._complete = complete

    def complete(self, module: ModuleType) -> None:
        """Remove what an earlier call has added, and add the names anew."""
        if module.__name__ == PNG:
            restore_png(module)
            return
        for name in module.__dict__.pop("__vary__", ()):
            delattr(module, name)
        self._complete(module)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in TARGETS and fullname != PNG:
            return None
        for finder in sys.meta_path:
            spec = None if isinstance(finder, _Completing) else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader, self.complete)
                return spec
        return None


class _Loader(Loader):
    """A loader that completes the module."""

    def __init__(self, loader: Any, complete: Callable[[ModuleType], None]) -> None:  # Any: of any kind
        self._loader, self._complete = loader, complete

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._complete(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
