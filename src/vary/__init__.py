"""vary augments images while a network trains on them.

    policy = vary.Policy([vary.Resize(150, 150), vary.Rotate(40), vary.HorizontalFlip(), vary.Rescale(1 / 255)])
    for images, labels in vary.stream("cats_dogs/train", policy, batch_size=32, seed=7): ...

Files on disk never change, and the same seed gives the same bytes on every machine. This file is the door: public names
only; what is behind them, ARCHITECTURE.md tells.
"""

import typing as _typing

from vary import sources as sources, testing as testing, transforms as transforms
from vary.codecs.decode import read_image as read_image
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
from vary.plan.machine import libjpeg_version as libjpeg_version, target as target, targets as targets
from vary.plan.program import Program as Program
from vary.policy import Policy as Policy
from vary.sources import Arrays as Arrays, Files as Files, Folder as Folder
from vary.streams import (
    Batch as Batch,
    Mixed as Mixed,
    Report as Report,
    Stream as Stream,
    average_views as average_views,
    disk_cache as disk_cache,
    mix as mix,
    stream as stream,
)
from vary.transforms.base import Transform as Transform
from vary.transforms.colour import *
from vary.transforms.compose import *
from vary.transforms.crop import *
from vary.transforms.filter import *
from vary.transforms.geometry import *
from vary.transforms.noise import *
from vary.transforms.user import *

__version__ = "0.1.0"

if not _typing.TYPE_CHECKING:  # type checkers read the imports, and would take every name for one that exists
    _OTHERS = """
        Arrays Batch DecodeError Files Folder InputError Mixed Policy PolicyError Preview Program Report SourceError
        Stream StreamTimeoutError Transform ValueWarning VaryError __version__ average_views disk_cache libjpeg_version
        mix read_image sources stream target targets testing transforms
    """
    __all__ = [*sorted([*transforms.TRANSFORMS, *_OTHERS.split()])]  # noqa: PLE0604  strings

    def __getattr__(name: str) -> object:
        from vary.guidance import missing_name

        raise missing_name("vary", name, __all__)

    def __dir__() -> list[str]:  # what completion offers: the public names
        return __all__
