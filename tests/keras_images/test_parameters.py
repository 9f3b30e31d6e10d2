"""The parameters of ImageDataGenerator: signature, checks, traps, and what the old versions allow."""

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
from keras_images.original import original

import vary
from vary.keras import TrapWarning
from vary.keras.parameters import RULES, Parameters, checked, described, signature


def test_the_signature_is_the_originals_and_compat() -> None:
    *own, compat = signature().parameters.values()
    expected = inspect.signature(original().ImageDataGenerator).parameters.values()
    assert [(one.name, one.default, one.kind) for one in own] == [(one.name, one.default, one.kind) for one in expected]
    assert (compat.name, compat.default, compat.kind) == ("compat", None, inspect.Parameter.KEYWORD_ONLY)


def test_every_parameter_has_a_rule_and_is_described() -> None:
    assert tuple(RULES) == Parameters._fields
    for name in RULES:
        assert f"{name}=" in described()


def test_the_classic_policies_warn_of_nothing() -> None:
    classic = {"rescale": 1 / 255, "rotation_range": 40, "width_shift_range": 0.2, "height_shift_range": 0.2}
    made = checked({**classic, "shear_range": 11, "zoom_range": 0.2, "horizontal_flip": True})
    assert made.zoom_range == (0.8, 1.2)
    checked({"zoom_range": [np.float32(0.9), np.float32(1.1)], "width_shift_range": np.array([-2, 2])})
    checked({"featurewise_center": True, "featurewise_std_normalization": True, "data_format": None})
    checked(dict(Parameters._field_defaults))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shear_range": 0.2}, r"shear_range=0.2.*degrees.*be 11$"),
        ({"rotation_range": 0.5}, r"rotation_range=0.5.*degrees.*be 29$"),
        ({"width_shift_range": 1.0}, "one pixel"),
        ({"width_shift_range": 1}, "never shifts"),
        ({"height_shift_range": [3]}, "list both"),
        ({"height_shift_range": [-10, 0]}, "list both"),
        ({"rescale": 255}, "rescale=1/255"),
        ({"cval": 9}, "fill_mode='constant'"),
        ({"dtype": "uint8", "rescale": 1 / 255}, "float32"),
        ({"dtype": "int32", "samplewise_center": True}, "float32"),
        ({"featurewise_std_normalization": True}, "featurewise_center=True"),
        ({"samplewise_std_normalization": True}, "samplewise_center=True"),
        ({"zca_whitening": True}, "featurewise_center=True"),
        ({"zca_whitening": True, "featurewise_center": True, "featurewise_std_normalization": True}, "=False"),
    ],
)
def test_traps_warn_once_and_name_the_cure(given: dict[str, Any], says: str) -> None:
    with pytest.warns(TrapWarning, match=says) as caught:
        checked(given)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checked(given, "keras-2")
        checked(given, "1.1.2")


@pytest.mark.parametrize("cause", ["featurewise_std_normalization", "samplewise_std_normalization", "zca_whitening"])
@pytest.mark.filterwarnings("ignore::vary.keras.TrapWarning")
def test_forced_flags_are_the_originals(cause: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = original().ImageDataGenerator(**{cause: True, "featurewise_std_normalization": True})
    made = checked({cause: True, "featurewise_std_normalization": True})
    for name in Parameters._fields[:5]:
        assert getattr(made, name) == getattr(expected, name)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"rotation_range": -5}, "rotation_range=-5.*0 to 360"),
    ({"rotation_range": "40"}, "number"),
    ({"rotation_range": float("nan")}, "number"),
    ({"rotation_range": True}, "number"),
    ({"shear_range": 90}, "0 to 89"),
    ({"width_shift_range": -0.2}, "both ways"),
    ({"width_shift_range": []}, "list of numbers"),
    ({"width_shift_range": "0.2"}, "number"),
    ({"zoom_range": 1.5}, r"-0.5 .. 2.5"),
    ({"zoom_range": (1.2, 0.8)}, "lower one first"),
    ({"zoom_range": (0, 1)}, "above 0"),
    ({"brightness_range": (-0.2, 0.2)}, "1 changes nothing"),
    ({"channel_shift_range": -1}, "0 to"),
    ({"fill_mode": "edge"}, "nearest"),
    ({"horizontal_flip": "yes"}, "True or False"),
    ({"preprocessing_function": "f"}, "function"),
    ({"interpolation_order": 6}, "one of 0"),
    ({"dtype": "float"[::-1]}, "float32"),
    ({"dtype": "S4"}, "float32"),
]
ALWAYS_WRONG: list[tuple[dict[str, Any], str]] = [
    ({"zoom_range": (0.8, 1, 1.2)}, "pair"),
    ({"zoom_range": "0.2"}, "pair"),
    ({"brightness_range": 0.5}, "pair"),
    ({"brightness_range": (0.5, 1, 2)}, "pair"),
    ({"data_format": "channels"}, "channels_first"),
    ({"validation_split": 1.0}, "fraction below 1"),
    ({"validation_split": -0.1}, "fraction below 1"),
]


@pytest.mark.parametrize(("given", "says"), [*WRONG, *ALWAYS_WRONG])
def test_errors_name_the_value_and_the_cure(given: dict[str, Any], says: str) -> None:
    with pytest.raises(vary.InputError, match=says) as caught:
        checked(given)
    assert str(caught.value).startswith(f"{next(iter(given))}=")


@pytest.mark.parametrize("given", [given for given, _ in ALWAYS_WRONG])
def test_the_old_versions_refuse_what_the_original_refuses(given: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        original().ImageDataGenerator(**given)
    with pytest.raises(vary.InputError):
        checked(given, "1.1.2")


@pytest.mark.parametrize(
    "given", [{"rotation_range": -5}, {"zoom_range": 1.5}, {"zoom_range": (1.2, 0.8)}, {"brightness_range": (-1, 1)}]
)
def test_the_old_versions_allow_what_the_original_allows(given: dict[str, Any]) -> None:
    original().ImageDataGenerator(**given)
    checked(given, "1.1.2")


def test_unknown_names_are_errors() -> None:
    with pytest.raises(TypeError, match="rotation_range"):
        checked({"rotation_rang": 40})
    with pytest.raises(TypeError, match="it has featurewise_center"):
        checked({"xyz": 40})
    with pytest.raises(vary.InputError, match="compat='2'"):
        checked({}, "2")  # type: ignore[arg-type]
