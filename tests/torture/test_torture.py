"""A few rounds of each scenario; `make torture` runs many."""

from pathlib import Path

import pytest
from torture.faults import build_injector
from torture.scenarios import SCENARIOS, Scenario, play

pytestmark = pytest.mark.needs("injector")
ROUNDS = 3


@pytest.fixture(scope="session")
def injector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_injector(tmp_path_factory.mktemp("injector"))


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_all_claims_hold(scenario: Scenario, seed: int, injector: Path) -> None:
    play(scenario, seed, injector)
