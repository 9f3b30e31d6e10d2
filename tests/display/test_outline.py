"""A policy shows one transform a line, in a prompt and in a notebook."""

import re

import numpy as np

import vary

NESTED = vary.Policy(
    [
        vary.Resize(150, 150),
        vary.OneOf([vary.Rotate(40), vary.Sometimes([vary.Shear(11), vary.Zoom(0.2)], p=0.3)], weights=[1, 2]),
        vary.SomeOf((1, 2), [vary.Hue(0.1), vary.Brightness(0.2), vary.Lambda(np.sort)]),
        vary.HorizontalFlip(),
        vary.Rescale(1 / 255),
    ],
    fill="reflect",
)


def words(html: str) -> list[tuple[float, str]]:
    """(indentation, text) of the lines of transforms."""
    found = re.findall(r'<div style="padding-left:([\d.]+)em">(.*?)</div>', html)
    return [(float(depth), " ".join(re.sub(r"<[^>]*>", "", text).split())) for depth, text in found]


def test_a_long_policy_has_a_transform_a_line() -> None:
    lines = repr(NESTED).splitlines()
    assert lines[:7] == [
        "Policy([",
        "    Resize(height=150, width=150),",
        "    OneOf([",
        "        Rotate(angle=(-40.0, 40.0)),",
        "        Sometimes([",
        "            Shear(x=(-11.0, 11.0)),",
        "            Zoom(x=(0.8, 1.2)),",
    ]
    assert "        ], p=0.3)," in lines
    assert "    ], weights=(1.0, 2.0))," in lines
    assert "    SomeOf((1, 2), [" in lines
    assert lines[-1] == "], fill='reflect')"


def test_a_short_policy_is_one_line() -> None:
    assert repr(vary.Policy([vary.Rotate(40)])) == "Policy([Rotate(angle=(-40.0, 40.0))])"
    assert repr(vary.Policy([], strict=True)) == "Policy([], strict=True)"
    assert repr(vary.Policy([vary.OneOf([vary.Rotate(1)])])) == "Policy([OneOf([Rotate(angle=(-1.0, 1.0))])])"


def test_what_is_shown_can_be_written() -> None:
    flat = vary.Policy([one for one in NESTED.transforms if not isinstance(one, vary.SomeOf)], fill=(1, 2, 3))
    for policy in (flat, vary.Policy([*flat.transforms, vary.SomeOf(1, [vary.Zoom(0.1), vary.Rotate(3)])])):
        assert eval(repr(policy), vars(vary).copy()) == policy


def test_html_has_a_transform_a_line_with_units_and_nesting() -> None:
    shown = words(NESTED._repr_html_())
    assert [text for _, text in shown] == [
        "Resize height 150 pixels, width 150 pixels",
        "OneOf weights (1, 2)",
        "Rotate angle -40 .. 40 degrees",
        "Sometimes p 0.3",
        "Shear x -11 .. 11 degrees",
        "Zoom x 0.8 .. 1.2 magnification",
        "SomeOf n (1, 2)",
        "Hue turn -0.1 .. 0.1 turns of the colour circle",
        "Brightness factor 0.8 .. 1.2",
        "Lambda function sort",
        "HorizontalFlip p 0.5",
        "Rescale scale 0.003922 factor",
    ]
    depths = [depth for depth, _ in shown]
    steps = [depths.index(depth) and round((depth - depths[0]) / 1.6) for depth in depths]
    assert steps == [0, 0, 1, 1, 2, 2, 0, 1, 1, 1, 0, 0]
    assert "fill reflect, interpolation bilinear, antialias on, strict off" in NESTED._repr_html_()


def test_default_arguments_are_shown_if_none_was_given() -> None:
    html = vary.Policy([vary.Normalize(), vary.VerticalFlip(p=1), vary.Policy([vary.Shear(5)])])._repr_html_()
    assert [text for _, text in words(html)] == [
        "Normalize mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)",
        "VerticalFlip",
        "Policy",
        "Shear x -5 .. 5 degrees",
    ]


def test_an_empty_policy_says_so() -> None:
    assert "come out as they are" in vary.Policy([])._repr_html_()


def test_names_of_functions_are_escaped() -> None:
    def hostile(image: np.ndarray) -> np.ndarray:
        return image

    hostile.__qualname__ = "<script>alert(1)</script>"
    html = vary.Policy([vary.Lambda(hostile)])._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
