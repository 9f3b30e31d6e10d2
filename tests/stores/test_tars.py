"""Tar files at URLs: the samples of the local ones, by ranges; an index is kept, and a changed tar is an error."""

import io
import tarfile
from pathlib import Path

import pytest
from stores.conftest import World
from stores.servers import request

import vary
from vary.errors import SourceError

pytestmark = pytest.mark.needs("store")

POLICY = vary.Policy([vary.Resize(16, 16), vary.Rotate(30)])


@pytest.fixture
def local(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two tar files, which the store has as well."""
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    paths = [Path(path) for path in vary.Folder(world.folder / "train").paths]
    found = []
    for shard in range(2):
        found.append(tmp_path / f"pets-{shard}.tar")
        with tarfile.open(found[-1], "w") as tar:
            for number in range(shard * 6, shard * 6 + 6):
                tar.add(paths[number], f"{number:03}{paths[number].suffix}")
                label = tarfile.TarInfo(f"{number:03}.cls")
                text = paths[number].relative_to(world.folder / "train").parts[0].encode()
                label.size = len(text)
                tar.addfile(label, io.BytesIO(text))
        request(world.s3, "PUT", f"/pets/tars/pets-{shard}.tar", found[-1].read_bytes())
    return found


def epoch(source: vary.WebDataset, **keywords: object) -> list[bytes]:
    stream = vary.stream(source, POLICY, batch_size=5, seed=3, **keywords)  # type: ignore[call-overload]
    return [batch.images.tobytes() + batch.labels.tobytes() for batch in stream]


@pytest.mark.parametrize("shards", ["pets-{0..1}.tar", "pets-*.tar"])
def test_tars_at_urls_give_the_local_batches(world: World, local: list[Path], shards: str) -> None:
    remote = vary.WebDataset(f"s3://pets/tars/{shards}", "cls", storage=world.storage())
    assert remote.classes == ["cat", "dog"]
    assert remote.path(0) == "s3://pets/tars/pets-0.tar/000.jpg"
    wanted = epoch(vary.WebDataset(local, "cls"))
    assert epoch(remote) == wanted
    assert epoch(remote, process=True) == wanted


def test_faults_are_tried_again(world: World, local: list[Path]) -> None:
    remote = vary.WebDataset("s3://pets/tars/pets-{0..1}.tar", "cls", storage=world.storage())
    world.script(["500", "truncate", "ok", "drop"])
    assert epoch(remote) == epoch(vary.WebDataset(local, "cls"))


def test_an_index_saves_reading_headers(world: World, local: list[Path]) -> None:
    def made() -> int:
        world.script([])
        vary.WebDataset("s3://pets/tars/pets-{0..1}.tar", "cls", storage=world.storage())
        return world.requests()

    assert made() > 0
    assert made() == 0  # but for its version, by HEAD
    assert len(local) == 2


def test_a_changed_tar(world: World, local: list[Path]) -> None:
    remote = vary.WebDataset("s3://pets/tars/pets-0.tar", "cls", storage=world.storage())
    request(world.s3, "PUT", "/pets/tars/pets-0.tar", local[1].read_bytes())
    with pytest.raises(SourceError, match=r"s3://pets/tars/pets-0\.tar.*has changed"):
        remote[3]


def test_no_such_tar(world: World) -> None:
    for shards in ("s3://pets/tars/none.tar", "s3://pets/tars/none-*.tar"):
        with pytest.raises(SourceError, match="none"):
            vary.WebDataset(shards, storage=world.storage())
