"""What the documents say of commands, outputs, modules and native calls, apart from the Python that they show."""

import contextlib
import io
import json
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import name_of, oracle
from docs.pages import PAGES, ROOT, blocks, cats_and_dogs
from house.test_arrows import ARROWS, reach
from PIL import Image

import vary
from vary import _native
from vary.apps.cli import main
from vary.sources import files
from vary.transforms import REGISTRY

README, POLICIES = ROOT / "README.md", ROOT / "docs" / "policies.md"
DOCUMENTS = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", ROOT / "native" / "README.md"]


def fenced(path: Path, kind: str) -> list[str]:
    """The blocks of this kind in a document."""
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", path.read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: with pictures, and a policy file, under the names of the documents."""
    for name in ("cats_dogs/train", "path/to/your/pictures"):
        cats_and_dogs(tmp_path / name)
    vary.Policy([vary.Resize(15, 20), vary.Rotate(9)]).save(tmp_path / "mine.yaml")
    (tmp_path / "train.py").write_text("from keras.preprocessing.image import ImageDataGenerator\n")
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_readme_shows_what_explain_prints() -> None:
    (shown,) = fenced(README, "text")
    namespace, output = {"__name__": "__main__"}, ""
    for _, code, _ in blocks(README.read_text(encoding="utf-8")):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, namespace)
        output = printed.getvalue()
        if "explain" in code:
            break
    assert output == shown


COMMANDS = [
    (path.name, line[2:].partition("#")[0].strip())
    for path in DOCUMENTS
    for block in fenced(path, "console")
    for line in block.splitlines()
    if line.startswith("$ ")
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", [line for _, line in COMMANDS if line.startswith("vary ")])
def test_commands_run(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(line)[1:]) in (None, 0)
    assert capsys.readouterr().out


def test_commands_of_make_are_in_the_makefile() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    named = set(re.findall(r"(?m)(?:`|^\$ )make ([a-z][\w-]*)", text))
    (listed,) = re.findall(r"(?m)^\.PHONY: (.*)", (ROOT / "Makefile").read_text())
    assert named
    assert named <= set(listed.split())


def test_the_policy_file_is_read(folder: Path) -> None:
    (yaml,) = fenced(POLICIES, "yaml")
    path = folder / "mine.yaml"
    path.write_text(yaml)
    policy = vary.Policy.load(path)
    assert len(policy.transforms) == yaml.count("\n  - ")
    assert policy.fill == "reflect"


@pytest.mark.usefixtures("folder")
def test_the_error_of_a_policy_file() -> None:
    (text,) = fenced(POLICIES, "text")
    Path("mine.yaml").write_text("transforms:\n- Resize: [5, 5]\n- Rotat: 9\n")
    with pytest.raises(vary.PolicyError) as caught:
        vary.Policy.load("mine.yaml")
    assert str(caught.value) == text.strip()


def test_the_transform_of_contributing_works() -> None:
    """Steps 1 and 2: the class, and the row of the table of laws."""
    first, row = fenced(ROOT / "CONTRIBUTING.md", "py")
    namespace: dict[str, Any] = {"Row": lambda *arguments: arguments}
    exec("from vary.transforms import *\nfrom vary.transforms.base import Lowering", namespace)
    exec(first, namespace)
    REGISTRY.pop("HalfTurn")
    example, neutral = eval("{" + row + "}", namespace)["HalfTurn"]
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    turned = vary.Policy([namespace["HalfTurn"](p=1)])(image)
    assert np.array_equal(turned, image[::-1, ::-1])
    assert np.array_equal(vary.Policy([neutral])(image), image)
    assert {bool((vary.Policy([example])(image, seed=seed) == image).all()) for seed in range(20)} == {False, True}


def table(path: Path, head: str) -> Iterator[list[str]]:
    """The rows of the table with this head."""
    after = path.read_text(encoding="utf-8").partition(f"\n{head}\n")[2]
    for line in after.splitlines()[1:]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_packages_and_modules_of_the_architecture_exist() -> None:
    source, found = ROOT / "src" / "vary", 0
    for where, what in table(ROOT / "ARCHITECTURE.md", "| package or module | what it does |"):
        for name in re.findall(r"`([\w./]+)`", where):
            assert (source / name).exists() or (ROOT / name).exists(), name
            if not name.endswith("/") or name == "native/":
                continue
            for module in re.findall(r"`([a-z]+)`", what):
                inside = [source / name / f"{module}{end}" for end in ("", ".py", ".yaml")]
                assert any(path.exists() for path in inside), f"{name}{module}"
                found += 1
    assert found > 30


def test_imports_of_the_architecture_are_those_that_are_checked() -> None:
    """The document leaves out what is imported anyway; modules without a row there may not be many."""
    seen = set()
    for names, direct in table(
        ROOT / "ARCHITECTURE.md", "| package or module | imports, apart from what these import |"
    ):
        for name in re.findall(r"`(\w+)`", names):
            imported = re.findall(r"`(\w+)`", direct)
            seen.add(name)
            if name in ARROWS:
                assert reach(name) == {name}.union(*(reach(one) for one in imported)), name
    present = {name for name in ARROWS if [*(ROOT / "src" / "vary").glob(f"{name}*")]}
    assert present <= seen


def test_parameters_of_keras_are_the_transforms_that_the_table_names() -> None:
    rows = [*table(ROOT / "docs" / "keras.md", "| ImageDataGenerator | meaning | in a policy |")]
    assert len(rows) > 10
    for old, _, new in rows:
        given = eval(f"dict({old.strip('`')})")
        transform = eval(new.strip("`"), {"vary": vary})
        assert vary.keras.policy.policy_of(vary.keras.parameters.checked(given)) == vary.Policy([transform]), old


def test_the_picture_of_the_parameters_is_that_of_the_table() -> None:
    oracle("skimage")
    tool = runpy.run_path(str(ROOT / "tools" / "parameters.py"))
    with Image.open(tool["SHEET"]) as shown:
        difference = np.abs(np.asarray(shown).astype(int) - np.asarray(tool["sheet"]()))
    assert difference.mean() < 3, "run python tools/parameters.py"


@pytest.mark.usefixtures("folder")
def test_the_demonstration_prints_what_its_comments_say() -> None:
    oracle("keras_preprocessing")
    oracle("scipy")
    text = (ROOT / "docs" / "keras.md").read_text(encoding="utf-8").partition("\n## Parameters\n")[0]
    said = re.findall(r"(?m)# (Found \d+ images belonging to \d classes\.|\{.*\}|0\.0)", text)
    said += re.findall(r"\[\[\d+ \d+\]\]", text)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for _, code, _ in blocks(text):
            exec(code, namespace)
    assert len(said) == 7
    for one in said:
        assert one in printed.getvalue(), one


def test_costs_of_the_pipeline_are_those_that_were_measured() -> None:
    command = [sys.executable, "-m", "benchmarks.pipeline", "--print"]
    tables = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    page = (ROOT / "docs" / "slow.md").read_text(encoding="utf-8")
    assert tables.count("\n|") > 20
    assert tables.count("\n\n") == 2
    for one in tables.split("\n\n"):
        assert one in page, "put what python -m benchmarks.pipeline --print prints into docs/slow.md"
    stored = json.loads((ROOT / "benchmarks" / "pipeline.json").read_text(encoding="utf-8"))
    for name in ("vary", "keras-preprocessing", "scipy", "numpy", "pillow"):
        assert stored["versions"][name] in page, name


COUNTED = [(_native.Plan, "draw sizes levels run"), (_native, "empty keep_levels"), (files, "file_stamps")]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The native calls from now on that ARCHITECTURE.md counts, in order."""
    seen: list[str] = []

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **named: Any) -> Any:
            seen.append(name)
            return call(*args, **named)

        return counting

    for owner, names in COUNTED:
        for name in names.split():
            monkeypatch.setattr(owner, name, counted(name, getattr(owner, name)))
    return seen


def same(image: np.ndarray) -> np.ndarray:
    return image


IMAGES = [np.full((side, 30, 3), 99, np.uint8) for side in (20, 20)]
FLIP, SMALL = vary.HorizontalFlip(), vary.Resize(5, 6)


@pytest.mark.parametrize(
    ("transforms", "expected"),
    [
        ([SMALL, FLIP], "draw empty run"),
        ([FLIP], "draw empty run"),
        ([vary.RandomRotate90()], "draw sizes empty run"),  # the size depends on the draw
        ([FLIP, vary.Lambda(same), SMALL], "draw sizes run empty run"),
        ([vary.Lambda(same), vary.Lambda(same), SMALL], "draw sizes run sizes run empty run"),
    ],
    ids=name_of,
)
def test_native_calls_of_a_batch(transforms: list[vary.Transform], expected: str, calls: list[str]) -> None:
    policy = vary.Policy(transforms)
    for _ in range(20):  # the first pictures are checked for mistakes of values
        policy.batch(IMAGES, seed=1, indices=[0, 0])  # equal indices draw the same
    calls.clear()
    policy.batch(IMAGES, seed=1, indices=[0, 0])
    assert " ".join(calls) == expected


def test_native_calls_with_a_cache(tmp_path: Path, calls: list[str]) -> None:
    for number in range(4):
        Image.new("RGB", (40, 30), (number, 90, 9)).save(tmp_path / f"{number}.jpg")
    train = vary.stream(tmp_path, vary.Policy([SMALL]), batch_size=4, cache="memory", prefetch=0, shuffle=False)
    train.report()  # chooses the cache, by some of the files
    for expected in ("file_stamps levels file_stamps keep_levels", "file_stamps levels"):
        calls.clear()
        list(train)
        assert " ".join(one for one in calls if one in ("file_stamps", "levels", "keep_levels")) == expected


@pytest.mark.parametrize(
    "transforms",
    [
        [vary.Brightness((0.1, 0.1)), vary.Brightness((10, 10))],
        [vary.Saturation((0.5, 0.5)), vary.Saturation((2, 2))],
        [vary.Contrast((0.25, 0.25)), vary.Contrast((4, 4))],
    ],
    ids=name_of,
)
def test_colour_is_not_rounded_between_maps(transforms: list[vary.Transform]) -> None:
    """Each pair is there and back, which would be lost in whole levels. In a strict policy, too: colour is no cut."""
    image = np.random.default_rng(2).integers(60, 190, (9, 8, 3)).astype(np.uint8)
    for strict in (False, True):
        assert np.array_equal(vary.Policy(transforms, strict=strict)(image), image)
    half_way = vary.Policy(transforms[1:])(vary.Policy(transforms[:1])(image))
    assert not np.array_equal(half_way, image)
