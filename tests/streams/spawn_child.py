"""Sends a batch to a spawned process, which returns another batch made from its arrays."""

import multiprocessing

import numpy as np

import vary


def remade(batch: vary.Batch) -> vary.Batch:
    assert batch.indices.tolist() == [0, 1, 2, 3]
    assert isinstance(batch, vary.Batch)
    return type(batch)(*batch)


if __name__ == "__main__":
    images, ages = np.zeros((4, 8, 8, 3), np.uint8), np.arange(4)
    train = vary.stream(
        images, vary.Policy([]), labels={"age": ages, "count": ages, "eye.left, 1)": ages}, shuffle=False
    )
    batch = train.peek()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        again = pool.apply(remade, (batch,))
    assert type(again) is type(batch)
    assert all(np.array_equal(one, other) for one, other in zip(again, batch, strict=True))
    print("the same")
