"""A policy inside torch's datasets, torchvision's Compose, Grain, Hugging Face's datasets, Lightning and Accelerate."""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).parent))
from torchvision_cpu import define_operators

import vary

PHOTOS = Path(__file__).resolve().parents[4] / "shared" / "data" / "cats_dogs" / "train"
GEOMETRY = vary.Policy([vary.Rotate(30), vary.HorizontalFlip(), vary.Zoom((0.8, 1.2))])
DRAW = np.random.default_rng(0)
ARRAY = DRAW.integers(0, 256, (40, 50, 3), dtype=np.uint8)
DTYPES = (torch.uint8, torch.uint16, torch.int16, torch.float16, torch.float32)


def first(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous()


def last(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.permute(1, 2, 0).contiguous().permute(2, 0, 1)


def spied(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(address of the picture that the core reads, of the array that it writes), of each request from now on."""
    from vary.plan.runner import Runner

    seen, batch = [], Runner.batch

    def spy(self, request):
        result = batch(self, request)
        one = request.inputs[0]
        read = one.array if isinstance(one, tuple) else one[0]
        seen.append((read.__array_interface__["data"][0], result.arrays[0].__array_interface__["data"][0]))
        return result

    monkeypatch.setattr(Runner, "batch", spy)
    return seen


def check_tensors_are_the_arrays_of_the_same_memory() -> None:
    for dtype in DTYPES:
        for channels in (1, 3, 4, 7):
            for form in (first, last):
                pixels = DRAW.integers(0, 2, (20, 30, channels)).astype(str(dtype).removeprefix("torch."))
                given = form(torch.from_numpy(pixels).permute(2, 0, 1))
                with pytest.MonkeyPatch.context() as patch:
                    seen = spied(patch)
                    made = GEOMETRY(given, seed=5, index=3)
                assert seen[0] == (given.data_ptr(), made.data_ptr())  # another request may look for mistakes of values
                assert made.dtype == dtype
                assert made.shape == given.shape
                assert channels == 1 or made.stride() == given.stride()
                assert np.array_equal(made.permute(1, 2, 0).numpy(), GEOMETRY(pixels, seed=5, index=3))


def check_batches_of_tensors() -> None:
    batch = torch.from_numpy(DRAW.integers(0, 256, (4, 3, 20, 30), dtype=np.uint8))
    masks = torch.from_numpy(DRAW.integers(0, 5, (4, 20, 30)))
    arrays = batch.permute(0, 2, 3, 1).numpy()
    expected = GEOMETRY.batch(arrays, seed=1, masks=masks.numpy())
    for given in (batch, batch.to(memory_format=torch.channels_last)):
        with pytest.MonkeyPatch.context() as patch:
            seen = spied(patch)
            made = GEOMETRY.batch(given, seed=1)
        assert seen[0] == (given.data_ptr(), made.data_ptr())
        assert made.stride() == given.stride()
        out = torch.empty_like(given)
        assert GEOMETRY.batch(given, seed=1, out=out) is out
        for moved, forms in ((masks, masks), (masks[:, None], masks[:, None]), (list(masks), masks)):
            sample = GEOMETRY.batch(given, seed=1, masks=moved)
            assert sample.masks.shape == forms.shape
            assert np.array_equal(sample.masks.reshape(masks.shape), expected.masks)
            for found in (made, out, sample.images, GEOMETRY.batch(list(given), seed=1)):
                assert np.array_equal(found.permute(0, 2, 3, 1), expected.images)


def check_masks_of_tensors() -> None:
    mask = torch.from_numpy(DRAW.integers(0, 5, (40, 50)))
    expected = GEOMETRY(image=ARRAY, mask=mask.numpy(), seed=2)
    for form in (first, last):
        image = form(torch.from_numpy(ARRAY).permute(2, 0, 1))
        for given in (mask, mask[None], mask.bool(), mask.to(torch.uint8)[None]):
            sample = GEOMETRY(image=image, mask=given, seed=2)
            assert (sample.mask.shape, sample.mask.dtype) == (given.shape, given.dtype)
            wanted = torch.from_numpy(expected.mask).to(given.dtype)
            assert torch.equal(sample.mask.reshape(40, 50), wanted)
            assert np.array_equal(sample.image.permute(1, 2, 0), expected.image)


def check_tensors_that_cannot_be_varied() -> None:
    image = torch.from_numpy(ARRAY).permute(2, 0, 1)
    batch, mask = image[None], torch.zeros(40, 50, dtype=torch.int64)
    cases = [
        (lambda: GEOMETRY(image.float().requires_grad_()), r"image requires a gradient.*image\.detach\(\)"),
        (lambda: GEOMETRY(image.to("meta")), r"image is on meta.*image\.cpu\(\)"),
        (lambda: GEOMETRY.batch(batch.to("meta")), r"images is on meta.*images\.cpu\(\)"),
        (lambda: GEOMETRY(image.double()), r"torch\.float64.*image\.float\(\)"),
        (lambda: GEOMETRY(image.bfloat16()), r"torch\.bfloat16.*image\.float\(\)"),
        (lambda: GEOMETRY(image.long()), r"torch\.int64.*image\.to\(torch\.uint8\)"),
        (lambda: GEOMETRY(image.bool()), r"torch\.bool.*\* 255"),
        (lambda: GEOMETRY(image.to_sparse()), "to_dense"),
        (lambda: GEOMETRY(torch.from_numpy(ARRAY)), r"looks like \(H, W, C\).*permute\(2, 0, 1\)"),
        (lambda: GEOMETRY(batch), r"policy\.batch\(images\)"),
        (lambda: GEOMETRY.batch(image), r"images\[None\]"),
        (lambda: GEOMETRY.batch([image, ARRAY]), "tensors and other things"),
        (lambda: GEOMETRY.batch(batch[:0]), "images is empty"),
        (lambda: GEOMETRY(image=image, mask=mask.float()), r"mask is torch\.float32.*mask\.to\(torch\.uint8\)"),
        (lambda: GEOMETRY(image=image, mask=image), r"mask\.argmax\(0\)"),
        (lambda: GEOMETRY(image=image, mask=mask[:20]), "height and width must be the same"),
        (lambda: GEOMETRY.batch(batch, out=torch.empty(1, 3, 40, 50, dtype=torch.float32)), "this call writes uint8"),
    ]
    for call, says in cases:
        with pytest.raises(vary.InputError, match=says):
            call()


class Photos(Dataset):
    """An ordinary dataset: the policy is its `transform`."""

    def __init__(self, policy) -> None:
        self.source, self.policy = vary.Folder(PHOTOS), policy

    def __len__(self) -> int:
        return 24

    def __getitem__(self, index: int):
        pixels = vary.read_image(self.source.path(index))
        return self.policy(torch.from_numpy(pixels).permute(2, 0, 1)), index % 2


def check_a_dataset_of_torch() -> None:
    policy = vary.Policy([vary.Resize(32, 32), vary.Rotate(20), vary.Rescale(1 / 255)])
    epochs = [
        torch.cat([images for images, _ in DataLoader(Photos(policy), batch_size=6, num_workers=workers)])
        for workers in (0, 2, 2)
    ]
    assert all(images.shape == (24, 3, 32, 32) for images in epochs)
    assert not any(torch.equal(one, other) for one, other in ((epochs[0], epochs[1]), (epochs[1], epochs[2])))


def elements() -> list[dict[str, object]]:
    return [{"image": ARRAY + np.uint8(i), "mask": ARRAY[..., 0] > 9, "name": str(i)} for i in range(6)]


def check_grain() -> None:
    import grain

    transform = GEOMETRY.as_grain(mask="mask")
    dataset = grain.MapDataset.source(elements()).seed(3).random_map(transform)
    made, again = list(dataset), list(dataset)
    for given, one, other in zip(elements(), made, again, strict=True):
        assert one["name"] == given["name"]
        assert np.array_equal(one["image"], other["image"])
        assert not np.array_equal(one["image"], given["image"])
    draws = np.random.default_rng(4), np.random.default_rng(4)
    assert np.array_equal(
        GEOMETRY.as_grain().random_map(ARRAY, draws[0]), GEOMETRY(ARRAY, seed=int(draws[1].integers(1 << 63)))
    )
    copied = pickle.loads(pickle.dumps(transform)).random_map(elements()[0], np.random.default_rng(1))
    assert np.array_equal(copied["image"], transform.random_map(elements()[0], np.random.default_rng(1))["image"])
    for value in (Image.fromarray(ARRAY), torch.from_numpy(ARRAY).permute(2, 0, 1)):
        found = GEOMETRY.as_grain().random_map({"image": value}, np.random.default_rng(4))["image"]
        shape = (3, 40, 50) if isinstance(value, torch.Tensor) else ARRAY.shape
        assert found.shape == shape
    for wrong, says in (({"picture": ARRAY}, "'picture'.*as_grain"), ({"image": None}, "image is None")):
        with pytest.raises(vary.InputError, match=says):
            GEOMETRY.as_grain().random_map(wrong, np.random.default_rng(0))


IN_WORKERS = """
import grain, numpy, vary
from absl import flags
flags.FLAGS.mark_as_parsed()  # as absl's app.run does; Grain's processes ask for it
policy = vary.Policy([vary.Rotate(30)])
ramp = numpy.arange(9, dtype=numpy.uint8)[:, None]
images = [{"image": numpy.full((8, 9, 3), 20 * i, numpy.uint8) + ramp, "name": i} for i in range(6)]

def loaded(workers):
    sampler = grain.samplers.IndexSampler(6, shuffle=True, num_epochs=1, seed=5)
    loader = grain.DataLoader(data_source=images, sampler=sampler, operations=[policy.as_grain()], worker_count=workers)
    return {one["name"]: one["image"].tobytes() for one in loader}

alone = loaded(0)
assert len(set(alone.values())) == 6 and loaded(1) == alone == loaded(2)
"""


def check_grain_in_worker_processes() -> None:
    """In a program of its own, because Grain spawns processes that import the main file again."""
    run = subprocess.run([sys.executable, "-c", IN_WORKERS], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def check_datasets() -> None:
    import datasets

    photos = [Image.fromarray(ARRAY + np.uint8(i)) for i in range(8)]
    table = datasets.Dataset.from_dict(
        {"image": photos, "index": list(range(8)), "label": [i % 2 for i in range(8)]},
        features=datasets.Features(
            {"image": datasets.Image(), "index": datasets.Value("int64"), "label": datasets.Value("int64")}
        ),
    )
    fresh = table.with_transform(GEOMETRY.as_datasets())
    assert fresh[0]["image"].shape == ARRAY.shape
    assert not np.array_equal(fresh[0]["image"], fresh[0]["image"])
    seeded = table.with_transform(GEOMETRY.as_datasets(seed=7, epoch=2, index="index", layout="NCHW"))
    for number in range(8):
        expected = GEOMETRY(np.asarray(photos[number]), seed=7, epoch=2, index=number, layout="NCHW")
        assert np.array_equal(seeded[number]["image"], expected)
        assert np.array_equal(seeded[4 : number + 5]["image"][0], seeded[4]["image"])
    loaded = [
        torch.cat([batch["image"] for batch in DataLoader(seeded, batch_size=2, num_workers=workers)])
        for workers in (0, 2)
    ]
    assert torch.equal(*loaded)
    drawn = [batch["image"] for batch in DataLoader(fresh.select([0] * 8), batch_size=1, num_workers=2)]
    assert len({one.numpy().tobytes() for one in drawn}) > 4  # processes do not repeat each other
    for wrong, says in (({"seed": 7}, "index="), ({"index": "index"}, "seed="), ({"epoch": 1}, "seed")):
        with pytest.raises(vary.InputError, match=says):
            GEOMETRY.as_datasets(**wrong)
    with pytest.raises(vary.InputError, match=r"'picture'.*'image'"):
        GEOMETRY.as_datasets("picture")({"image": [ARRAY]})
    with pytest.raises(vary.InputError, match=r"holds one Image, .*batched=True"):
        GEOMETRY.as_datasets()({"image": Image.fromarray(ARRAY)})
    assert GEOMETRY.as_datasets()({"image": [], "label": []}) == {"image": [], "label": []}


def torchvision():
    define_operators()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchvision import tv_tensors
        from torchvision.transforms import v2
    return tv_tensors, v2


def check_torchvision_moves_what_belongs_together() -> None:
    tv, v2 = torchvision()
    image = tv.Image(torch.from_numpy(ARRAY).permute(2, 0, 1))
    mask = tv.Mask(torch.from_numpy(ARRAY[..., 0].astype(np.int64)))
    several = tv.Mask(torch.stack([mask > 100, mask > 200]))
    box = [[10, 5, 30, 25], [0, 0, 50, 40]]
    boxes = tv.BoundingBoxes(torch.tensor(box, dtype=torch.float32), format="XYXY", canvas_size=(40, 50))
    points = tv.KeyPoints(torch.tensor([[3.0, 4.0], [25.0, 20.0]]), canvas_size=(40, 50))
    target = {"mask": mask, "masks": several, "boxes": boxes, "points": points, "labels": torch.tensor([1, 2])}
    policy = vary.Policy([vary.Resize(60, 80), vary.Rotate(20), vary.HorizontalFlip()])
    for _ in range(5):
        torch.manual_seed(_)
        seed = int(torch.randint((1 << 63) - 1, ()))
        torch.manual_seed(_)
        made, found = v2.Compose([policy.as_torchvision(), v2.ToDtype(torch.float32, scale=True)])(image, target)
        sample = policy(image=ARRAY, mask=ARRAY[..., 0].astype(np.int64), seed=seed)
        assert type(made) is tv.Image
        assert torch.equal(made, v2.functional.to_dtype(tv.Image(sample.image.transpose(2, 0, 1)), scale=True))
        assert type(found["mask"]) is tv.Mask
        assert np.array_equal(found["mask"], sample.mask)
        assert found["masks"].shape == (2, 60, 80)
        assert torch.equal(found["masks"][1], found["mask"] > 200)
        assert np.allclose(found["points"], sample.map(points.numpy()), atol=1e-3)
        corners = sample.map([[x, y] for x in (10, 30) for y in (5, 25)])
        hull = np.clip([*corners.min(0), *corners.max(0)], 0, [80, 60, 80, 60])
        assert np.allclose(found["boxes"][0], hull, atol=1e-3)
        assert found["boxes"].canvas_size == (60, 80)
        assert torch.equal(found["labels"], target["labels"])


def check_torchvision_takes_every_kind_of_picture() -> None:
    tv, v2 = torchvision()
    transform = pickle.loads(pickle.dumps(GEOMETRY.as_torchvision()))
    assert isinstance(transform, v2.Transform)
    assert isinstance(transform, torch.nn.Module)
    image = torch.from_numpy(ARRAY).permute(2, 0, 1)
    for given in (image, tv.Image(image), Image.fromarray(ARRAY)):
        torch.manual_seed(0)
        made = transform(given)
        assert type(made) is (torch.Tensor if given is image else tv.Image)
        torch.manual_seed(0)
        assert torch.equal(transform(image), made.as_subclass(torch.Tensor))
    video = tv.Video(torch.stack([image, image]))
    moved = transform(video)
    assert type(moved) is tv.Video
    assert torch.equal(moved[0], moved[1])
    formats = {"XYWH": [10, 5, 20, 20], "CXCYWH": [20, 15, 20, 20], "XYXY": [10, 5, 30, 25]}
    found = []
    for name, box in formats.items():
        torch.manual_seed(1)
        boxes = tv.BoundingBoxes(torch.tensor([box]), format=name, canvas_size=(40, 50))
        moved = transform(image, boxes)[1]
        assert moved.dtype == torch.int64
        found.append(v2.functional.convert_bounding_box_format(moved, new_format="XYXY"))
    assert all((one - found[0]).abs().max() <= 1 for one in found)
    empty = tv.Mask(torch.zeros((0, 40, 50), dtype=torch.bool))
    assert transform(image, empty)[1].shape == (0, 40, 50)
    with pytest.raises(vary.InputError, match="no image"):
        transform(tv.Mask(torch.zeros(4, 4, dtype=torch.uint8)))
    with pytest.raises(vary.InputError, match="must be equal"):
        transform(tv.Image(image), tv.Mask(torch.zeros(4, 4, dtype=torch.uint8)))
    rotated = tv.BoundingBoxes(torch.tensor([[5.0, 5, 5, 5, 1]]), format="CXCYWHR", canvas_size=(40, 50))
    with pytest.raises(vary.InputError, match="CXCYWHR"):
        transform(tv.Image(image), rotated)


def network() -> torch.nn.Module:
    layers = torch.nn.Conv2d(3, 8, 5, stride=4), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten()
    return torch.nn.Sequential(*layers, torch.nn.Linear(32, 2))


def photos_stream() -> vary.Stream:
    policy = vary.Policy([vary.Resize(48, 48), vary.Rotate(20), vary.HorizontalFlip(), vary.Rescale(1 / 255)])
    return vary.stream(PHOTOS, policy, batch_size=16, seed=3)


def loss_of(model: torch.nn.Module, batch: vary.Batch) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(model(batch.images), batch.labels)


def check_lightning_trains_on_a_stream() -> None:
    torchvision()
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.losses = network(), []

        def training_step(self, batch, _):
            loss = loss_of(self.model, batch)
            self.losses.append(float(loss))
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-2)

    module, stream = Module(), photos_stream()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=2,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, stream.as_torch())
    assert stream.epoch == 2
    assert len(module.losses) == 2 * len(stream)
    assert np.isfinite(module.losses).all()


def check_accelerate_trains_on_a_stream() -> None:
    import accelerate

    accelerator = accelerate.Accelerator(cpu=True)
    model, stream = network(), photos_stream()
    model, optimizer = accelerator.prepare(model, torch.optim.Adam(model.parameters(), 1e-2))
    before = [one.clone() for one in model.parameters()]
    steps = 0
    for batch in stream.as_torch():
        loss = loss_of(model, batch)
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        steps += 1
    assert steps == len(stream)
    assert all(not torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))
