"""`vary.ray` on a local cluster of several nodes, one of which is killed; and Ray Train on what it makes."""

import os
import re
import secrets
import sys
import tempfile
from functools import cache
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="vr")  # short: the paths of sockets have at most 107 characters
HOME = Path(FOLDER.name)
(HOME / "ray").mkdir()
(HOME / "token").write_text(secrets.token_hex(32), encoding="utf-8")
os.environ |= {
    "RAY_TMPDIR": str(HOME),
    "RAY_AUTH_TOKEN_PATH": str(HOME / "token"),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_TRAIN_V2_ENABLED": "1",
}

import numpy as np  # noqa: E402  Ray reads the environment
import psutil  # noqa: E402
import pytest  # noqa: E402
import ray  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

import vary  # noqa: E402

PHOTOS = Path(__file__).resolve().parents[4] / "shared" / "data" / "cats_dogs" / "train"
POLICY = vary.Policy([vary.Resize(64, 64), vary.Rotate(40), vary.HorizontalFlip(), vary.Rescale(1 / 255)])
ray.cloudpickle.register_pickle_by_value(sys.modules["child"])  # its name means nothing in Ray's processes


@cache
def cluster() -> Cluster:
    """A head that runs no tasks, and two nodes that do. Started once for all checks."""
    node = {"object_store_memory": 100 << 20}
    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "temp_dir": str(HOME / "ray"), **node},
    )
    for _ in range(2):
        made.add_node(num_cpus=2, **node)
    made.wait_for_nodes()
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    return made


def rows(dataset: "ray.data.Dataset") -> dict[int, dict[str, object]]:
    """The rows by index, each once."""
    found = dataset.take_all()
    made = {int(row["index"]): row for row in found}
    assert len(made) == len(found)
    return made


def check_the_bytes_of_one_machine() -> None:
    cluster()
    made = rows(vary.ray.augment(vary.ray.read(PHOTOS, blocks=7), POLICY, seed=7, epoch=2, batch_size=10))
    stream, source = vary.stream(PHOTOS, POLICY, seed=7), vary.Folder(PHOTOS)
    stream.set_epoch(2)
    count = 0
    for batch in stream:
        for index, image, label in zip(batch.indices.tolist(), batch.images, batch.labels, strict=True):
            assert np.array_equal(made[index]["image"], image)
            assert made[index]["label"] == label
            count += 1
    assert count == len(made) == len(source)
    one = vary.read_image(source.path(5))
    whole = vary.ray.augment(vary.ray.read(PHOTOS), POLICY, seed=7, epoch=2, full_decode=True).limit(6)
    assert np.array_equal(rows(whole)[5]["image"], POLICY(one, seed=7, epoch=2, index=5))


def check_arrays_and_other_columns() -> None:
    cluster()
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 256, (20, 12, 16, 3), dtype=np.uint8), np.arange(20) % 3
    policy = vary.Policy([vary.Rotate(30), vary.HorizontalFlip()])
    dataset = vary.ray.read((images, labels)).map(lambda row: row | {"name": str(row["index"])})
    for layout in ("NHWC", "NCHW"):
        made = rows(vary.ray.augment(dataset, policy, seed=3, layout=layout))
        for index in range(20):
            assert np.array_equal(made[index]["image"], policy(images[index], seed=3, index=index, layout=layout))
            assert (made[index]["label"], made[index]["name"]) == (labels[index], str(index))
    some = vary.ray.augment(dataset.filter(lambda row: row["index"] % 3 == 1), policy, seed=3, batch_size=2)
    assert rows(some).keys() == {*range(1, 20, 3)}
    renamed = dataset.rename_columns({"image": "x", "index": "n"})
    found = vary.ray.augment(renamed, policy, seed=3, image="x", index="n").take(1)[0]
    assert np.array_equal(found["x"], policy(images[found["n"]], seed=3, index=int(found["n"])))


def check_subsets_keep_their_numbers() -> None:
    cluster()
    source = vary.Folder(PHOTOS)[10:20]
    made = rows(vary.ray.augment(vary.ray.read(source), POLICY, seed=7))
    for batch in vary.stream(source, POLICY, seed=7):
        for index, image in zip(batch.indices.tolist(), batch.images, strict=True):
            assert np.array_equal(made[index]["image"], image)
    assert sorted(made) == list(range(10, 20))


def check_files_of_16_bits() -> None:
    cluster()
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        for number in range(3):
            levels = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30) * 100 + number
            Image.fromarray(levels).save(Path(folder, f"{number}.png"))
        source = vary.Folder(folder, dtype="uint16")
        policy = vary.Policy([vary.HorizontalFlip()])
        made = rows(vary.ray.augment(vary.ray.read(source), policy, seed=7))
        for batch in vary.stream(source, policy, seed=7):
            for index, image in zip(batch.indices.tolist(), batch.images, strict=True):
                assert image.max() > 255
                assert np.array_equal(made[index]["image"], image)


def check_sources_that_would_lose_something() -> None:
    cluster()
    images = np.zeros((4, 8, 8, 3), np.uint8)
    pairs = vary.Pairs(images, images[..., 0])
    for source, labels, says in (
        (pairs, None, "source has masks"),
        (pairs[1:3], None, "source has masks"),
        (images, {"index": [0, 1, 2, 3]}, "field 'index'"),
        (images, {"image": [0, 1, 2, 3]}, "field 'image'"),
        (images, {"labels": [0, 1, 2, 3], "label": [0, 1, 2, 3]}, "field 'label'"),
    ):
        with pytest.raises(vary.InputError, match=says):
            vary.ray.read(source, labels=labels)


def check_pictures_of_several_sizes() -> None:
    cluster()
    images = [np.full((10 + i, 12, 3), i, np.uint8) for i in range(9)]
    policy = vary.Policy([vary.HorizontalFlip()])
    made = rows(vary.ray.augment(vary.ray.read(images), policy, seed=1))
    for index, image in enumerate(images):
        assert np.array_equal(made[index]["image"], policy(image, seed=1, index=index))


def refused(dataset: "ray.data.Dataset", says: str, **options: object) -> None:
    with pytest.raises(Exception, match=says):  # Ray's error, which contains the text of ours
        vary.ray.augment(dataset, POLICY, seed=1, **options).materialize()


def check_errors_reach_the_user() -> None:
    cluster()
    good = Path(vary.Folder(PHOTOS).path(0)).read_bytes()
    numbers = ray.data.range(3, override_num_blocks=1)
    with pytest.raises(vary.InputError, match=r"no column 'image'.*vary\.ray\.read"):
        vary.ray.augment(numbers, POLICY, seed=1)
    refused(numbers.map(lambda row: {"image": good}), r"no column 'index'.*vary\.ray\.read\(source\)")
    refused(numbers.map(lambda row: {"image": good, "index": "one"}), "'index' is of .*string")
    refused(numbers.map(lambda row: {"image": good, "index": -1}), "numbers of samples begin with 0")
    refused(numbers.map(lambda row: {"image": 5, "index": row["id"]}), "'image' is of int64")
    refused(numbers.map(lambda row: {"image": good[:900], "index": row["id"] + 40}), "sample 4[0-2], of column 'image'")
    refused(numbers.map(lambda row: {"image": b"text", "index": row["id"] + 40}), "sample 4[0-2], of column 'image'")
    for cpus in ("x", -1, 0, True):
        with pytest.raises(vary.InputError, match="num_cpus="):
            vary.ray.read(PHOTOS, num_cpus=cpus)
        with pytest.raises(vary.InputError, match="num_cpus="):
            vary.ray.augment(vary.ray.read(PHOTOS), POLICY, seed=1, num_cpus=cpus)
    for wrong, says in (({"batch_size": 0}, "batch_size=0"), ({"channels": 2}, "channels=2"), ({"seed": -1}, "seed")):
        with pytest.raises(vary.InputError, match=says):
            vary.ray.augment(vary.ray.read(PHOTOS), POLICY, **{"seed": 1, **wrong})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "one.jpg")
        path.write_bytes(good)
        dataset = vary.ray.read(folder)
        path.unlink()
        with pytest.raises(Exception, match=r"one\.jpg"):
            dataset.materialize()


def check_ray_train_feeds_two_processes() -> None:
    cluster()
    import ray.train.torch
    import torch

    def train(config: dict[str, object]) -> None:
        model = ray.train.torch.prepare_model(torch.nn.Linear(64 * 64 * 3, 2))
        optimizer, seen = torch.optim.SGD(model.parameters(), 1e-3), []
        for batch in ray.train.get_dataset_shard("train").iter_torch_batches(batch_size=16):
            loss = torch.nn.functional.cross_entropy(model(batch["image"].flatten(1)), batch["label"].long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += batch["index"].tolist()
        rank = ray.train.get_context().get_world_rank()
        weights = next(model.parameters()).detach().sum().item()
        Path(config["folder"], f"{rank}").write_text(repr((seen, weights)), encoding="utf-8")

    dataset = vary.ray.augment(vary.ray.read(PHOTOS, blocks=8).limit(192), POLICY, seed=7)
    trainer = ray.train.torch.TorchTrainer(
        train,
        train_loop_config={"folder": str(HOME)},
        scaling_config=ray.train.ScalingConfig(num_workers=2),
        run_config=ray.train.RunConfig(storage_path=str(HOME / "runs")),
        datasets={"train": dataset},
    )
    trainer.fit()
    shards = [eval((HOME / f"{rank}").read_text(encoding="utf-8")) for rank in (0, 1)]
    first, second = (set(seen) for seen, _ in shards)
    assert len(shards[0][0]) + len(shards[1][0]) == 192 == len(first | second)
    assert shards[0][1] == shards[1][1]


def check_the_page() -> None:
    """The example of docs/scale.md, which has this cluster for Ray's."""
    cluster()
    text = (Path(__file__).resolve().parents[3] / "docs" / "scale.md").read_text(encoding="utf-8")
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("cats_dogs").symlink_to(PHOTOS.parent)
        (code,) = re.findall(r"(?ms)^```python needs=ray_cluster\n(.*?)^```$", text)
        namespace = {}
        exec(code, namespace)
        os.chdir(before)
    assert namespace["images"].shape[1:] == (150, 150, 3)


def check_a_node_is_killed() -> None:
    """Nothing is lost, doubled or changed. The last check but one: the cluster has one node less after it."""
    nodes = cluster()
    dataset = vary.ray.augment(vary.ray.read(PHOTOS, blocks=49), POLICY, seed=7, batch_size=4)
    made = {}
    for number, batch in enumerate(dataset.iter_batches(batch_size=4, prefetch_batches=0)):
        if number == 3:
            nodes.remove_node(max(nodes.worker_nodes, key=lambda node: node.unique_id), allow_graceful=False)
        for index, image in zip(batch["index"].tolist(), batch["image"], strict=True):
            assert index not in made
            made[index] = image.copy()
    expected = {
        index: image
        for batch in vary.stream(PHOTOS, POLICY, seed=7)
        for index, image in zip(batch.indices.tolist(), batch.images, strict=True)
    }
    assert made.keys() == expected.keys()
    assert all(np.array_equal(image, expected[index]) for index, image in made.items())


def check_nothing_is_left_running() -> None:
    started = psutil.Process().children(recursive=True)
    assert started
    ray.shutdown()
    cluster().shutdown()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    FOLDER.cleanup()
