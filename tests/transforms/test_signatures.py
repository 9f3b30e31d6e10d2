"""Signature and docstring of transforms, as shown by `help()` and Shift+Tab, agree with their fields."""

import copy
import inspect
import pickle
import pydoc
import random
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_type_hints

import pytest

import vary
from vary import HorizontalFlip, Normalize, Policy, PolicyError, Resize, Rotate, Transform, Zoom
from vary.transforms import REGISTRY
from vary.transforms.base import REQUIRED, Field, Lowering, Span, choice, custom, field, span, switch
from vary.transforms.describe import limits, own_words, plain

OURS = {name: kind for name, kind in REGISTRY.items() if kind.__module__.startswith("vary.")}  # and none of other tests
every = pytest.mark.parametrize("kind", OURS.values(), ids=OURS)


def positive(value: Any) -> float:
    if value <= 0:
        raise ValueError("must be above 0")
    return float(value)


@pytest.fixture
def own_classes() -> Iterator[None]:
    """Classes that a test defines are forgotten behind it."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@every
def test_the_signature_is_that_of_the_fields(kind: type[Transform]) -> None:
    parameters = inspect.signature(kind).parameters
    assert list(parameters) == list(kind.fields)
    for name, declared in kind.fields.items():
        assert parameters[name].default == declared.default
        by_name = parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert by_name == (name == "p")
        assert parameters[name].annotation in (get_type_hints(kind)[name], get_type_hints(kind)[name] | None)


@every
def test_the_constructor_accepts_what_the_signature_accepts(kind: type[Transform]) -> None:
    draw, signature = random.Random(1), inspect.signature(kind)
    fields = {name: declared for name, declared in kind.fields.items() if name != "p"}
    values = {name: declared.samples(draw) for name, declared in fields.items()}
    if kind is vary.Shear:
        del values["portion"], values["portion_y"]
    if kind is vary.OneOf:
        values["transforms"] = [Rotate(1)]
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {**values, "p": 1}),
        (tuple(values.values()), {"p": 1}),
        ((), {}),
        (tuple(values.values()), {}),
        ((*values.values(), *[0.5] * (len(fields) - len(values) + 1)), {}),
        ((), {**values, "nothing": 1}),
        (tuple(values.values())[:1], values),
    ]
    taken = 0
    for args, kwargs in calls:
        try:
            signature.bind(*args, **kwargs)
        except TypeError:
            with pytest.raises(PolicyError):
                kind(*args, **kwargs)
        else:
            kind(*args, **kwargs)
            taken += 1
    assert taken >= 3


@every
def test_the_docstring_has_the_class_own_words_and_every_argument(kind: type[Transform]) -> None:
    doc = inspect.getdoc(kind) or ""
    assert doc.startswith(own_words(kind))
    assert own_words(kind)
    assert "Arguments:" not in own_words(kind)
    reported = " ".join(doc[len(own_words(kind)) :].split())
    for name, declared in kind.fields.items():
        start = reported.index(f" {name}: {declared.doc}")
        reported = reported[start:]
        assert reported.startswith(f" {name}: ")
        line = reported[
            : reported.find(f" {next(iter([n for n in kind.fields if reported.find(f' {n}: ') > 0]), 'none')}: ", 1)
        ]
        if declared.default is REQUIRED:
            assert "Required" in line
        elif declared.same_as:
            assert f"Default: as {declared.same_as}." in line
        else:
            default = declared.default
            assert f"Default: {default!r}" in line or f"Default: {plain(default)}" in line
        if declared.within:
            words = isinstance(declared.within[0], str)
            assert (", ".join(map(repr, declared.within)) if words else limits(declared.within)) in line
    assert max(map(len, doc[len(own_words(kind)) :].splitlines())) <= 100


def test_help_shows_it() -> None:
    text = pydoc.plain(pydoc.render_doc(Rotate))
    assert "Rotate(angle: float | tuple[float, float], *, p: float = 1.0)" in text
    assert "Rotate about the centre of the canvas; positive is counter-clockwise as seen." in text
    assert "angle: degrees; a number a means (-a, a). A number or a pair (low, high), -360 .. 360. Required." in text
    assert "p: probability of being applied. A number, 0 .. 1. Default: 1. By name only." in text
    assert "height: pixels. A whole number, 1 or more. Required." in (Resize.__doc__ or "")
    assert "One of: 'stretch', 'fit', 'letterbox', 'cover'. Default: 'stretch'." in " ".join(
        (Resize.__doc__ or "").split()
    )
    assert "Default: (0.485, 0.456, 0.406)." in " ".join((Normalize.__doc__ or "").split())
    assert Rotate(3).__doc__ == Rotate.__doc__


def test_of_a_policy_that_is_called_it_is_that_of_the_call() -> None:
    assert list(inspect.signature(Policy).parameters)[:2] == ["transforms", "fill"]
    assert list(inspect.signature(Policy([])).parameters)[:2] == ["image", "seed"]
    assert not hasattr(Rotate(3), "__signature__")


Word = Literal["a", "b"]


@pytest.mark.usefixtures("own_classes")
def test_a_class_of_the_users_own() -> None:
    class Glow(Transform):
        """Shine.

        Brightly.
        """

        width: int = field("pixels", within=(1, 1 << 20), whole=True)
        strength: float = field("how much", within=(0, 1 << 30), default=2, kw_only=True)
        how: Word = choice("what shines", get_args(Word), default="a")
        above: float = custom("a level", positive, default=1.0)
        both: bool = switch("two of them", default=False)
        p: float = field("how often", within=(0, 1), default=0.25)

        def lower(self, to: Lowering) -> None: ...

    assert list(inspect.signature(Glow).parameters) == ["width", "how", "above", "both", "strength", "p"]
    one = Glow(3, "b", 2, True, strength=5)
    assert (one.width, one.how, one.above, one.both, one.strength, one.p) == (3, "b", 2, True, 5, 0.25)
    with pytest.raises(PolicyError, match=r"takes 4 arguments by place \(width, how, above, both\), not 5"):
        Glow(3, "b", 2, True, 5)  # type: ignore[misc]
    with pytest.raises(PolicyError, match=r"Glow\(above=0\): must be above 0; above is a level"):
        Glow(3, above=0)
    with pytest.raises(PolicyError, match=r"strength=-1\): -1 is too small; give 0 or more"):
        Glow(3, strength=-1)
    assert own_words(Glow) == "Shine.\n\nBrightly."
    assert (Glow.__doc__ or "").startswith("Shine.\n\nBrightly.\n\nArguments:\n    width: pixels. A whole number, 1 or")
    assert "strength: how much. A number, 0 or more. Default: 2. By name only." in (Glow.__doc__ or "")
    assert Policy.from_dict([{"Glow": [3, "b"]}]).transforms[0] == Glow(3, "b")


@pytest.mark.usefixtures("own_classes")
def test_subclasses_of_transforms_keep_places_and_get_their_own() -> None:
    class Wider(Zoom):
        x: Span = span("more", around=1.0, within=(0.1, 5), default=0.5)
        extra: float = field("one more", default=0.0)

    assert list(inspect.signature(Wider).parameters) == ["x", "y", "extra", "p"]
    assert inspect.signature(Wider).parameters["x"].default == 0.5
    assert inspect.signature(Zoom).parameters["x"].default is REQUIRED
    assert Wider(0.2, 0.3, 7) == Wider(x=0.2, y=0.3, extra=7)
    assert (Wider.__doc__ or "").startswith("Arguments:\n    x: more. ")
    assert own_words(Wider) == ""


@pytest.mark.usefixtures("own_classes")
def test_a_constructor_of_its_own_shows_its_own_arguments() -> None:
    class Twice(Rotate):
        """Turn twice as far."""

        def __init__(self, half: float) -> None:
            super().__init__(2 * half)
            object.__setattr__(self, "half", half)

    assert str(inspect.signature(Twice)) == "(half: float) -> None"
    assert Twice(4).angle == (-8, 8)
    for again in (copy.copy(Twice(4)), copy.deepcopy(Policy([Twice(4)])).transforms[0]):
        assert type(again) is Twice
        assert again == Twice(4)
        assert vars(again)["half"] == 4


@pytest.mark.usefixtures("own_classes")
def test_annotations_that_cannot_be_read_are_left_out() -> None:
    class Odd(Transform):
        size: "Nowhere" = field("pixels")  # type: ignore[name-defined]  # noqa: F821
        plain = field("without any", default=1.0)

    assert str(inspect.signature(Odd)) == "(size, plain=1.0, *, p=1.0)"


def test_what_must_be_given_comes_first() -> None:
    """As in Python's own functions: else no signature could be made of it."""
    with pytest.raises(PolicyError, match=r"Odd: declare 'size', which is required, before those with a default"):
        type("Odd", (Transform,), {"more": field("one", default=1.0), "size": field("another")})
    assert "Odd" not in REGISTRY


def test_fields_say_what_they_are() -> None:
    assert repr(Rotate.fields["angle"]) == "<degrees; a number a means (-a, a)>"
    assert isinstance(HorizontalFlip.fields["p"], Field)


@pytest.mark.usefixtures("own_classes")
def test_classes_are_made_without_reading_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures and docstrings are made when they are asked for: an import pays for none."""
    import vary.transforms.base as base
    import vary.transforms.describe as describe

    def fail(*_: Any) -> None:
        raise AssertionError("made too early")

    for module, name in ((base, "signature"), (describe, "documentation")):
        monkeypatch.setattr(module, name, fail)

    class Quick(Rotate):
        """Turn."""

    assert pickle.loads(pickle.dumps(Rotate(3))) == Rotate(3)
    assert Quick(3).angle == (-3, 3)
