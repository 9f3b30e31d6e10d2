"""`vary transforms` and `vary --version`."""

import inspect
import json
import re
from typing import Any

import pytest

import vary
from vary.apps.cli import main
from vary.transforms.describe import own_words

REGISTRY = vary.transforms.REGISTRY


def said(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(["transforms", *args]) == 0
    out, err = capsys.readouterr()
    assert not err
    return out


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_transform_is_listed_with_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys)
    listed = re.findall(r"(?m)^ ([A-Z]\w*) ", out)
    assert listed == sorted(REGISTRY)
    for kind in REGISTRY.values():
        first = own_words(kind).partition("\n")[0]
        assert first[:40] in words(out)
        for name, field in kind.fields.items():
            if name != "p":
                assert re.search(rf"(?m)^ +{name}(=| )", out)
                assert field.doc[:20] in words(out)


def test_a_transform_registered_by_the_user_is_listed(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(vary.transforms, "REGISTRY", {**REGISTRY, "Mine": vary.Rotate})
    assert len(json.loads(said(capsys, "--json"))) == len(REGISTRY) + 1


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_one_in_full(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, kind = said(capsys, name), REGISTRY[name]
    assert own_words(kind)
    assert words(own_words(kind)) in words(out), "brackets are no markup"
    head = words(out[: out.index(")\n") + 1])  # a long one is on several lines
    assert head.startswith(f"{name}(")
    spelled = inspect.signature(eval(f"lambda {head[len(name) + 1 : -1]}: None")).parameters.values()
    expected = inspect.signature(kind).parameters.values()
    assert [(one.name, one.kind) for one in spelled] == [(one.name, one.kind) for one in expected]
    for argument, field in kind.fields.items():
        default = "required" if field.default is inspect.Parameter.empty else ""
        assert re.search(rf"(?m)^ {argument} +{default}", out)
        assert field.doc in words(out)


def test_ranges_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys)
    assert re.search(r"(?m)^   angle +-360 \.\. 360 +degrees; ", out)
    assert re.search(r"(?m)^   mode=stretch +stretch, fit, +what", out)
    assert max(map(len, out.splitlines())) <= 120
    assert re.search(r"(?m)^ p +1 +0 \.\. 1 +probability", said(capsys, "Lambda"))
    assert re.search(r"(?m)^ mode +stretch +stretch, fit, letterbox, cover +what", said(capsys, "Resize"))


def test_defaults_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(r"(?m)^ p +0\.5 ", said(capsys, "HorizontalFlip"))
    assert re.search(r"(?m)^ mode +stretch ", said(capsys, "Resize"))
    assert re.search(r"(?m)^ ratio +\(0\.75, 1\.333\) ", said(capsys, "RandomResizedCrop"))


def test_json_is_the_declarations(capsys: pytest.CaptureFixture[str]) -> None:
    reported = {one["name"]: one for one in json.loads(said(capsys, "--json"))}
    assert sorted(reported) == sorted(REGISTRY)
    height, _, mode, _ = reported["Resize"]["arguments"]
    assert height == {"name": "height", "required": True, "within": [1, 1 << 20], "doc": "pixels"}
    assert (mode["default"], mode["within"][0]) == ("stretch", "stretch")
    for name, one in reported.items():
        assert [argument["name"] for argument in one["arguments"]] == list(REGISTRY[name].fields)
    assert [one["name"] for one in json.loads(said(capsys, "Zoom", "--json"))] == ["Zoom"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"vary {vary.__version__}"
    assert second == f"instruction sets: {', '.join(vary.targets())}; live: {vary.target()}"
    assert vary.target() in vary.targets()
    assert re.fullmatch(r"libjpeg-turbo \d+\.\d+\.\d+", third)
