"""`rng.uniforms` gives the numbers that a transform of this name draws."""

import numpy as np

import vary
from vary.rng import uniforms


def test_uniforms_are_a_transforms_draws() -> None:
    policy = vary.Policy([vary.Translate((0, 1), (0, 1))])
    for seed, epoch, index, view in [(1, 0, 0, 0), (7, 3, 12345, 2)]:
        (instruction,) = policy.program((8, 8, 3), seed=seed, epoch=epoch, index=index, view=view).instructions
        found = uniforms("Translate", 2, (seed, epoch), np.array([index]), np.array([view]))
        assert found.tolist() == [list(instruction.args)]


def test_uniforms_of_several_samples_are_those_of_each() -> None:
    indices, views = np.array([5, 0, 9]), np.array([0, 1, 0])
    rows = uniforms("Own", 7, (3, 1), indices, views)
    assert rows.shape == (3, 7)
    assert ((rows >= 0) & (rows < 1)).all()
    for row, index, view in zip(rows, indices, views, strict=True):
        np.testing.assert_array_equal(uniforms("Own", 7, (3, 1), np.array([index]), np.array([view]))[0], row)
