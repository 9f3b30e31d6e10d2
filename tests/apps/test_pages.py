"""Commands, policy files and outputs in README.md and docs/ are as vary really has them."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import oracle
from PIL import Image

import vary
from vary.apps.cli import main, parser
from vary.apps.inputs import main_policy
from vary.display.pixels import Scale, shown

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
POLICIES = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")


def test_the_readmes_explanation_is_the_real_one() -> None:
    assert f"```text\n{main_policy().explain((375, 500, 3))}\n```" in README


def test_the_readmes_policy_is_the_commands() -> None:
    code = re.search(r"(?ms)^policy = (.*?^\], .*?\))$", README)
    assert code
    assert eval(code[1], {"vary": vary}) == main_policy()


COMMANDS = re.findall(r"(?m)^\$ vary (.*?)(?: +#.*)?$|`vary ([a-z][^`]*)`", README)


@pytest.mark.parametrize("line", [a or b for a, b in COMMANDS])
def test_commands_can_be_typed(line: str) -> None:
    assert parser().parse_args(shlex.split(line))


def test_policy_files_can_be_read() -> None:
    (text,) = re.findall(r"(?ms)^```yaml\n(.*?)^```$", POLICIES)
    policy = vary.Policy.from_dict(yaml.safe_load(text))
    assert policy.explain((375, 500, 3))
    assert policy.transforms[1] == vary.Rotate((-10, 40))


def test_the_error_shown_is_the_real_one(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "mine.yaml").write_text("transforms:\n  - Resize: [150, 150]\n  - Rotat: 40\n")
    assert main(["explain", "mine.yaml"]) == 1
    error = capsys.readouterr().err.removeprefix("vary: error: ")
    assert f"```text\n{error}```" in POLICIES


@pytest.mark.usefixtures("work")
def test_the_readmes_sheet_is_what_the_command_makes() -> None:
    oracle("skimage")
    path = ROOT / "docs" / "images" / "sheet.jpg"
    assert path.stat().st_size < 400_000
    assert main(["preview", "--rows", "4", "-o", "sheet.jpg"]) == 0
    with Image.open(path) as reported, Image.open("sheet.jpg") as made:
        difference = np.abs(np.asarray(reported).astype(int) - np.asarray(made))
    assert difference.mean() < 2, "make it anew: vary preview --rows 4 -o docs/images/sheet.jpg"


def test_one_by_one_equals_the_stream(data: Path) -> None:
    """As docs/policies.md says of full_decode=True; and the sheet's columns are the stream's epochs."""
    policy = main_policy()
    folder = vary.Folder(data)
    stream = vary.stream(folder, policy, seed=5, full_decode=True)
    stream.set_epoch(3)
    for batch in stream:
        for image, index in zip(batch[0], batch.indices, strict=True):
            source = vary.read_image(folder.path(int(index)))
            assert (policy(source, seed=5, epoch=3, index=int(index)) == image).all()
            levels = np.rint(image * 255).astype(int)
            assert np.abs(shown(image, Scale(0, 1)) - levels).max() == 0
