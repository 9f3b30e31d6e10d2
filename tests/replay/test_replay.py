"""Programs are the same as their stored texts, and different programs have different texts."""

from pathlib import Path

import pytest
from replay.programs import ADDRESSES, FOLDER, POLICIES, texts

from vary.ops import OPS
from vary.plan.program import VERSION


@pytest.mark.parametrize(("path", "text"), list(texts()), ids=POLICIES)
def test_replay(path: Path, text: str) -> None:
    assert text == path.read_text(encoding="utf-8")
    assert text.count(f"vary program {VERSION}\n") == len(ADDRESSES)


def test_every_file_and_every_instruction_is_replayed() -> None:
    assert {path.name for path in FOLDER.glob("*.txt")} == {path.name for path, _ in texts()}
    seen = {line.split()[0] for _, text in texts() for line in text.splitlines() if line}
    assert {"cut", "call"} <= seen
    assert seen - {"#", "vary", "source", "sample"} <= {*OPS}


def test_programs_of_different_addresses_differ() -> None:
    for _, text in texts():
        programs = [part.partition("\n")[2].strip() for part in text.split("# ")[1:]]
        assert len(programs) == len(ADDRESSES)
        assert len(set(programs)) == len(ADDRESSES)
