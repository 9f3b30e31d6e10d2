"""The two tables of operations agree, and a new operation costs few files."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from vary import Policy, PolicyError, Transform, _native  # type: ignore[attr-defined]
from vary.ops import OPS, Op
from vary.transforms import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ["src/vary/**/*.py", "native/**/*.cc", "native/**/*.h", "tests/laws/table.py", "CHANGELOG.md"]
NEW = [
    ("solarize", "Solarize"),
    ("gaussian_blur", "GaussianBlur"),
    ("gauss_noise", "GaussNoise"),
    ("perspective", "Perspective"),
    ("displace", "FieldTransform"),
]


def test_the_native_table_is_the_same() -> None:
    native = {name: (kind, numbers, each) for name, kind, numbers, each in _native.ops()}
    here = {}
    for op in OPS.values():
        each = sum(argument.per_channel for argument in op.arguments)
        more = any(argument.variadic for argument in op.arguments)
        here[op.name] = op.kind, len(op.arguments) - each - more, -1 if more else each
    assert len(native) == len(_native.ops()), "a name stands in the native table twice"
    assert native == {name: entry for name, entry in here.items() if entry[0] != "call"}


def files_of(names: tuple[str, str]) -> Iterator[str]:
    """Files that an operation is named in: sources, the table of laws, the changelog. Tests of it and documents are not
    counted: they are what its author wants to say."""
    pattern = re.compile(rf"\b({'|'.join(names)})\b")
    for glob in SOURCES:
        for path in sorted(ROOT.glob(glob)):
            where = path.relative_to(ROOT).as_posix()
            if not where.startswith(("native/tests", "native/fuzz")) and pattern.search(
                path.read_text(encoding="utf-8")
            ):
                yield where


@pytest.mark.parametrize("names", NEW, ids=lambda names: names[1])
def test_an_operation_costs_six_files(names: tuple[str, str]) -> None:
    found = list(files_of(names))
    assert 5 <= len(found) <= 6, found


def test_every_entry_is_complete() -> None:
    """Each number of an instruction has a unit and is explained, under its own name and no other."""
    for op in OPS.values():
        names = [argument.name for argument in op.arguments]
        assert all(argument.unit for argument in op.arguments), op.name
        assert len(set(names)) == len(names), op.name
        used = set(re.findall(r"{(\w+)}", op.explain))
        assert used == (set(names) if op.kind != "call" else set()), op.name
        assert op.neutral is None or len(op.neutral) <= len(names), op.name


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.neutral], ids=lambda op: op.name)
def test_neutral_arguments_change_nothing(op: Op) -> None:
    """In the reference; the laws hold the native core to transforms that emit such arguments."""
    import numpy as np

    assert op.neutral is not None
    rest = [{"low": 0.0, "high": 1.0}.get(a.name, 1.0) for a in op.arguments[len(op.neutral) :]]
    if op.kind == "map":
        from vary.ops import View

        view = op.reference(View(5, 7, np.eye(2, 3)), *op.neutral, *rest)
        assert view[:2] == (5, 7)
        assert np.allclose(view.map, np.eye(2, 3))
        assert np.allclose(view.denominator, (0, 0, 1))
    else:
        picture = np.random.default_rng(1).random((5, 7, 3))
        assert np.allclose(op.reference(picture, *op.neutral, *rest), picture, atol=1e-6)


def emitting(op: str, *args: float) -> Transform:
    class Emitting(Transform):
        def lower(self, to: object) -> None:
            to.emit(op, *args)  # type: ignore[attr-defined]

    REGISTRY.pop("Emitting")
    return Emitting()


@pytest.mark.parametrize(
    ("op", "args", "says"),
    [
        ("rotat", (1.0,), "Emitting emits 'rotat', which is no instruction; did you mean rotate?"),
        ("cut", (0.0,), "Emitting emits 'cut', which is no instruction"),
        ("rotate", (), "Emitting emits 'rotate' with 0 arguments, but it has 1: angle degrees"),
        ("normalize", (1.0, 1.0), "Emitting emits 'normalize' with 2 arguments, but it has 6: mean* value, std* value"),
    ],
)
def test_what_a_transform_emits_is_checked(op: str, args: tuple[float, ...], says: str) -> None:
    with pytest.raises(PolicyError, match=f"^{re.escape(says)}$"):
        Policy([emitting(op, *args)]).program((9, 9, 3))
