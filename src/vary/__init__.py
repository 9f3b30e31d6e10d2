"""vary augments images while a network trains on them.

    policy = vary.Policy([vary.Resize(150, 150), vary.Rotate(40), vary.HorizontalFlip(), vary.Rescale(1 / 255)])
    for images, labels in vary.stream("cats_dogs/train", policy, batch_size=32, seed=7): ...

Files on disk never change, and the same seed gives the same bytes on every machine. This file has only the public
names; ARCHITECTURE.md explains the rest. Each name is imported when it is first used, so `import vary` is fast.
"""

import typing as _typing

__version__ = "0.1.0"

if _typing.TYPE_CHECKING:
    from vary import keras as keras, ray as ray, sources as sources, testing as testing, transforms as transforms
    from vary.codecs.decode import read_image as read_image, read_mask as read_mask
    from vary.display.preview import Preview as Preview
    from vary.errors import (
        DecodeError as DecodeError,
        InputError as InputError,
        PolicyError as PolicyError,
        SourceError as SourceError,
        StreamTimeoutError as StreamTimeoutError,
        ValueWarning as ValueWarning,
        VaryError as VaryError,
    )
    from vary.inspection import Inspection as Inspection, inspect as inspect
    from vary.maps import Map as Map
    from vary.plan.machine import libjpeg_version as libjpeg_version, target as target, targets as targets
    from vary.plan.program import Program as Program
    from vary.policy import Policy as Policy
    from vary.sample import Sample as Sample
    from vary.sources import (
        Arrays as Arrays,
        Files as Files,
        Folder as Folder,
        HuggingFace as HuggingFace,
        Pairs as Pairs,
        WebDataset as WebDataset,
        table as table,
    )
    from vary.streams.batch import Batch as Batch
    from vary.streams.cache.disk import disk_cache as disk_cache
    from vary.streams.mix import Mixed as Mixed, mix as mix
    from vary.streams.report import Report as Report
    from vary.streams.stream import Stream as Stream, stream as stream
    from vary.streams.views import average_views as average_views
    from vary.transforms.base import Transform as Transform
    from vary.transforms.colour import *
    from vary.transforms.compose import *
    from vary.transforms.crop import *
    from vary.transforms.filter import *
    from vary.transforms.geometry import *
    from vary.transforms.noise import *
    from vary.transforms.user import *
else:
    _HOMES = {
        "vary": "keras ray sources testing transforms",
        "vary.codecs.decode": "read_image read_mask",
        "vary.display.preview": "Preview",
        "vary.errors": "DecodeError InputError PolicyError SourceError StreamTimeoutError ValueWarning VaryError",
        "vary.inspection": "Inspection inspect",
        "vary.maps": "Map",
        "vary.plan.machine": "libjpeg_version target targets",
        "vary.plan.program": "Program",
        "vary.policy": "Policy",
        "vary.sample": "Sample",
        "vary.sources": "Arrays Files Folder HuggingFace Pairs WebDataset table",
        "vary.streams": "Batch Mixed Report Stream average_views disk_cache mix stream",
        "vary.transforms": "Transform",
    }
    """Module -> public names in it. Those of transforms are listed in `vary.transforms`."""

    def __getattr__(name):
        from importlib import import_module

        if name == "__all__":
            names = [name for names in _HOMES.values() for name in names.split()]
            return sorted([*names, *import_module("vary.transforms").TRANSFORMS, "__version__"])
        home = next((home for home, names in _HOMES.items() if name in names.split()), None)
        if home == "vary":
            return import_module(f"vary.{name}")
        if home is None and not name.startswith("_") and name in import_module("vary.transforms").TRANSFORMS:
            home = "vary.transforms"
        if home is None:
            from vary.guidance import missing_name

            raise missing_name("vary", name, __getattr__("__all__"))
        found = globals()[name] = getattr(import_module(home), name)
        return found

    def __dir__():  # what completion offers: the public names
        return __getattr__("__all__")
