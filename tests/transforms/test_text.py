"""Policies as text and bytes: YAML, JSON, repr and pickle give back the same policy."""

import copy
import functools
import json
import math
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strategies
import yaml
from hypothesis import given, settings, strategies as st

from vary import (
    Brightness,
    CenterCrop,
    Contrast,
    HorizontalFlip,
    Hue,
    Lambda,
    Normalize,
    OneOf,
    Policy,
    PolicyError,
    RandomCrop,
    RandomResizedCrop,
    Resize,
    Rotate,
    Solarize,
    Sometimes,
    Translate,
    Zoom,
)
from vary.errors import ValueWarning
from vary.transforms import REGISTRY

some = settings(max_examples=100, deadline=None)


@some
@given(strategies.policies())
def test_repr_evaluates_back(policy: Policy) -> None:
    assert eval(repr(policy), dict(REGISTRY)) == policy


@some
@given(strategies.policies(), st.sampled_from(("policy.yaml", "policy.yml", "policy.json", "policy")))
def test_files_give_back_the_policy(policy: Policy, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        policy.save(path)
        text = path.read_text(encoding="utf-8")
        assert json.loads(text) if name.endswith("json") else yaml.safe_load(text)
        assert Policy.load(path) == policy
        assert Policy.load(str(path)) == policy


@some
@given(strategies.policies(), st.integers(0, 2**64 - 1))
def test_every_copy_draws_the_same(policy: Policy, seed: int) -> None:
    copies = [pickle.loads(pickle.dumps(policy)), copy.deepcopy(policy), Policy.from_dict(policy.to_dict())]
    for one in copies:
        assert one == policy
        assert hash(one) == hash(policy)
        try:
            expected = policy.program((9, 8, 3), seed=seed).text()
        except PolicyError:  # a tint after Normalize
            continue
        assert one.program((9, 8, 3), seed=seed).text() == expected


BY_HAND = """
semantics: 2
transforms:
  - HorizontalFlip
  - Rotate: 40
  - Resize: [32, 48]
  - Sometimes:
      p: 0.3
      transforms:
        - Brightness: {factor: [0.5, 1.5]}
  - OneOf: [Hue: 0.1, Contrast: 0.5]
  - Lambda: "numpy:fliplr"
fill: reflect
"""


def test_a_file_written_by_hand(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(BY_HAND)
    parts = [
        HorizontalFlip(),
        Rotate(40),
        Resize(32, 48),
        Sometimes([Brightness(0.5)], p=0.3),
        OneOf([Hue(0.1), Contrast(0.5)]),
    ]
    assert Policy.load(tmp_path / "policy.yaml") == Policy([*parts, Lambda(np.fliplr)], fill="reflect")


def test_one_number_is_a_square_in_files_too() -> None:
    given = [{"CenterCrop": 9}, {"RandomCrop": [9]}, {"RandomResizedCrop": {"height": 9, "scale": [0.5, 1]}}]
    intended = Policy([CenterCrop(9, 9), RandomCrop(9, 9), RandomResizedCrop(9, 9, (0.5, 1))])
    assert Policy.from_dict(given) == intended
    assert intended.to_dict()["transforms"][0] == {"CenterCrop": {"height": 9, "width": 9}}


def test_a_list_is_the_arguments_or_the_only_one() -> None:
    given = [{"Rotate": [-10, 40]}, {"Rotate": [40]}, {"Resize": [150, 150]}, {"Translate": [0.1, 0.2]}]
    intended = [Rotate((-10, 40)), Rotate(40), Resize(150, 150), Translate(0.1, 0.2)]
    assert Policy.from_dict(given) == Policy(intended)


REFUSED: list[tuple[Any, str]] = [
    ({"transforms": ["Rotat"]}, "policy.transforms[0]: there is no transform 'Rotat'; did you mean Rotate?"),
    ({"transforms": [{"HorizontalFlop": {}}]}, "did you mean HorizontalFlip?"),
    ({"transforms": [{"Xyzzy": 1}]}, "see `vary transforms`"),
    ({"transforms": [{"Sometimes": [{"Rotat": 1}]}]}, "transforms[0].Sometimes[0]: there is no transform 'Rotat'"),
    ({"transforms": [{"Rotate": 1, "Zoom": 2}]}, "write it as Name: {argument: value}"),
    ({"transforms": [5]}, "5 is not a transform"),
    (
        {"transforms": [{"Rotate": {"degrees": 1}}]},
        "transforms[0].Rotate has no argument 'degrees'; here it is angle=. It has angle, p",
    ),
    (
        {"transforms": [{"Rotate": {"angel": 1}}]},
        "policy.transforms[0].Rotate has no argument 'angel'; did you mean angle? It has angle, p",
    ),
    ({"transforms": [{"Rotate": {1: 1}}]}, "has no argument '1'"),
    ({"transforms": [{"Rotate": [1, 2, 3]}]}, "Rotate(angle=[1, 2, 3]): [1, 2, 3] has 3 entries"),
    ({"transforms": ["Transpose", {"Rotate": 500}]}, "transforms[1].Rotate(angle=500): 500 means (-500, 500), outside"),
    ({"transforms": [{"Resize": 150}]}, "transforms[0].Resize needs 'width'"),
    (
        {"transforms": [{"Rescale": "1/255"}]},
        "transforms[0].Rescale(scale='1/255'): '1/255' is not a number; write 0.0",
    ),
    (
        {"transforms": [{"HorizontalFlip": 0.5}]},
        "HorizontalFlip takes no argument by place, not 1; write p=0.5, in a f",
    ),
    ({"transforms": [{"OneOf": [{"Sometimes": [{"Zoom": 2}]}]}]}, "transforms[0].OneOf[0].Sometimes[0].Zoom(x=2): "),
    ({"transforms": [{"OneOf": []}]}, "transforms[0].OneOf needs at least one transform"),
    ({"transforms": [], "filll": 1}, "Policy has no argument 'filll'; did you mean fill? It has transforms, fill"),
    ({"transforms": [], "fill": "refelct"}, "Policy(fill='refelct'): 'refelct' is not one of constant, "),
    ({"transform": []}, "Policy has no argument 'transform'; did you mean transforms?"),
    ({1: 2}, "Policy has no argument '1'; it has transforms"),
    ({"transforms": [], "vary": 99}, "format 99; this vary reads format 1"),
    ({"fill": 1}, "Policy needs 'transforms': a list of transforms"),
    ({"transforms": "Rotate"}, "a policy needs 'transforms': a list of transforms"),
    ("Rotate", "a policy file holds a mapping with 'transforms', or the bare list of them, not str"),
    (None, "a policy file holds a mapping with 'transforms', or the bare list of them, not NoneType"),
]


SIZE = "write Resize: {height: 150, width: 160}"
LIST = 'begin each with a dash, - Resize: {height: 150, width: 160}, or in JSON: [{"Resize": ...}]'
OTHERWISE: list[tuple[str, str]] = [  # files, and what their errors end with
    ("Resize: [150, 160]", f"transforms come in a list, not in a mapping; {LIST}"),
    ("Resize: [150, 160]\nRotate: 40", f"not in a mapping; {LIST}"),
    ("transforms: {Resize: [150, 160]}", f"a policy needs 'transforms': a list of transforms; {LIST}"),
    ("fill: wrap\nOneOf: [Zoom: 1]", 'begin each with a dash, - OneOf: ..., or in JSON: [{"OneOf": ...}]'),
    ("- Resize: 150, 160", f"'150, 160' is not a whole number; height is pixels; {SIZE}"),
    ("- Resize: (150, 160)", SIZE),
    ("- Resize: 150 x 160", SIZE),
    ("- Resize: {150, 160}", SIZE),
    ("- Resize: [height: 150, width: 160]", SIZE),
    ("- Resize(150, 160)", f"there is no transform 'Resize(150, 160)'; {SIZE}"),
    ("- Resize(height=150, width=160)", SIZE),
    ("- Resize 150 160", SIZE),
    ("- [Resize, 150, 160]", f"policy.transforms[0]: ['Resize', 150, 160] is not a transform; {SIZE}"),
    ("- Resize:\n  height: 150\n  width: 160", SIZE),
    ("- name: Resize\n  height: 150\n  width: 160", SIZE),
    ("- Rotate: -10, 40.5", "write Rotate: {angle: [-10, 40.5]}"),
    ("- Sometimes: [Rotate(40)]", "Sometimes[0]: there is no transform 'Rotate(40)'; write Rotate: {angle: 40}"),
    ("- HorizontalFlip()", "there is no transform 'HorizontalFlip()'; write HorizontalFlip"),
    ("- Rotate(degrees=4)", "there is no transform 'Rotate(degrees=4)'; see `vary transforms`"),
    ("- Translate((0, 1), 2)", "there is no transform 'Translate((0, 1), 2)'; did you mean Translate?"),
    ("- Rotate: '40'", "angle is degrees; a number a means (-a, a)"),
]


@pytest.mark.parametrize(("text", "says"), OTHERWISE, ids=[row[0] for row in OTHERWISE])
def test_errors_correct_other_notations(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(PolicyError) as caught:
        Policy.load(tmp_path / "policy.yaml")
    assert str(caught.value).endswith(says)


def test_what_an_error_says_to_write_can_be_read() -> None:
    intended = yaml.safe_load(f"[{SIZE.removeprefix('write ')}, Rotate: {{angle: [-10, 40.5]}}]")
    assert Policy.from_dict(intended) == Policy([Resize(150, 160), Rotate((-10, 40.5))])


@pytest.mark.parametrize(("data", "words"), REFUSED, ids=[row[1] for row in REFUSED])
def test_refused(data: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict(data)
    assert words in str(caught.value)
    path = tmp_path / "broken.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(path)), "the file is named"


FAULTS = [  # file, its bytes, what the error says behind the file's name
    (
        "a.yaml",
        b"transforms:\n\t- Rotate: 40\n",
        "line 2, column 1: a tab; YAML is indented by spaces, so write spaces",
    ),
    ("a.yaml", b"- OneOf:\n  \t- Zoom: 1\n", "line 2, column 3: a tab; "),
    (
        "a.yaml",
        b"- Rotate: 4\n - Zoom: 3\n",
        "line 2, column 2: indented unlike its neighbours; begin all entries",
    ),
    ("a.yaml", b"- Resize: [3, 4\n- Rotate: 4\n", "line 2, column 9: expected ',' or ']', but got ':'; close the bra"),
    ("a.yaml", b"- Resize: [3, 4\n- Rotate: 4\n", "bracket or quote of line 1, column 11"),
    ("a.yaml", b"- 'Rotate: 40\n", "close the bracket or quote of line 1, column 3"),
    (
        "a.yaml",
        b"transforms: [Rotate: {",
        "line 1, column 23: the file ends where a value is expected; close the brackets",
    ),
    ("a.yaml", b"- Rotate: angle: 4\n", "line 1, column 16: a ':' too many, or one missing in the line before; write"),
    ("a.yaml", b"transforms:\n- Zoom: 1\nfill reflect\n", "line 3, column 1: could not find expected ':'; write Name"),
    ("a.yaml", b"- Rotate: 4\n---\n- Zoom: 1\n", "line 2, column 1: a second document; a file holds one policy"),
    ("a.yaml", b"- Rotate: @40\n", "line 1, column 11: found character '@' that cannot start any token; write Name"),
    ("a.yaml", b"- !!python/object:os.system {}\n", "line 1, column 3: could not determine a constructor"),
    ("a.yaml", b"", "the file is empty; write a list of transforms, such as - Rotate: 40"),
    ("a.yaml", b" \n# nothing yet\n\n", "the file is empty; write a list of transforms, such as - Rotate: 40"),
    ("a.json", b"\n", 'the file is empty; write a list of transforms, such as ["HorizontalFlip", {"Rotate": 40}]'),
    (
        "a.json",
        b'[{"Rotate": 40},\n5 6]',
        "line 2, column 3: Expecting ',' delimiter; JSON has names and words in doub",
    ),
    ("a.json", b"- Rotate: 40\n", "line 1, column 1: Expecting value; JSON has "),
    ("a.json", b"- Rotate: 40\n", "YAML goes into a file named .yaml"),
    (
        "a.yaml",
        b"\x89PNG\r\n\x1a\n",
        "line 1, column 1: byte 0x89 is not text; save the policy as YAML or JSON in UTF-8",
    ),
    ("a.yaml", b"- Zoom: 1\n\n# caf\xe9\n", "line 3, column 6: byte 0xe9 is not text; "),
    ("a.yaml", b"\xef\xbb\xbf# caf\xe9\n", "line 1, column 6: byte 0xe9 is not text; "),
    ("a.json", "[]".encode("utf-16-le"), "line 1, column 2: character '\\x00' is not text; "),
    (
        "a.yaml",
        b"- Rotate:\n    angle: 3\n    p: 1\n    angle: 4\n",
        "line 4, column 5: 'angle' occurs twice in one map",
    ),
    (
        "a.yaml",
        b"fill: wrap\ntransforms: []\nfill: wrap\n",
        "line 3, column 1: 'fill' occurs twice in one mapping; leave ",
    ),
    (
        "a.yaml",
        b"- Zoom: 1\n  Zoom: 2\n",
        "line 2, column 3: 'Zoom' occurs twice in one mapping; give each an entry of i",
    ),
    (
        "a.yaml",
        b"- Resize: {150, 150}\n",
        "column 17: '150' occurs twice in one mapping; a list of values has square bra",
    ),
    (
        "a.json",
        b'[{"Zoom": {"x": 3,\n "p": 1, "x": 5}}]',
        "line 2, column 10: 'x' occurs twice in one mapping; leave one o",
    ),
    ("a.json", b'{"a": "{", "\\u0061": "}"}', "line 1, column 12: 'a' occurs twice in one mapping"),
    ("a.yaml", b"[" * 3000, "nested too deep; a policy is a list of transforms"),
    ("a.json", b"[" * 100_000, "nested too deep; a policy is a list of transforms"),
]


@pytest.mark.parametrize(("name", "raw", "says"), FAULTS, ids=[row[2] for row in FAULTS])
def test_files_that_do_not_parse(tmp_path: Path, name: str, raw: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(PolicyError) as caught:
        Policy.load(tmp_path / name)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(caught.value)


def test_names_may_stand_again_elsewhere(tmp_path: Path) -> None:
    items = "- Zoom: &zoom {x: 0.1, p: 0.5}\n- Zoom: {<<: *zoom, x: 0.2}\n- Zoom: *zoom\n"
    (tmp_path / "a.yaml").write_text(f"semantics: 2\ntransforms:\n{items}")
    twice = '[{"Zoom": {"x": 0.1, "p": 0.5}}, {"Zoom": {"p": 0.5, "x": 0.2}}]'
    (tmp_path / "a.json").write_text(f'{{"semantics": 2, "transforms": {twice}}}')
    zooms = [Zoom(0.1, p=0.5), Zoom(0.2, p=0.5)]
    assert Policy.load(tmp_path / "a.yaml") == Policy([*zooms, zooms[0]])
    assert Policy.load(tmp_path / "a.json") == Policy(zooms)


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_what_editors_put_before_the_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"semantics": 2, "transforms": ["HorizontalFlip"]}', encoding="utf-8-sig")
    assert Policy.load(tmp_path / name) == Policy([HorizontalFlip()])


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_missing_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolicyError, match=r"a\.(yaml|json): cannot be read \(No such file"):
        Policy.load(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(PolicyError, match=r"a\.(yaml|json): cannot be read \(Is a directory"):
        Policy.load(tmp_path / name)


def test_functions_are_written_by_name_or_refused() -> None:
    assert Policy([Lambda(math.sqrt)]).to_dict()["transforms"] == [{"Lambda": {"function": "math:sqrt"}}]
    for function in (lambda image: image, functools.partial(np.rot90, k=1), Policy([]).__call__):
        with pytest.raises(PolicyError, match="cannot be named as 'module:function'; define it at the top of a module"):
            Policy([Lambda(function)]).to_dict()


def test_what_is_written_is_short() -> None:
    assert Policy([HorizontalFlip(), Normalize()]).to_dict() == {
        "vary": 1,
        "semantics": 2,
        "transforms": [{"HorizontalFlip": {}}, {"Normalize": {}}],
    }


OLD = [
    ("a.yaml", "vary: 1\ntransforms: [{Rotate: 40}]\n", "a.yaml does not say which semantics it was written for"),
    ("a.yaml", "- Rotate: 40\n", "a.yaml does not say which semantics it was written for"),
    ("a.json", '{"semantics": 1, "transforms": [{"Rotate": 40}]}', "a.json was written for semantics 1"),
]


@pytest.mark.parametrize(("name", "text", "says"), OLD)
def test_files_of_earlier_semantics_are_read_with_a_warning(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.warns(ValueWarning, match=says) as caught:
        assert Policy.load(tmp_path / name) == Policy([Rotate(40)])
    assert len(caught) == 1
    assert "Write `semantics: 2` beside `transforms:`" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_data_of_earlier_semantics_is_read_with_a_warning() -> None:
    data = Policy([Rotate(40)]).to_dict()
    assert data.pop("semantics") == 2
    with pytest.warns(ValueWarning, match="this policy does not say which semantics"):
        assert Policy.from_dict(data) == Policy([Rotate(40)])
    assert Policy.from_dict([{"Rotate": 40}]) == Policy.from_dict({"transforms": [{"Rotate": 40}]})


@pytest.mark.parametrize("semantics", [3, 0, "2", True, 2.0])
def test_unknown_semantics_are_refused(semantics: object) -> None:
    with pytest.raises(PolicyError, match="this vary knows semantics up to 2: use a newer vary"):
        Policy.from_dict({"semantics": semantics, "transforms": []})


def test_solarize_has_a_default() -> None:
    assert Policy.from_dict(["Solarize"]) == Policy([Solarize()]) == Policy([Solarize(0.5)])


def test_every_number_of_an_instruction_is_explained() -> None:
    for policy, line in [
        ([Resize(150, 160)], "  resize           150 x 160, stretch"),
        ([Brightness((1.25, 1.25))], "  brightness       factor 1.25, clip 0 .. 255"),
        ([Normalize((0, 0.5, 1), 0.1)], "  normalize        mean 0 127.5 255, std 25.5 25.5 25.5"),
        ([HorizontalFlip(p=1)], "  flip_horizontal"),
        ([Rotate((3.25, 3.25))], "  rotate           3.25 degrees"),
        ([Normalize(), Lambda(np.fliplr, p=0)], "  cut              to float32"),
    ]:
        assert line in Policy(policy).explain((20, 20, 3)).splitlines()
