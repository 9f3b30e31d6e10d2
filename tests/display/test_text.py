"""`Text`, whose repr is its lines, and escaping and shortening of text."""

import json
import pickle

import vary
from vary.display.text import Text, plain
from vary.plan.program import VERSION

POLICY = vary.Policy([vary.Resize(8, 8), vary.Rotate(40)])


def test_an_explanation_shows_its_lines() -> None:
    text = POLICY.explain((20, 30, 3))
    lines = str(text).splitlines()
    assert lines[0] == "uint8 20 x 30 x 3"
    assert repr(text) == str(text) == f"{text}"
    assert type(str(text)) is str
    assert isinstance(text, str)


def test_it_is_a_string_in_all_else() -> None:
    text = POLICY.explain((20, 30, 3))
    again = pickle.loads(pickle.dumps(text))
    assert again == text == str(text)
    assert repr(again) == str(text)
    assert {text: 1}[str(text)] == 1
    assert json.loads(json.dumps(text)) == text
    assert text.upper().startswith("UINT8")
    assert repr([Text("a\nb")]) == "[a\nb]"


def test_a_program_shows_its_lines() -> None:
    program = POLICY.program((20, 30, 3))
    assert repr(program) == str(program) == program.text().rstrip()
    assert repr(program).splitlines()[0] == f"vary program {VERSION}"


def test_words_are_safe() -> None:
    assert plain("cat") == "cat"
    assert plain("a\nb\x1b[0m\udcff") == r"a\nb\x1b[0m\udcff"
    plain("\udcff").encode()
    assert plain("Kätzchen 猫") == "Kätzchen 猫"
    assert plain("x" * 100, 9) == "xxxx…xxxx"
    assert len(plain("\n" * 100, 20)) == 20
