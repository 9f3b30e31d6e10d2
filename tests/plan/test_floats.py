"""What float32 holds: the value ranges and the factors that are accepted, up to their limits, and refused beyond."""

from math import inf, nextafter

import pytest

from vary import Normalize, Policy, PolicyError, Rescale, Rotate, Sometimes, Transform

MOST = 3.4028234663852886e38  # the largest float32
FACTOR = 2.0**60


def beyond(value: float) -> float:
    """The next number away from 0."""
    return nextafter(value, inf if value > 0 else -inf)


def within(value: float) -> float:
    return nextafter(value, 0)


def program(*transforms: Transform, **settings: object) -> str:
    return Policy(list(transforms), **settings).program((4, 4, 3), dtype="float32").text()  # type: ignore[arg-type]


def normalize(factor: float = 1.0, offset: float = 0.0) -> Normalize:
    """x * factor + offset in the first channel; of pictures in 0 .. 1."""
    return Normalize((-offset / factor, 0, 0), (1 / factor, 1, 1))


@pytest.mark.parametrize(
    ("low", "high", "fault"),
    [
        (0, 2.0**100, ""),
        (0, beyond(2.0**100), "too large for sums"),
        (-(2.0**100), 0, ""),
        (beyond(-(2.0**100)), 0, "too large for sums"),
        (-(2.0**100), 2.0**100, ""),
        (0, 2.0**-100, ""),
        (0, within(2.0**-100), "too narrow"),
        (-(2.0**-101), 2.0**-101, ""),
        (-(2.0**-101), 2.0**-101 * 0.999, "too narrow"),
        (1 - 2.0**-16, 1, ""),
        (beyond(1 - 2.0**-16), 1, "too narrow"),
        (-1, -1 + 2.0**-16, ""),
        (-1, beyond(-1 + 2.0**-16), "too narrow"),
        (2.0**60 - 2.0**44, 2.0**60, ""),
        (beyond(2.0**60 - 2.0**44), 2.0**60, "too narrow"),
    ],
)
def test_value_ranges(low: float, high: float, fault: str) -> None:
    """At most 2^100 from 0; at least 2^-100 wide, and 256 numbers of float32."""
    if not fault:
        assert program(value_range=(low, high))
        return
    with pytest.raises(PolicyError, match=rf"value_range=.*{fault}") as caught:
        program(value_range=(low, high))
    assert f"({low:.9g}, {high:.9g}) is {fault}" in str(caught.value)


@pytest.mark.parametrize("sign", [1, -1])
def test_factors(sign: int) -> None:
    """At most 2^60 and at least 2^-60, in all, whatever is applied."""
    quarter, tiny = Rescale(sign * 2.0**15), Rescale(sign * 2.0**-15)
    for ends in ([normalize(FACTOR)], [normalize(1 / FACTOR)], [quarter] * 4, [tiny] * 4, [*[quarter] * 4, tiny]):
        assert program(*ends)
    for beyond_it, factor in (
        ([normalize(beyond(FACTOR))], "1.15292e+18"),
        ([normalize(within(1 / FACTOR))], "8.67362e-19"),
        ([*[quarter] * 4, Rescale(1.001)], "1.15407e+18"),
        ([*[tiny] * 4, Rescale(0.999)], "8.66494e-19"),
        ([Rescale(1.001), *[quarter] * 4], "1.15407e+18"),
        ([*[quarter] * 4, Sometimes([tiny]), Rescale(1.001)], "1.15407e+18"),
        ([*[tiny] * 4, Sometimes([quarter]), Rescale(0.999)], "8.66494e-19"),
        ([*[quarter] * 4, Sometimes([Rescale(1.001)])], "1.15407e+18"),
        ([*[quarter] * 4, Rotate(9, p=0.5), Sometimes([tiny]), Rescale(1.001)], "1.15407e+18"),
        ([Normalize(0, (FACTOR, 0.5 / FACTOR, 1))], "2.30584e+18"),  # another channel has the least one allowed
    ):
        with pytest.raises(PolicyError) as caught:
            program(*beyond_it)
        assert f" makes the total factor on the picture's values {factor}, outside 9e-19 .. 1e+18" in str(caught.value)


@pytest.mark.parametrize("offset", [MOST, -MOST])
def test_values(offset: float) -> None:
    """At most the largest of float32; in each channel, with the fill, and where a transform is left out."""
    assert program(normalize(1, offset))
    assert program(normalize(1, offset), Rescale(0.5), Rescale(2))
    assert program(Rescale(1), fill=offset)
    assert program(Rescale(0.5), Rescale(2), fill=offset)
    for transforms, settings in (
        ([normalize(1, beyond(offset))], {}),
        ([Sometimes([normalize(1, beyond(offset))])], {}),
        ([normalize(1, offset), Rescale(1.001)], {}),
        ([normalize(1, offset), Sometimes([Rescale(0.5)]), Rescale(1.001)], {}),
        ([normalize(1, offset / 2), Rescale(2.001)], {}),
        ([Rescale(1.001)], {"fill": offset}),
        ([Rescale(-1.001)], {"fill": offset}),
        ([Rescale(1.001)], {"fill": (0, 0, offset)}),
    ):
        with pytest.raises(PolicyError, match=r"^(Normalize|Rescale) makes values up to -?3\.4.*e\+38, which float32"):
            program(*transforms, **settings)
    for scale in (0.001, -0.001):  # the value range counts without a fill
        assert program(Rescale(scale), normalize(1, offset))


@pytest.mark.parametrize(("value_range", "mean"), [((0, 2.0**68), 0), ((-(2.0**68), 0), 1)])
def test_values_from_the_ends_of_the_value_range(value_range: tuple[float, float], mean: float) -> None:
    for either in (0, 1):  # a factor of 2^59
        assert program(Normalize(either, 2.0**-127), value_range=value_range)
    with pytest.raises(PolicyError, match=r"^Normalize makes values up to -?3\.40282e\+38"):
        program(Normalize(mean, 2.0**-128), value_range=value_range)
