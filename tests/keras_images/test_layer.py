"""`vary.keras.Augment` without Keras; with it: tests/frameworks."""

import subprocess
import sys

import pytest

import vary


def test_it_names_what_to_install() -> None:
    program = "import sys; sys.modules['keras'] = None; import vary; vary.keras.Augment"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "ImportError: vary.keras.Augment is a layer of Keras 3" in run.stderr
    assert "pip install keras" in run.stderr


def test_nothing_else_imports_keras() -> None:
    named = "[getattr(vary.keras, name) for name in vary.keras.__all__]"
    program = f"import sys, vary.keras; {named}; print('keras' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_other_names_are_errors() -> None:
    with pytest.raises(AttributeError, match=r"vary\.keras.*Augmentation"):
        vary.keras.Augmentation  # noqa: B018
