from pathlib import Path

import numpy as np
import pytest

import vary
from vary.comparison.builtin import BUILT_IN, FOLDER, named_policies
from vary.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:Shear.*hardly seen")  # keras-book is meant so


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_policies(name: str) -> None:
    """They vary pictures of any size, and equal themselves when they are saved and loaded."""
    policy = named_policies(name)[name]
    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    made = vary.Policy([policy, vary.Resize(64, 64)])(image, seed=1)
    assert made.shape == (64, 64, 3)
    assert made.dtype == np.uint8
    plain = vary.Policy([vary.Resize(64, 64)])(image)
    assert (made == plain).all() == (name == "none")
    assert vary.Policy.from_dict(policy.to_dict()).to_dict() == policy.to_dict()


def test_every_file_is_named() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(BUILT_IN)


def test_policies_share_draws_where_they_share_transforms() -> None:
    """So a comparison pairs them: medium and strong turn a picture by the same angle."""
    policies = named_policies("light,medium,strong,keras-book")
    turns = {}
    for name, policy in policies.items():
        line = next(
            line for line in str(policy.explain((90, 70, 3), seed=3)).splitlines() if line.strip()[:6] == "rotate"
        )
        turns[name] = float(line.split()[1])
    assert turns["medium"] == turns["strong"] == turns["keras-book"] == pytest.approx(4 * turns["light"], rel=0.01)


def test_files_lists_and_names(tmp_path: Path) -> None:
    mine = vary.Policy([vary.Rotate(9)])
    mine.save(tmp_path / "my own.yaml")
    found = named_policies(f"none, {tmp_path / 'my own.yaml'},medium")
    assert list(found) == ["none", "my own", "medium"]
    assert found["my own"].to_dict() == mine.to_dict()
    assert list(named_policies([mine, "light", tmp_path / "my own.yaml"])) == ["policy 0", "light", "my own"]
    assert list(named_policies({"a": mine, "b": "none"})) == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("none,mediun", "'mediun' is no file, and no built-in policy; did you mean medium"),
        ("none,none", "two of the name 'none'"),
        ([], "policies is empty"),
        ("", "policies is empty"),
        (vary.Policy([]), "one policy, and a comparison needs several"),
        (7, "policies is a int"),
    ],
    ids=["misspelt", "twice", "empty", "no text", "one", "number"],
)
def test_wrong_policies(given: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        named_policies(given)
