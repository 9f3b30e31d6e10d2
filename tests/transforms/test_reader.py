"""Reading policy files: unambiguous numbers and words, and errors with the line."""

from pathlib import Path

import numpy as np
import pytest

from vary import HorizontalFlip, Lambda, Policy, PolicyError, Rescale, Resize, Rotate, Shear, Transform, Translate, Zoom
from vary.apps.cli import main

MISREAD = [  # a scalar of YAML 1.1, what the error says of it
    ("010", "010 is 8 to YAML 1.1, an octal number; write 8, or 10"),
    ("-0224", "-0224 is -148 to YAML 1.1, an octal number; write -148, or -224"),
    ("01", "01 is 1 to YAML 1.1, an octal number; write 1"),
    ("1:30", "1:30 is 90 to YAML 1.1, which counts in sixties; write 90, or a list in brackets: [1, 30]"),
    ("1:30.5", "1:30.5 is 90.5 to YAML 1.1, which counts in sixties; write 90.5, or a list in brackets: [1, 30.5]"),
    ("1_000", "1_000 is 1000 to YAML 1.1, and may be something else to other readers; write 1000"),
    ("1_0.5", "1_0.5 is 10.5 to YAML 1.1, and may be something else to other readers; write 10.5"),
    ("0x10", "0x10 is 16 to YAML 1.1, and may be something else to other readers; write 16"),
    ("0b11", "0b11 is 3 to YAML 1.1, and may be something else to other readers; write 3"),
    ("on", "on is true to YAML 1.1; write true, a number, or 'on' for the word"),
    ("Off", "Off is false to YAML 1.1; write false, a number, or 'Off' for the word"),
    ("yes", "yes is true to YAML 1.1; write true"),
    ("NO", "NO is false to YAML 1.1; write false"),
    (".inf", ".inf is not a number that a policy can have; write a finite one"),
    ("-.Inf", "-.Inf is not a number that a policy can have; write a finite one"),
    (".NaN", ".NaN is not a number that a policy can have; write a finite one"),
    ("2020-01-01", "2020-01-01 is a date to YAML 1.1; write a number, or '2020-01-01' for text"),
    ("2020-01-01 10:00:00", "2020-01-01 10:00:00 is a date to YAML 1.1"),
    ("1e-3", "1e-3 is text to YAML 1.1; write 0.001"),
    ("-.5", "-.5 is text to YAML 1.1; write -0.5"),
    ("1.5e3", "1.5e3 is text to YAML 1.1; write 1500"),
    ("0o10", "0o10 is text to YAML 1.1; write 8"),
    ("08", "08 is text to YAML 1.1; write 8"),
    ("!!int '010'", "010 is 8 to YAML 1.1"),
]


@pytest.mark.parametrize(("written", "says"), MISREAD, ids=[row[0] for row in MISREAD])
def test_what_yaml_reads_otherwise_than_people_mean(tmp_path: Path, written: str, says: str) -> None:
    path = tmp_path / "policy.yaml"
    for text, where in (
        (f"transforms:\n  - Rotate: {written}\n", "line 2, column 13"),
        (f"- Zoom: 0.2\n- Resize:\n    - 9\n    - {written}\n", "line 4, column 7"),
        (f"- HorizontalFlip: {{p: {written}}}\n", "line 1, column 23"),
        (f"transforms: []\nantialias: {written}\n", "line 2, column 12"),
        (f"transforms: []\nfill: [1, {written}, 2]\n", "line 2, column 11"),
        (f"- {written}\n", "line 1, column 3"),
    ):
        path.write_text(text)
        with pytest.raises(PolicyError) as caught:
            Policy.load(path)
        assert str(caught.value).startswith(f"{path}: {where}: {says}")


def test_the_command_line_reads_as_policies_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.yaml").write_text("- Resize: [010, 0224]\n")
    assert main(["explain", str(tmp_path / "policy.yaml")]) == 1
    assert "policy.yaml: line 1, column 12: 010 is 8 to YAML 1.1" in capsys.readouterr().err


MEANT = """
semantics: 2
transforms:
  - Resize: [10, 224]
  - Rotate: [-1.5, +2]
  - Translate: {x: [-0.5, 1.0e-1], y: 0}
  - Rescale: [3.0e-06, -1.e+2]
  - Shear: .5
  - Zoom: {x: 0.5, y: null, p: 0}
  - Zoom: {x: 0.5, y: ~}
  - HorizontalFlip:
  - Lambda: numpy:fliplr
antialias: False
strict: true
value_range:
"""


def test_numbers_and_words_as_people_mean_them_stay(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(MEANT)
    transforms: list[Transform] = [
        Resize(10, 224),
        Rotate((-1.5, 2)),
        Translate((-0.5, 0.1), 0),
        Rescale(3e-6, -100),
    ]
    transforms += [Shear(0.5), Zoom(0.5, p=0), Zoom(0.5), HorizontalFlip(), Lambda(np.fliplr)]
    assert Policy.load(tmp_path / "policy.yaml") == Policy(transforms, antialias=False, strict=True)


JSON = [  # what stands for the angle, and what the error says
    ("NaN", "line 1, column 13: NaN is not a JSON number; write a finite one"),
    ("-Infinity", "line 1, column 13: -Infinity is not a JSON number"),
    ("[1,\n Infinity]", "line 2, column 2: Infinity is not a JSON number"),
    ("010", "line 1, column 14: Expecting ',' delimiter; write 10; JSON has"),
    (".5", "line 1, column 13: Expecting value; write 0.5; JSON has"),
    ("+5", "Expecting value; write 5; JSON has"),
    ("0x10", "Expecting ',' delimiter; write 16; JSON has"),
    ("1_000", "Expecting ',' delimiter; write 1000; JSON has"),
    ("True", "Expecting value; write true; JSON has"),
    ("None", "Expecting value; write null; JSON has"),
    ("true", "policy.transforms[0].Rotate(angle=True): True is not a number"),
    ("1e999", "inf means (-inf, inf), outside -360 .. 360"),
]


@pytest.mark.parametrize(("written", "says"), JSON, ids=[row[0] for row in JSON])
def test_what_is_no_number_in_json(tmp_path: Path, written: str, says: str) -> None:
    (tmp_path / "policy.json").write_text(f'[{{"Rotate": {written}}}]')
    with pytest.raises(PolicyError) as caught:
        Policy.load(tmp_path / "policy.json")
    assert f"policy.json: {says}" in str(caught.value) or says in str(caught.value)


def test_words_within_text_of_json_are_text(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('[{"Lambda": "NaN:Infinity"}]')
    with pytest.raises(PolicyError, match="'NaN:Infinity' cannot be imported"):
        Policy.load(tmp_path / "policy.json")


LINES = [  # a file, and how its error goes on behind the file's name
    ("- Rotate: 4\n- Rotat\n", "line 2: policy.transforms[1]: there is no transform 'Rotat'"),
    ("- OneOf:\n  - Zoom: 1.5\n", "line 2: policy.transforms[0].OneOf[0].Zoom(x=1.5): "),
    ("- SomeOf:\n    n: 1\n    transforms:\n    - Nothing\n", "line 4: policy.transforms[0].SomeOf[0]: there is no"),
    ("- Rotate:\n    p: 1\n    angle: 400\n", "line 3: policy.transforms[0].Rotate(angle=400): "),
    ("- Resize:\n  - 9\n  - 0\n", "line 3: policy.transforms[0].Resize(width=0): 0 is too small; give 1 or more"),
    ("- Rotate: true\n", "line 1: policy.transforms[0].Rotate(angle=True): True is not a number or a pair"),
    ("- Rotate:\n    p: 1\n    angle:\n", "line 3: policy.transforms[0].Rotate: angle has no value (null, ~ or nothin"),
    ("- Rotate:\n    angle: 3\n    p: ~\n", "line 3: policy.transforms[0].Rotate: p has no value (null, ~ or nothing"),
    ("- Resize:\n  - 9\n  - null\n", "line 3: policy.transforms[0].Resize: width has no value"),
    ("- Rotate: [~, 3]\n", "line 1: policy.transforms[0].Rotate(angle=[None, 3]): None is not a number"),
    ("- Rotate: ~\n", "line 1: policy.transforms[0].Rotate needs 'angle': degrees"),
    ("transforms: []\n\nfill: ~\n", "line 3: Policy(fill=None): None is not a number"),
    ("transforms: []\nvalue_range: true\n", "line 2: Policy(value_range=True): True is not a number"),
    ("- Zoom: &zoom {x: 0.1}\n- Zoom:\n    <<: *zoom\n    p: 2\n", "line 4: policy.transforms[1].Zoom(p=2): "),
]


@pytest.mark.parametrize(("text", "says"), LINES, ids=[row[0] for row in LINES])
def test_errors_have_the_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    assert str(caught.value).startswith(f"{path}: {says}")
