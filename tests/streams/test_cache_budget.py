"""The caches of a process together take a quarter of the memory that is free, however it is counted."""

import gc
import multiprocessing
import os
import pickle
import resource
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streams.cache_child import file

from vary.policy import Policy
from vary.streams import mix, stream
from vary.streams.cache import budget as module
from vary.streams.cache.budget import Budget, fair_shares, free_memory, local_processes
from vary.streams.cache.memory import Memory

MB = 1 << 20


class Tree:
    """A /proc and a /sys/fs/cgroup."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.groups = folder / "proc", folder / "cgroup"
        self.write(self.proc / "meminfo", f"MemTotal: 99999999 kB\nMemFree: 1 kB\nMemAvailable:   {8000 << 10} kB\n")

    def write(self, path: Path, text: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def inside(self, *lines: str) -> None:
        self.write(self.proc / "self" / "cgroup", "\n".join(lines))

    def v2(self, group: str, most: object, used: int, stat: str = "", **more: object) -> None:
        for name, value in {"memory.max": most, "memory.current": used << 20, "memory.stat": stat, **more}.items():
            self.write(self.groups / group / name, value)

    def v1(self, group: str, most: int, used: int, stat: str = "") -> None:
        parts = {"limit_in_bytes": most, "usage_in_bytes": used << 20, "stat": stat}
        for name, value in parts.items():
            self.write(self.groups / "memory" / group / f"memory.{name}", value)

    @property
    def free(self) -> float:
        """MB."""
        return free_memory(self.proc, self.groups) / MB


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_free_memory_of_the_system(tree: Tree) -> None:
    assert tree.free == 8000
    tree.write(tree.proc / "meminfo", "nothing")
    assert tree.free == 4096
    (tree.proc / "meminfo").unlink()
    assert tree.free == 4096


@pytest.mark.parametrize("group", ["slurm/job_1/step_0", "slurm/job_1", "slurm", ""])
def test_a_limit_at_any_level(tree: Tree, group: str) -> None:
    """Of version 2, also beside version 1 under /sys/fs/cgroup/unified; and of version 1."""
    for number, (line, put, where) in enumerate(
        (("0::{}", tree.v2, ""), ("0::{}", tree.v2, "unified/"), ("4:cpu,memory:{}", tree.v1, ""))
    ):
        tree.groups = tree.groups.with_name(f"cgroup{number}")
        tree.inside("9:name=systemd:/elsewhere", line.format("/slurm/job_1/step_0"))
        put(f"{where}slurm/job_1/step_0", 9000 * MB, 0)
        put(f"{where}{group}", 64 * MB, 10)
        assert tree.free == 54
        put(f"{where}{group}", 64 * MB, 70)
        assert tree.free == 0


def test_the_least_of_nested_limits_counts(tree: Tree) -> None:
    tree.inside("0::/a/b/c")
    tree.v2("a/b/c", "max", 5)
    tree.v2("a/b", 500 * MB, 100)
    tree.v2("a", 450 * MB, 200)
    assert tree.free == 250
    tree.v2("a", "max", 200)
    assert tree.free == 400
    tree.v2("a/b/c", "max", 20, **{"memory.high": 100 * MB})
    assert tree.free == 80
    tree.v2("a/b/c", 30 * MB, 20, **{"memory.high": "max"})
    assert tree.free == 10


def test_groups_that_cannot_be_seen(tree: Tree) -> None:
    """In a container /proc may name the host's groups, while only the own one is mounted, at the root."""
    for line in ("0::/docker/0123abcd", "0::/../../sibling", "0::/", "7:memory:/docker/0123abcd", "7:memory:/"):
        tree.groups = tree.groups.with_name(f"{tree.groups.name}x")
        tree.inside(line)
        assert tree.free == 8000
        (tree.v1 if "memory" in line else tree.v2)("", 300 * MB, 100)
        assert tree.free == 200


def test_page_cache_is_free(tree: Tree) -> None:
    cached = (
        f"anon {500 * MB}\nfile {7600 * MB}\ninactive_file {5000 * MB}\nactive_file {100 * MB}\nslab_reclaimable {MB}"
    )
    tree.inside("0::/")
    tree.v2("", 6000 * MB, 5990, cached)
    assert tree.free == 10 + 5101
    tree.v2("", 6000 * MB, 5000, cached)
    assert tree.free == 6000, "the statistics are as of another moment: never more than the limit"
    tree.inside("3:memory:/")
    tree.v1("", 6000 * MB, 5990, f"cache 9\ninactive_file 7\ntotal_inactive_file {4000 * MB}\ntotal_active_file {MB}")
    assert tree.free == 10 + 4001


def test_unexpected_content_of_proc(tree: Tree) -> None:
    tree.write(tree.proc / "self" / "cgroup", "nonsense\n0::/a\n:::\n")
    for most in ("", "many", "-1", "9" * 30):
        tree.v2("a", most, 5, "inactive_file\nactive_file x y\n\n")
        assert tree.free == 8000
    tree.v2("a", 100 * MB, 5)
    (tree.groups / "a" / "memory.current").unlink()
    (tree.groups / "a" / "memory.stat").unlink()
    assert tree.free == 100


def test_what_ulimit_leaves(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write(tree.proc / "self" / "statm", "1000 500 100 1 0 200 0")
    limits = {resource.RLIMIT_AS: resource.RLIM_INFINITY, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], limits[kind]))
    assert tree.free == 8000
    limits[resource.RLIMIT_AS] = 1000 * MB
    assert tree.free == 1000 - 1000 * resource.getpagesize() / MB
    limits[resource.RLIMIT_DATA] = 100 * MB
    assert tree.free == 100 - 200 * resource.getpagesize() / MB


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_on_this_machine() -> None:
    lines = Path("/proc/meminfo").read_text().splitlines()
    total = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemTotal"))
    assert 0 < free_memory() < total


@pytest.mark.parametrize(
    ("total", "demands", "shares"),
    [
        (100, [], []),
        (100, [0], [100]),
        (100, [400], [100]),
        (100, [10], [100]),
        (100, [10, 20], [45, 55]),
        (100, [90, 90], [50, 50]),
        (100, [90, 10], [90, 10]),
        (100, [90, 0, 30], [70, 0, 30]),
        (90, [50, 50, 10], [40, 40, 10]),
        (0, [5, 0], [0, 0]),
    ],
)
def test_fair_shares(total: int, demands: list[int], shares: list[int]) -> None:
    assert fair_shares(total, demands) == shares


def test_shares_are_fair_whatever_is_demanded() -> None:
    """All together within the total; nobody who wants more gets less than who wants less, and no demand goes unmet
    while somebody has more than he demands."""
    random = np.random.default_rng(1)
    for _ in range(500):
        total = int(random.integers(0, 1000))
        demands = [int(one) for one in random.integers(0, 600, random.integers(1, 8))]
        shares = fair_shares(total, demands)
        assert total - len(shares) < sum(shares) <= total
        met = [share >= demand for share, demand in zip(shares, demands, strict=True)]
        for one, other in zip(shares, met, strict=True):
            assert other or one >= max(shares) - 1


class Machine:
    """What a budget sees, in place of the machine."""

    free, processes, measured = 4000, 1, 0

    def measure(self) -> int:
        self.measured += 1
        return self.free

    def fill(self, store: Memory, *numbers: int) -> int:
        """Bytes that were kept, of so many blocks of 100; they are no longer free."""
        before = store.held
        for number in numbers:
            store.put(file(number), 1, np.zeros(100, np.uint8))
        self.free -= store.held - before
        return store.held - before


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(module, "free_memory", found.measure)
    monkeypatch.setattr(module, "local_processes", lambda: found.processes)
    monkeypatch.setattr(module, "FRESH", 0.0)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    return found


def test_a_quarter_of_what_is_free(machine: Machine) -> None:
    store = Memory(budget=Budget())
    assert store.limit == 1000
    machine.free = 8000
    assert store.limit == 2000
    machine.free = 0
    assert store.limit == 0


def test_the_limit_does_not_shrink_while_a_cache_fills(machine: Machine) -> None:
    store = Memory(budget=Budget())
    for number in range(30):
        assert store.limit == 1000
        machine.fill(store, number)
    assert (store.held, machine.free) == (1000, 3000)


def test_a_cache_over_its_limit_keeps_its_blocks(machine: Machine) -> None:
    store = Memory(budget=Budget())
    assert machine.fill(store, *range(8)) == 800
    machine.free = 0
    assert store.limit == 800
    assert machine.fill(store, 9) == 0
    assert store.get(file(3), 1) is not None


def test_caches_of_a_process_share(machine: Machine) -> None:
    budget = Budget()
    stores = [Memory(demand=900, budget=budget) for _ in range(4)]
    assert [store.limit for store in stores] == [250] * 4
    assert [machine.fill(store, *range(10)) for store in stores] == [200] * 4
    del stores[2:]
    gc.collect()
    machine.free = 3600
    assert [store.limit for store in stores] == [500] * 2


def test_a_small_demand_leaves_the_rest_to_others(machine: Machine) -> None:
    budget = Budget()
    large, small = Memory(demand=5000, budget=budget), Memory(demand=100, budget=budget)
    assert (large.limit, small.limit) == (900, 100)
    silent = Memory(budget=budget)
    assert (large.limit, small.limit, silent.limit) == (900, 100, 0)
    lone = Memory(demand=10, budget=Budget())
    assert lone.limit == 1000, "a demand is an estimate"
    assert machine.free == 4000


def test_a_later_cache_gets_the_rest(machine: Machine) -> None:
    """Nothing is thrown out for it, and together they stay within the budget."""
    budget = Budget()
    first = Memory(demand=700, budget=budget)
    assert machine.fill(first, *range(8)) == 800
    late = Memory(demand=700, budget=budget)
    assert (first.limit, late.limit) == (800, 200)
    assert machine.fill(late, *range(8)) == 200
    assert machine.fill(first, *range(10)) == 0


def test_a_users_own_limit_counts_against_the_others(machine: Machine) -> None:
    budget = Budget()
    own, other = Memory(800, demand=600, budget=budget), Memory(demand=10**9, budget=budget)
    assert (own.limit, other.limit) == (800, 400), "what it will need of its limit"
    assert machine.fill(own, *range(9)) == 800
    assert other.limit == 200
    huge = Memory(10**15, demand=50, budget=budget)
    assert (huge.limit, other.limit) == (10**15, 150)
    assert machine.fill(huge, *range(20)) == 2000, "it is the user's word"
    assert other.limit == 0


def test_processes_and_ranks_share(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.processes = 5
    store = Memory(budget=Budget())
    assert store.limit == 200
    ranked = Memory(ranks=2, budget=Budget())
    assert ranked.limit == 100
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")  # of them on this machine
    assert (store.limit, ranked.limit) == (50, 50)
    for odd in ("0", "", "many"):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", odd)
        assert ranked.limit == 100


def test_memory_is_not_measured_at_every_block(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH", 1e9)
    store = Memory(budget=Budget())
    machine.fill(store, *range(100))
    assert (machine.measured, store.held) == (1, 1000)
    machine.free = 7000
    assert store.limit == 2000, "but whenever somebody asks"


def limits(data: bytes, pipe: Any) -> None:
    pipe.send(pickle.loads(data).report().cache_limit)
    pipe.recv()  # all live until all have answered


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_workers_of_multiprocessing_share(folder: Path, policy: Policy) -> None:
    data = pickle.dumps(stream(folder, policy, cache="memory"))
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(3)]
    workers = [context.Process(target=limits, args=(data, there)) for _, there in pipes]
    for worker in workers:
        worker.start()
    found = [here.recv() for here, _ in pipes]
    for here, _ in pipes:
        here.send(None)
    for worker in workers:
        worker.join()
    assert all(0 < one <= free_memory() / 4 / 2 for one in found)
    assert sum(found) <= 1.2 * free_memory() / 4


def test_workers_of_torch_share(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = types.SimpleNamespace(get_worker_info=lambda: None)
    monkeypatch.setitem(sys.modules, "torch.utils.data", torch)
    assert local_processes() == 1
    torch.get_worker_info = lambda: types.SimpleNamespace(num_workers=6)
    assert local_processes() == 6


def test_the_children_of_a_parent_are_counted(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    children = tree.proc / str(os.getppid()) / "task"
    tree.write(children / "1" / "children", "10 11 12 ")
    tree.write(children / "2" / "children", "13 ")
    assert local_processes(tree.proc) == 1, "a parent of whatever else"
    monkeypatch.setattr(module, "_started_by_vary", True)
    assert local_processes(tree.proc) == 4
    assert local_processes(tree.proc / "nothing") == 1


def test_the_process_of_vary_knows_that_it_is_one() -> None:
    code = "from vary.streams.cache import budget; budget.started_by_vary(); print(budget.local_processes())"
    several = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2)]
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        assert int(done.stdout) >= (3 if sys.platform == "linux" else 1)
    finally:
        for one in several:
            one.communicate(b"\n")


def test_reports_have_the_limit(folder: Path, policy: Policy, machine: Machine) -> None:
    machine.free = 400_000_000
    made = [stream(folder, policy, cache="memory") for _ in range(8)]
    several = [one.report().cache_limit for one in made]  # before an epoch
    copies = [pickle.loads(pickle.dumps(made[0])) for _ in range(8)]
    more = [one.report().cache_limit for one in copies]
    assert several[0] == pytest.approx(12_500_000, rel=0.02), "those that were not asked yet count as well"
    assert sum(several) + sum(more) < 200_000_000
    assert sum(one.report().cache_limit for one in made + copies) <= 100_000_000
    assert mix(made[:3]).report().cache_limit == sum(one.report().cache_limit for one in made[:3])
    assert stream(folder, policy, cache=None).report().cache_limit == 0
    assert stream(folder, policy, cache_bytes=10).report().cache_limit == 0
    assert stream(folder, policy, cache="memory", cache_bytes=12345).report().cache_limit == 12345


def test_an_automatic_cache_knows_its_share(folder: Path, policy: Policy, machine: Machine) -> None:
    one = stream(folder, policy, cache="memory", cache_bytes=10**9)
    assert one.report().cache_limit == 10**9
    assert one._store is not None
    needed = one._store.demand  # type: ignore[attr-defined]
    del one
    gc.collect()
    machine.free = 10 * needed  # for two, and a half
    train = [stream(folder, policy) for _ in range(3)]
    assert [found.report().cache for found in train][:2] == ["in memory"] * 2
    assert train[2].report().cache.startswith("none: all files would take about")
