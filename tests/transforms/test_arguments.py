"""Arguments of transforms: which are accepted, and errors that name the argument, the value seen and the cure."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import vary
from vary import (
    Brightness,
    CenterCrop,
    ChannelShift,
    HorizontalFlip,
    Lambda,
    Normalize,
    OneOf,
    Pad,
    Policy,
    PolicyError,
    RandomCrop,
    RandomResizedCrop,
    Rescale,
    Resize,
    Rotate,
    Shear,
    SomeOf,
    Sometimes,
    Translate,
    VaryError,
    Zoom,
)
from vary.transforms import REGISTRY, Transform
from vary.transforms.base import REQUIRED


def foreign(name: str, module: str) -> type:
    return type(name, (), {"__module__": module, "__call__": lambda self, image: image})


theirs = SimpleNamespace(
    Resize=foreign("Resize", "torchvision.transforms.v2"),
    RandomRotation=foreign("RandomRotation", "keras.src.layers"),
)
OWN = [foreign(*own) for own in (("Blur", "__main__"), ("Compose", "mine"), ("Resize", "mine.torchvision"))]

REFUSED = [  # class, arguments, words of the error
    (Rotate, {}, "needs 'angle': degrees"),
    (
        Rotate,
        {"angle": 400},
        "Rotate(angle=400): 400 means (-400, 400), outside -360 .. 360; give at most 360, or a pair (low, high) wi",
    ),
    (Rotate, {"angle": -5}, "-5 means (5, -5), which runs backwards; give 5, or a pair (low, high) such as (-5, 0)"),
    (Rotate, {"angle": (10, -10)}, "(10, -10) runs backwards; give (low, high)"),
    (Rotate, {"angle": (1, 2, 3)}, "has 3 entries; give a number or a pair (low, high)"),
    (Rotate, {"angle": "far"}, "'far' is not a number or a pair"),
    (Rotate, {"angle": None}, "None is not a number"),
    (Rotate, {"angle": float("nan")}, "nan is not a number or a pair"),
    (Rotate, {"angle": "40"}, "Rotate(angle='40'): '40' is not a number or a pair (low, high); write 40;"),
    (Rotate, {"angle": ["0", 1]}, "'0' is not a number; write 0"),
    (Rotate, {"angle": (0, float("inf"))}, "inf is outside -360 .. 360"),
    (Rotate, {"angle": {}}, "{} is not a number"),
    (Rotate, {"angle": 5, "p": 1.5}, "p=1.5): 1.5 is outside 0 .. 1"),
    (Rotate, {"angle": 5, "p": "often"}, "'often' is not a number; p is probability of being applied"),
    (Rotate, {"degrees": 5}, "has no argument 'degrees'; here it is angle=. It has angle, p"),
    (Rotate, {"angel": 5}, "has no argument 'angel'; did you mean angle? It has angle, p"),
    (Resize, {"height": 3}, "needs 'width': pixels"),
    (Resize, {"height": 0, "width": 3}, "Resize(height=0): 0 is too small; give 1 or more; height is pixels"),
    (Resize, {"height": 1 << 21, "width": 3}, "2097152 is too large; give at most 1048576; height is pixels"),
    (Resize, {"height": -5, "width": 3}, "-5 is too small; give 1 or more"),
    (Resize, {"height": True, "width": 3}, "True is not a whole number"),
    (Resize, {"height": float("inf"), "width": 3}, "inf is too large"),
    (
        Resize,
        {"height": 150},
        "needs 'width': pixels; for a square write Resize(150, 150), in a file Resize: [150, 150];",
    ),
    (Resize, {"width": 150}, "needs 'height': pixels"),
    *(
        (kind, {"height": 0}, f"{kind.__name__}(height=0): 0 is too small; give 1 or more; height is pixels")
        for kind in (CenterCrop, RandomCrop, RandomResizedCrop)
    ),
    *(
        (kind, {"height": 9, "width": 0}, "(width=0): 0 is too small; give 1 or more")
        for kind in (CenterCrop, RandomCrop)
    ),
    (CenterCrop, {"height": None}, "None is not a whole number"),
    (CenterCrop, {"width": 5}, "needs 'height': pixels"),
    (Pad, {"top": 3, "left": -2}, "-2 is too small; give -1 or more"),
    (Rotate, {"angle": True}, "True is not a number or a pair"),
    (Rotate, {"angle": (False, 5)}, "False is not a number"),
    (Rotate, {"angle": np.True_}, "True is not a number or a pair"),
    (Rotate, {"angle": b"40"}, "b'40' is not a number or a pair"),
    (Rotate, {"angle": "inf"}, "'inf' is not a number or a pair (low, high); angle is"),
    (Rotate, {"angle": "nan"}, "'nan' is not a number or a pair (low, high); angle is"),
    (Rotate, {"angle": "0o10"}, "'0o10' is not a number or a pair (low, high); write 8;"),
    (HorizontalFlip, {"p": True}, "True is not a number; p is probability of being applied"),
    (Rescale, {"scale": 1, "offset": True}, "True is not a number"),
    (Normalize, {"mean": (True, 0.5, 0.5)}, "True is not a number"),
    (OneOf, {"transforms": [HorizontalFlip()], "weights": [True]}, "True is not a number"),
    (Policy, {"transforms": [], "value_range": True}, "True is not a number"),
    (Policy, {"transforms": [], "value_range": (1, 2, 3)}, "(1, 2, 3) is not a number"),
    (Policy, {"transforms": [], "fill": True}, "True is not a number"),
    (SomeOf, {"n": -1, "transforms": []}, "-1 is too small; give 0 or more"),
    (SomeOf, {"n": "2", "transforms": []}, "'2' is not a whole number; write 2"),
    (SomeOf, {"n": True, "transforms": []}, "True is not a whole number"),
    (SomeOf, {"n": (0, 0.5), "transforms": []}, "0.5 is not a whole number"),
    (Resize, {"height": 2.5, "width": 3}, "2.5 is not a whole number"),
    (Resize, {"height": "tall", "width": 3}, "'tall' is not a whole number"),
    (Resize, {"height": 3, "width": 3, "mode": "crop"}, "'crop' is not one of stretch, fit, letterbox, cover;"),
    (Resize, {"height": 3, "width": 3, "mode": "covers"}, "stretch, fit, letterbox, cover (did you mean cover?); mode"),
    (Pad, {"top": -1}, "-1 is too small; give 0 or more"),
    (RandomResizedCrop, {"height": 3, "width": 3, "scale": (0, 1)}, "outside 1e-06 .. 1"),
    (Zoom, {"x": (0, 1)}, "0 is outside 0.01 .. 100"),
    (
        Zoom,
        {"x": 1},
        "Zoom(x=1): 1 means (0, 2), outside 0.01 .. 100; give at most 0.99, or a pair (low, high) within 0.01 .. 100;",
    ),
    (Zoom, {"x": 2}, "2 means (-1, 3), outside 0.01 .. 100; give at most 0.99, or a pair (low, high) such as (1, 2)"),
    (Shear, {"x": 90}, "outside -89 .. 89"),
    (Shear, {"x": 5, "portion": 0.1}, "degrees and portions; give one of them"),
    (Shear, {"x": 60, "y": 30}, "could flatten the picture; stay within 44"),
    (Shear, {"portion": 2, "portion_y": 0.5}, "stay within 0.95"),
    (Rescale, {"scale": 0}, "scale=0 would leave nothing"),
    (
        Rescale,
        {"scale": "1/255"},
        "'1/255' is not a number; write 0.00392156862745098; scale is factor",
    ),
    (Rescale, {"scale": "1/0"}, "'1/0' is not a number; scale is factor"),
    (Rescale, {"scale": "1e-3"}, "'1e-3' is not a number; write 0.001"),  # text, says YAML
    (Brightness, {"factor": 2}, "Brightness(factor=2)"),
    (ChannelShift, {"shift": 0.1, "joint": 2}, "2 is outside 0 .. 1"),
    (Normalize, {"std": 0}, "must be above 0"),
    (Normalize, {"mean": (1,) * 1025}, "has 1025 entries; give 1 to 1024, one per channel"),
    (Normalize, {"mean": ["0.5"]}, "'0.5' is not a number; write 0.5"),
    (Normalize, {"mean": None}, "Normalize(mean=None)"),
    (Normalize, {"mean": "grey"}, "Normalize(mean='grey')"),
    (Sometimes, {"transforms": 5}, "5 is not a list of transforms"),
    (Sometimes, {"transforms": [Rotate]}, "entry 0 is the class Rotate, not a transform; write Rotate(angle);"),
    (Policy, {"transforms": [HorizontalFlip]}, "the class HorizontalFlip, not a transform; write HorizontalFlip();"),
    (OneOf, {"transforms": [Rotate(1), np.fliplr]}, "entry 1 is a function, not a transform; write Lambda(fliplr)"),
    (Policy, {"transforms": [lambda image: image]}, "entry 0 is a function, not a transform; write Lambda(function)"),
    (Policy, {"transforms": [partial(np.rot90, k=2)]}, "entry 0 is a function, not a transform; write Lambda(func"),
    (Policy, {"transforms": [len]}, "entry 0 is a function, not a transform; write Lambda(len)"),
    (
        Policy,
        {"transforms": ["Rotate"]},
        "entry 0 is of type str, a transform as in policy files; Policy.from_dict([...])",
    ),
    (Policy, {"transforms": [{"Rotate": 4}]}, "entry 0 is of type dict, a transform as in policy files; Policy.from"),
    (Policy, {"transforms": [[Rotate(1)]]}, "entry 0 is of type list, not a transform; put what it holds into the out"),
    (Policy, {"transforms": [None]}, "entry 0 is of type NoneType, not a transform of vary; wrap your own function as"),
    (
        Policy,
        {"transforms": [theirs.Resize()]},
        "entry 0 is of type torchvision.transforms.v2.Resize, not a transform of vary; use vary.Res",
    ),
    (
        Policy,
        {"transforms": [theirs.Resize]},
        "entry 0 is the class torchvision.transforms.v2.Resize, not a transform of vary; use vary.Res",
    ),
    (
        Policy,
        {"transforms": [Rotate(1), theirs.RandomRotation()]},
        "entry 1 is of type keras.src.layers.RandomRotation, not a transform of vary; torchvision's, Keras' and Ko",
    ),
    (
        Policy,
        {"transforms": [foreign("Blur", "albumentations.augmentations.blur")()]},
        "albumentations.augmentations.blur.Blur, not a transform of vary; Albumentations' Blur is not there yet;",
    ),
    *(
        (
            Policy,
            {"transforms": [one]},
            f"{own.__module__}.{own.__name__}, not a transform of vary; wrap your own function as ",
        )
        for own in OWN
        for one in (own, own())
    ),
    (Sometimes, {"transforms": "Rotate"}, "'Rotate' is not a list of transforms"),
    (OneOf, {"transforms": []}, "at least one transform"),
    (OneOf, {"transforms": [HorizontalFlip()], "weights": [1, 2]}, "1 transforms but 2 weights"),
    (OneOf, {"transforms": [HorizontalFlip()], "weights": [0]}, "not all 0"),
    (OneOf, {"transforms": [HorizontalFlip()], "weights": [-1]}, "at least 0"),
    (OneOf, {"transforms": [HorizontalFlip()], "weights": 5}, "OneOf(weights=5)"),
    (OneOf, {"transforms": [HorizontalFlip()], "weights": ["a"]}, "OneOf(weights=['a'])"),
    (OneOf, {"transforms": [HorizontalFlip()], "weights": ["1"]}, "'1' is not a number; write 1"),
    (SomeOf, {"n": 3, "transforms": [HorizontalFlip()]}, "cannot choose 3 of 1 transforms; lower n or add transforms"),
    (SomeOf, {"n": (2, 1), "transforms": [HorizontalFlip()] * 2}, "(2, 1) is not a whole number or a pair"),
    (SomeOf, {"n": None, "transforms": [HorizontalFlip()]}, "SomeOf(n=None)"),
    (SomeOf, {"n": 0.5, "transforms": [HorizontalFlip()]}, "0.5 is not a whole number"),
    (SomeOf, {"n": (1, 2, 3), "transforms": [HorizontalFlip()]}, "SomeOf(n=(1, 2, 3))"),
    (Lambda, {"function": 5}, "5 is neither a function nor 'module:function'"),
    (Lambda, {"function": "nowhere.at.all:f"}, "cannot be imported"),
    (Lambda, {"function": "math:nothing"}, "cannot be imported"),
    (Policy, {"transforms": [Rotate(1)], "fill": "edge"}, "'edge' is not one of constant, nearest, reflect"),
    (
        Policy,
        {"transforms": [], "fill": "refelct"},
        "wrap (did you mean reflect?); fill is what shows outside the picture",
    ),
    (Policy, {"transforms": [], "fill": ("1", 2, 3)}, "'1' is not a number; write 1"),
    (Policy, {"transforms": [], "fill": None}, "Policy(fill=None)"),
    (Policy, {"transforms": [], "fill": ()}, "() must be a number, or one per channel"),
    (
        Policy,
        {"transforms": [], "fill": (1, 1e39)},
        "(1, 1e+39) must be a number, or one per channel, that float32 holds",
    ),
    (Policy, {"transforms": [], "fill": float("nan")}, "nan is not a number"),
    (Policy, {"transforms": [], "fill": float("inf")}, "must be a number, or one per channel"),
    (Policy, {"transforms": [], "interpolation": "bicubic"}, "'bicubic' is not one of bilinear, nearest"),
    (Policy, {"transforms": [], "antialias": 1}, "1 is neither True nor False"),
    (
        Policy,
        {"transforms": [], "value_range": (5, 5)},
        "(5, 5) is not a range; give the highest value, or (lowest, highest)",
    ),
    (Policy, {"transforms": [], "value_range": "255"}, "'255' is not a number; write 255"),
    (Policy, {"transforms": [], "value_range": "wide"}, "Policy(value_range='wide')"),
    (Policy, {"transforms": [], "value_range": float("inf")}, "Policy(value_range=inf)"),
    (Policy, {"transforms": [], "p": 0.5}, "wrap its transforms in Sometimes([...], p=0.5)"),
    (Policy, {"transforms": [Policy([], strict=True)]}, "belong to the outermost policy; set them there"),
]


@pytest.mark.parametrize(("kind", "arguments", "words"), REFUSED, ids=[f"{r[0].__name__}-{r[2]}" for r in REFUSED])
def test_refused(kind: type[Transform], arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        kind(**arguments)
    assert words in str(caught.value)
    assert kind.__name__ in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, VaryError)


def test_options_are_listed_once() -> None:
    for kind, arguments in (
        (Policy, {"transforms": [], "fill": "x"}),
        (Resize, {"height": 1, "width": 1, "mode": "x"}),
    ):
        with pytest.raises(PolicyError) as caught:
            kind(**arguments)  # type: ignore[arg-type]
        assert str(caught.value).count(kind.fields[list(arguments)[-1]].within[1]) == 1  # type: ignore[index]


BY_PLACE = [  # class, arguments, the end of the error
    (Rotate, (10, 0.5), "Rotate takes 1 argument by place (angle), not 2; write p=0.5, in a file {p: 0.5}"),
    (Rotate, (-10, 10), "p goes by name; as one argument: Rotate((-10, 10))"),
    (Brightness, (0.2, 0.5), "write p=0.5, in a file {p: 0.5}; as one argument: Brightness((0.2, 0.5))"),
    (Zoom, (0.8, 1.2), "; as one argument: Zoom((0.8, 1.2))"),
    (HorizontalFlip, (0.5,), "takes no argument by place, not 1; write p=0.5, in a file {p: 0.5}"),
    (HorizontalFlip, (5,), "takes no argument by place, not 1; p goes by name"),
    (Resize, ((150, 150),), "; without the inner brackets: Resize(150, 150)"),
    (Resize, (150, 150, "fit", 7), "takes 3 arguments by place (height, width, mode), not 4; p goes by name"),
    (Policy, (Rotate(3), Zoom(0.1)), "; put the transforms in a list: [...]"),
    (OneOf, (Rotate(3), Zoom(0.1)), "; put the transforms in a list: [...]"),
    (Sometimes, (Rotate(3), Zoom(0.1)), "; put the transforms in a list: [...]"),
]


@pytest.mark.parametrize(("kind", "places", "words"), BY_PLACE, ids=[row[2] for row in BY_PLACE])
def test_refused_by_place(kind: type[Transform], places: tuple[Any, ...], words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        kind(*places)
    assert str(caught.value).endswith(words)


@pytest.mark.parametrize("misspelt", ["Rotat", "rotate"])
def test_misspelt_public_names(misspelt: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'vary' has no attribute '{misspelt}'; did you mean Rotate\\?"):
        getattr(vary, misspelt)
    assert not hasattr(vary, "qqqqqqq")
    assert not hasattr(vary, "__rotate__")


def test_given_twice() -> None:
    with pytest.raises(PolicyError, match="was given 'angle' twice"):
        Rotate(10, angle=5)  # type: ignore[misc]


TAKEN = [  # the same, said otherwise
    (Rotate(40), Rotate((-40, 40))),
    (Rotate(40), Rotate(angle=[-40.0, 40.0])),
    (Rotate(np.float32(40)), Rotate(np.int64(40))),
    (Zoom(0.25), Zoom((0.75, 1.25))),
    (Zoom(0.25), Zoom(0.25, None)),
    (Brightness(0.5), Brightness((0.5, 1.5))),
    (Translate(0.1), Translate(x=(-0.1, 0.1), y=0)),
    (Resize(3.0, np.int32(4)), Resize(3, 4, "stretch")),
    (Normalize(0.5), Normalize((0.5,))),
    (SomeOf(1, [Rotate(1)]), SomeOf((1, 1), (Rotate(1),))),
    (Sometimes(Rotate(1)), Sometimes([Rotate(1)], p=0.5)),
    (Policy([], fill=7), Policy([], fill=(7.0,))),
    (Policy([], value_range=1), Policy([], value_range=(0, 1))),
    (Lambda("math:sqrt"), Lambda(__import__("math").sqrt)),
    (CenterCrop(224), CenterCrop(224, 224)),
    (RandomCrop(height=224), RandomCrop(224, 224)),
    (RandomCrop(np.int64(224), None), RandomCrop(224, 224)),
    (RandomResizedCrop(224, scale=(0.5, 1)), RandomResizedCrop(224, 224, (0.5, 1))),
    (ChannelShift(0.1, joint=True), ChannelShift(0.1, joint=1)),
    (Policy([], strict=np.True_), Policy([], strict=True)),
]


@pytest.mark.parametrize(("one", "other"), TAKEN, ids=[str(row[1]) for row in TAKEN])
def test_equal_arguments_make_equal_transforms(one: Transform, other: Transform) -> None:
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(other)


def test_arrays_are_accepted_like_lists() -> None:
    three = np.array([0.25, 0.5, 0.75])
    assert Normalize(three, three) == Normalize((0.25, 0.5, 0.75), (0.25, 0.5, 0.75))
    assert Policy([], fill=three) == Policy([], fill=(0.25, 0.5, 0.75))
    assert Rotate(three[:2]) == Rotate((0.25, 0.5))
    assert OneOf([HorizontalFlip()] * 3, three) == OneOf([HorizontalFlip()] * 3, (0.25, 0.5, 0.75))


def test_different_transforms_are_different() -> None:
    different = [
        Rotate(1),
        Rotate(2),
        Rotate(1, p=0.5),
        Translate(1),
        Zoom(0.5),
        Sometimes([Rotate(1)]),
        Rotate((0, 1)),
    ]
    assert len(set(different)) == len(different)
    assert Rotate(1) != 1
    assert Policy([Rotate(1)]) != Policy([Rotate(1)], strict=True)


@pytest.mark.parametrize("name", REGISTRY)
def test_every_field_is_declared_whole(name: str) -> None:
    """A sentence, and a default that is valid: what the command line's table and the docs show."""
    kind = REGISTRY[name]
    assert kind.__doc__
    assert list(kind.fields)[-1] == "p"
    for field in kind.fields.values():
        assert field.doc
        if field.default is not REQUIRED:
            field.parse(field.default)
            field.parse(field.parse(field.default))


@pytest.mark.parametrize("transform", [Rotate(5), OneOf([Rotate(5)]), Policy([Rotate(5)])], ids=str)
def test_transforms_are_immutable(transform: Transform) -> None:
    name = next(iter(transform.fields))
    for change in (
        lambda: setattr(transform, name, 1),
        lambda: setattr(transform, "new", 1),
        lambda: delattr(transform, name),
    ):
        with pytest.raises(PolicyError, match="is immutable; "):
            change()
    assert getattr(transform, name) is not None
