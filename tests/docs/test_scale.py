"""The tables of docs/scale.md are what tools/scale.py computes, and the orders are as well mixed as it says."""

import runpy

import pytest
from docs.pages import ROOT

SCALE = runpy.run_path(str(ROOT / "tools" / "scale.py"))
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("table", ["costs", "qualities"])
def test_the_tables_are_computed(table: str) -> None:
    rows = SCALE[table]()
    first = PAGE.index(rows[0])
    assert PAGE[first : first + len(rows) + 1] == [*rows, ""]


def test_without_blocks_a_batch_is_as_mixed_as_independent_draws() -> None:
    classes, batch = SCALE["CLASSES"], SCALE["BATCH"]
    expected = classes * (1 - (1 - 1 / classes) ** batch)
    for n in (10**6, 10**9):
        assert SCALE["mixing"](n, None, True, batch)[0] == pytest.approx(expected, rel=0.02)


def test_blocks_of_sorted_samples_leave_a_batch_few_classes() -> None:
    assert SCALE["mixing"](10**9, 1000, True, 256)[0] < 20
    assert SCALE["mixing"](10**9, 1000, False, 256)[0] > 200
