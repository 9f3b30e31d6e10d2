"""`stream.as_torch()` in DataLoaders with workers: the stream alone counts epochs, whatever loaders go over it."""

import copy
import sys
import tempfile
import threading
import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.data import ChainDataset, DataLoader, Dataset, IterableDataset
from torchdata.stateful_dataloader import StatefulDataLoader

sys.path.insert(0, str(Path(__file__).parent))
from epochs import claim_shares, expected, labels, stream, together as processes

import vary

WHOLE = expected(8)


def loader_of(dataset: IterableDataset, lives: bool = False, method: str = "fork", **options: object) -> DataLoader:
    return DataLoader(
        dataset, batch_size=None, num_workers=2, persistent_workers=lives, multiprocessing_context=method, **options
    )


def numbers(passes: list[list[list[int]]]) -> list[object]:
    """The epoch that each pass is; the pass itself if it is none."""
    return [WHOLE.index(one) if one in WHOLE else one for one in passes]


def check_a_chosen_epoch_comes_next() -> None:
    other = stream()
    other.set_epoch(6)
    left = iter(other)
    next(left)
    state = left.state_dict()
    for lives, method in ((False, "fork"), (True, "fork"), (True, "spawn")):
        one = stream()
        loader = loader_of(one.as_torch(), lives, method)
        passes = [labels(loader)]
        one.set_epoch(5)
        passes += [labels(loader), labels(loader)]
        one.load_state_dict(state)
        passes += [WHOLE[6][:1] + labels(loader), labels(loader)]
        one.set_epoch(0)  # back again
        passes += [labels(loader)]
        assert numbers(passes) == [0, 5, 6, 6, 7, 0], (lives, method)


def check_loaders_of_a_stream_take_turns() -> None:
    for lives in (False, True):
        one = stream()
        dataset = one.as_torch()
        a, b, c = loader_of(dataset, lives), loader_of(one.as_torch(), lives), loader_of(dataset, lives)
        assert numbers([labels(turn) for turn in (a, b, a, one, c, dataset, b, a)]) == [*range(8)], lives


def check_the_next_epoch_is_known_at_once() -> None:
    for lives in (False, True):
        dataset = stream().as_torch()
        loader = loader_of(dataset, lives)
        for epoch in range(3):
            left = iter(loader)
            assert dataset.epoch == dataset.stream.epoch == epoch + 1
            assert labels(left) == WHOLE[epoch]


def check_a_pass_that_began_stays_what_it_is() -> None:
    for lives, method in ((False, "fork"), (True, "fork"), (True, "spawn")):
        one = stream()
        loader = loader_of(one.as_torch(), lives, method)
        passes = []
        for epoch in (5, 3, 1):
            left = iter(loader)
            one.set_epoch(epoch)
            passes.append(labels(left))
        assert numbers([*passes, labels(loader)]) == [0, 5, 3, 1], (lives, method)


def check_passes_that_are_left_early() -> None:
    loader = loader_of(stream().as_torch(), lives=True)
    for _ in range(5):
        for _ in loader:
            break
    assert numbers([labels(loader)]) == [5]


def check_threads_with_a_loader_each() -> None:
    for _ in range(3):
        streams = [stream(), stream()]
        passes: list[list] = [[], []]
        start = threading.Barrier(2)

        def run(number: int, streams=streams, passes=passes, start=start) -> None:
            loader = loader_of(streams[number].as_torch())
            start.wait()
            for _ in range(3):
                passes[number].append(labels(loader))

        together(run)
        assert [numbers(one) for one in passes] == [[0, 1, 2]] * 2
    one, passes = stream(), []
    dataset, start = one.as_torch(), threading.Barrier(2)

    def share(number: int) -> None:  # noqa: ARG001
        loader = loader_of(dataset)
        start.wait()
        for _ in range(3):
            passes.append(labels(loader))

    together(share)
    assert sorted(numbers(passes), key=str) == [*range(6)]


def together(run) -> None:
    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def check_threads_share_an_iterator() -> None:
    for _ in range(5):
        one = stream()
        left, start, found = iter(one.as_torch()), threading.Barrier(4), []

        def take(left=left, start=start, found=found) -> None:
            start.wait()
            found.extend(labels(left))

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == sorted(WHOLE[0])
        assert one.epoch == 1


class Again(IterableDataset):
    """Goes over its dataset twice in a pass, and has it where it may be."""

    def __init__(self, dataset: IterableDataset) -> None:
        self.parts = {"train": [(dataset,)]}

    def __iter__(self):
        for _ in range(2):
            yield from self.parts["train"][0][0]


def check_datasets_that_hold_the_stream() -> None:
    for lives in (False, True):
        loader = loader_of(Again(stream().as_torch()), lives)
        passes = [sorted(labels(loader)) for _ in range(2)]
        assert passes == [sorted(WHOLE[0] + WHOLE[1]), sorted(WHOLE[2] + WHOLE[3])], lives
        for method in ("fork", "spawn"):
            one = stream()
            chain = loader_of(ChainDataset([one.as_torch(), one.as_torch()]), lives, method)
            passes = [sorted(labels(chain)) for _ in range(2)]
            assert passes == [sorted(WHOLE[0] + WHOLE[1]), sorted(WHOLE[2] + WHOLE[3])], (lives, method)


class Counted:
    """Counts how often an attribute of its kind is asked for."""

    __slots__, asked = (), 0

    @property
    def __dict__(self):
        Counted.asked += 1
        return {}


class Names(Dataset):
    def __init__(self, count: int) -> None:
        self.names = [Counted() for _ in range(count)]
        self.parts = {"all": self.names}

    def __len__(self) -> int:
        return 2

    def __getitem__(self, number: int) -> int:
        return number


class Made(IterableDataset):
    def __iter__(self):
        return iter(stream().as_torch())


def check_long_lists_of_others_are_not_searched() -> None:
    held = stream().as_torch()
    assert len(list(DataLoader(Names(100_000), num_workers=1))) == 2
    assert Counted.asked <= 1000
    assert labels(held) == WHOLE[0]


def check_a_stream_that_is_made_in_a_worker() -> None:
    loader = loader_of(Made())
    with pytest.raises(vary.InputError, match="before the loader, not in a worker"):
        next(iter(loader))
    assert labels(DataLoader(Made(), batch_size=None)) == WHOLE[0]


class Samples(IterableDataset):
    def __init__(self, dataset: IterableDataset) -> None:
        self.dataset = dataset

    def __iter__(self):
        for batch in self.dataset:
            yield from batch.labels


def check_batches_of_batches_through_a_wrapper() -> None:
    for workers in (0, 1):
        for kind in (DataLoader, StatefulDataLoader):
            loader = kind(ChainDataset([stream().as_torch()]), batch_size=2, num_workers=workers)
            with pytest.raises(vary.InputError, match="batch_size=None"):
                next(iter(loader))
    found = DataLoader(Samples(stream().as_torch()), batch_size=8)  # samples: it may
    assert torch.cat(list(found)).tolist() == [label for batch in WHOLE[0] for label in batch]


def check_a_copy_without_its_original() -> None:
    for method in ("fork", "spawn"):
        original = stream().as_torch()
        copied = copy.copy(original)
        del original
        loader = loader_of(copied, True, method)
        assert numbers([labels(loader) for _ in range(2)]) == [0, 1]


def broken(folder: Path, count: int, **options: object) -> vary.Stream:
    """A stream of 12 pictures, of which the first ones are no pictures."""
    for number in range(12):
        path = folder / f"{number:02}.png"
        Image.new("RGB", (16, 12), (number, 0, 0)).save(path)
        if number < count:
            path.write_bytes(b"no picture")
    policy = vary.Policy([vary.HorizontalFlip()])
    files = vary.Files(sorted(folder.glob("*.png")), list(range(12)))
    return vary.stream(files, policy, batch_size=2, seed=1, **options)


def check_what_workers_cannot_do_with_broken_files() -> None:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for count, options, says, mixes, kind in (  # few: torch waits 5 s for a worker that has failed at once
            (12, {"on_error": "skip"}, "replace", False, DataLoader),
            (3, {"on_error": "skip", "max_errors": 1}, "replace", True, StatefulDataLoader),
            (3, {"on_error": "replace", "max_errors": 1}, "no max_errors=", False, DataLoader),
        ):
            one = broken(Path(folder), count, **options)
            made = vary.mix([one, one]) if mixes else one
            with pytest.raises(vary.InputError, match=f"workers of a DataLoader.*take .*{says}.*num_workers=0"):
                list(kind(made.as_torch(), batch_size=None, num_workers=1))
        one = broken(Path(folder), 3, on_error="replace")
        passes = [[images.tolist() for images, _ in loader_of(one.as_torch())]]
        one.set_epoch(0)
        assert passes == [[batch.images.tolist() for batch in one.as_torch()]]


PREPARED = """
import os
import sys
from accelerate import Accelerator
from torch.utils.data import DataLoader
import vary
from epochs import stream
if __name__ == "__main__":
    rank, ranks, port = sys.argv[1:]
    os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=ranks, MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    accelerator = Accelerator(cpu=True)
    assert accelerator.num_processes == int(ranks)
    for workers in (0, 1):
        loader = accelerator.prepare(DataLoader(stream().as_torch(), batch_size=None, num_workers=workers))
        try:
            next(iter(loader))
        except vary.InputError as error:
            assert "never the data" in str(error)
        else:
            raise AssertionError("not refused")
    for batch in stream().as_torch():
        print(*batch.labels.tolist(), flush=True)
    accelerator.wait_for_everyone()
    accelerator.end_training()
"""


def check_data_that_accelerate_would_divide() -> None:
    claim_shares(processes(PREPARED), WHOLE[:1])
