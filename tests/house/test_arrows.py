"""Imports point one way: every import in src/vary is checked against the table of packages in ARROWS."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

# Package or module -> what it may import; also what these may import in turn.
ARROWS = {
    "errors": "",
    "elements": "",
    "guidance": "errors",
    "rng": "errors",
    "maps": "errors ops",
    "sample": "guidance maps elements",
    "paths": "errors",
    "transforms": "errors rng sample paths",
    "stores": "errors paths rng",
    "codecs": "errors guidance paths sample stores",
    "ops": "elements",
    "plan": "transforms codecs ops",
    "sources": "errors rng sample paths codecs stores",
    "display": "plan sources",
    "policy": "display",
    "streams": "policy plan sources rng",
    "frameworks": "streams",
    "inspection": "display",
    "comparison": "policy",
    "ray": "frameworks",
    "testing": "streams",
    "keras": "streams",
}
PUBLIC, NATIVE = "vary", "vary._native"  # the public names, in vary/__init__.py
IMPORT_NATIVE = ("rng", "plan", "codecs")
REFERENCE, REFERENCE_IMPORTS = "vary.plan.reference", {"numpy", "vary.elements", "vary.plan.program", "vary.ops"}


def reach(package: str) -> set[str]:
    direct = ARROWS[package].split()
    return {package, *direct}.union(*(reach(name) for name in direct))


def modules(root: Path) -> dict[str, Path]:
    """Dotted names of all modules under root/vary; a package is named without its __init__."""
    found = {}
    for path in sorted((root / "vary").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: set[str]) -> Iterator[tuple[int, bool, str]]:
    """(line, inside a function, absolute target) of every import; `from package import module` names the module."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]

    def targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        base = node.module or ""
        if node.level:
            up = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*up, *base.split(".")] if base else up)
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if inner in known or inner == NATIVE else base

    def walk(node: ast.AST, nested: bool) -> Iterator[tuple[int, bool, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                yield from ((child.lineno, nested, target) for target in targets(child))
            yield from walk(child, nested or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def fault(name: str, nested: bool, target: str) -> str | None:
    """Why module `name` may not import `target`, or None."""
    top, _, target_rest = target.partition(".")
    package, target_package = name.partition(".")[2].partition(".")[0] or PUBLIC, target_rest.partition(".")[0]
    if name == REFERENCE and not (target in REFERENCE_IMPORTS or {top, target} & {*sys.stdlib_module_names, "numpy"}):
        return "the reference imports NumPy, the standard library and plan/program.py alone"
    if top != "vary":
        return None
    if target == NATIVE:
        return None if package in IMPORT_NATIVE else f"only {', '.join(IMPORT_NATIVE)} import the native module"
    if package == "__main__":
        return None if target.startswith("vary.apps") else "python -m vary only calls the apps"
    if package == "apps":
        return None if target == PUBLIC or target.startswith("vary.apps") else "apps import public names only"
    if target.startswith("vary.apps"):
        return "nothing imports apps"
    if package == PUBLIC:
        return None
    if nested:
        return "vary's modules are imported at the top of a file"
    if package not in ARROWS:
        return f"{package} is missing in ARROWS"
    if target == PUBLIC:
        return "only apps import the public names"
    return None if target_package in reach(package) else f"{package} may import {sorted(reach(package) - {package})}"


def faults(root: Path) -> list[str]:
    known = modules(root)
    return [
        f"{path.relative_to(root)}:{line}: imports {target}: {reason}"
        for name, path in known.items()
        for line, nested, target in imports(name, path, set(known))
        if (reason := fault(name, nested, target))
    ]


def test_imports_point_one_way() -> None:
    assert modules(SOURCE)
    assert not faults(SOURCE), "\n" + "\n".join(faults(SOURCE))


WRONG_IMPORTS = [  # file, its text, what the fault must say ("" where there is none)
    ("rng.py", "from vary.policy import Policy", "rng may import ['errors']"),
    ("sample.py", "from . import rng", "sample may import ['elements', 'errors', 'guidance', 'maps', 'ops']"),
    ("transforms/blur.py", "from ..plan.program import Program", "transforms may import"),
    ("transforms/blur.py", "from vary import Policy", "only apps import the public names"),
    ("transforms/blur.py", "from ..rng import draw\nfrom .base import Transform\nimport numpy as np", ""),
    ("plan/lower.py", "import vary.policy", "plan may import"),
    ("plan/lower.py", "if True:\n    from vary import policy", "plan may import"),
    ("plan/runner.py", "from vary import _native", ""),
    ("transforms/blur.py", "from .._native import execute", "import the native module"),
    ("policy.py", "from vary import _native", "import the native module"),
    ("policy.py", "def f():\n    from vary import errors", "at the top of a file"),
    ("plan/reference.py", "import math\nimport numpy as np\nfrom vary.plan.program import Program", ""),
    ("plan/reference.py", "from vary.plan import lower", "the reference imports"),
    ("plan/reference.py", "from PIL import Image", "the reference imports"),
    ("sources/folder.py", "from vary.transforms import Flip", "sources may import"),
    ("streams/stream.py", "from vary.frameworks import torch", "streams may import"),
    ("streams/stream.py", "from vary.apps import cli", "nothing imports apps"),
    ("frameworks/torch.py", "from vary.streams.stream import Stream\nimport torch", ""),
    ("apps/cli.py", "def main():\n    from vary import Policy\n    from vary.apps import studio", ""),
    ("apps/cli.py", "from vary.policy import Policy", "apps import public names only"),
    ("__init__.py", "def __getattr__(name):\n    from vary import policy", ""),
    ("__init__.py", "from vary.apps import cli", "nothing imports apps"),
    ("novelty.py", "from vary import errors", "novelty is missing in ARROWS"),
]


@pytest.mark.parametrize(("file", "text", "says"), WRONG_IMPORTS)
def test_forbidden_imports_are_found(tmp_path: Path, file: str, text: str, says: str) -> None:
    tree = ["__init__", "errors", "rng", "policy", "plan/lower", "plan/program", "apps/cli", "apps/studio"]
    for name in [*(f"{stem}.py" for stem in tree), file]:
        path = tmp_path / "vary" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if name == file else "")
    found = faults(tmp_path)
    assert (len(found) == 1 and says in found[0]) if says else not found, found
