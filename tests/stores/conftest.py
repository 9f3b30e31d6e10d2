"""An S3 server and a fault proxy for each file of tests in this folder, and a data set on both sides."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from stores.servers import moto, request, served, upload

BUCKET = "pets"


class World(NamedTuple):
    folder: Path
    """The local files: train/cat, train/dog, table.csv."""
    s3: int
    proxy: int

    def storage(self, **options: object) -> dict[str, object]:
        """Through the proxy, without a cache of ranges, and with little patience."""
        base = {"endpoint": f"http://127.0.0.1:{self.proxy}", "access_key_id": "anAccessKey", "region": "us-east-1"}
        return {**base, "secret_access_key": "aSecretKey", "cache_bytes": 0, "timeout": 0.5, **options}

    def script(self, faults: object) -> None:
        """What the next requests of objects meet. Counting begins anew."""
        request(self.proxy, "PUT", "/-script", json.dumps(faults).encode())

    def requests(self) -> int:
        """How many requests of objects there were since."""
        return int(request(self.proxy, "GET", "/-count"))


@pytest.fixture(scope="module")  # not for the session: other tests count the children of this process
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("pets")
    draw = np.random.default_rng(0)
    rows = ["file,label"]
    for name in ("cat", "dog"):
        (folder / "train" / name / "deep er").mkdir(parents=True)
        for i in range(6):
            path = folder / "train" / name / ("deep er" if i == 3 else "") / f"ü {i}{'.png' if i == 2 else '.jpg'}"
            Image.fromarray(draw.integers(0, 256, (40 + i, 50, 3), dtype=np.uint8)).save(path)
            rows.append(f"{path.relative_to(folder).as_posix()},{name}")
        (folder / "train" / name / ".hidden.jpg").write_bytes(b"no picture")
    (folder / "train" / "notes.txt").write_text("no picture")
    (folder / "table.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "big.bin").write_bytes(draw.bytes(300_000))
    with moto() as s3, served(str(Path(__file__).with_name("proxy.py")), str(s3)) as proxy:
        upload(s3, BUCKET, folder)
        yield World(folder, s3, proxy)


@pytest.fixture
def world(_world: World) -> World:
    _world.script([])
    return _world
