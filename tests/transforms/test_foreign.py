"""For names of other libraries, errors give vary's own: in policy files, as attributes of vary, as arguments."""

from pathlib import Path

import numpy as np
import pytest
import yaml

import vary
from vary import Policy, PolicyError
from vary.transforms import REGISTRY, Transform, base
from vary.transforms.base import suggest

ROOT = Path(__file__).resolve().parents[2]
TABLE: dict[str, dict[str, list[str]]] = yaml.safe_load(
    Path(base.__file__).with_name("foreign.yaml").read_text("utf-8")
)
LIBRARIES = ("torchvision", "Keras", "Albumentations", "Kornia", "imgaug")
NOT_YET = "not there yet"
ROTATE = "torchvision's, Keras' and Kornia's RandomRotation is Rotate here: Rotate(40)"


def is_transform(own: str) -> bool:
    return own.partition(";")[0].endswith(")")


def message_of(name: str, own: str) -> str:
    return f" {name} is {own.partition('(')[0]} here: {own}" if is_transform(own) else f" {name} is {own}"


@pytest.mark.parametrize("own", [own for own in TABLE if is_transform(own)])
def test_what_is_named_exists(own: str) -> None:
    spelled = own.partition(";")[0]
    made = eval(spelled, {**REGISTRY, "Policy": Policy, "function": np.fliplr})
    assert isinstance(made, Transform)
    assert type(made).__name__ == spelled.partition("(")[0]


def test_nothing_is_named_that_vary_calls_so_itself() -> None:
    names = {name for libraries in TABLE.values() for found in libraries.values() for name in found}
    assert not names & {*vary.__all__, *REGISTRY}


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_name_of_a_library_stands_once(library: str) -> None:
    names = [name for libraries in TABLE.values() for name in libraries.get(library, [])]
    assert len(names) == len(set(names)) > 10
    assert all(libraries.keys() <= {*LIBRARIES} for libraries in TABLE.values())


@pytest.mark.parametrize(("own", "libraries"), TABLE.items(), ids=TABLE)
def test_every_name_gives_varys_name(own: str, libraries: dict[str, list[str]]) -> None:
    for library, names in libraries.items():
        for name in names:
            with pytest.raises(AttributeError) as caught:
                getattr(vary, name)
            said = str(caught.value)
            assert library in said
            reported = message_of(name, own)
            assert reported in said
            with pytest.raises(PolicyError) as refused:
                Policy.from_dict([name])
            assert reported in str(refused.value)


def test_messages() -> None:
    with pytest.raises(AttributeError, match="module 'vary' has no attribute 'RandomRotation'; torchvision's, Ker"):
        vary.RandomRotation  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({"transforms": [{"Sometimes": [{"RandomRotation": 30}]}]})
    assert f"policy.transforms[0].Sometimes[0]: there is no transform 'RandomRotation'; {ROTATE}" in str(caught.value)
    with pytest.raises(PolicyError) as caught:
        Policy([], zoom_range=0.2)  # type: ignore[call-arg]
    reported = "Keras' zoom_range is Zoom here: Zoom(0.2); above 1 enlarges. It has transforms, fill, "
    assert f"Policy has no argument 'zoom_range'; {reported}" in str(caught.value)
    assert suggest("RandomErasing", REGISTRY) == "torchvision's, Keras' and Kornia's RandomErasing is not there yet"
    for name in ("ElasticTransform", "GridDistortion", "CLAHE", "RandomPosterize", "Cutout", "CoarseDropout"):
        with pytest.raises(AttributeError, match=f"{name} is not there yet$"):
            getattr(vary, name)
    assert suggest("ToTensorV2", REGISTRY).startswith(
        "Albumentations' ToTensorV2 is not needed; pictures are NumPy arrays"
    )
    assert suggest("Rotat", REGISTRY) == "did you mean Rotate?"
    assert suggest("Qqq", REGISTRY) == ""


def test_the_table_in_the_documents_is_this_one() -> None:
    lines = [f"| here | {' | '.join(LIBRARIES)} |", f"|{'---|' * (len(LIBRARIES) + 1)}"]
    for own, libraries in TABLE.items():
        spelled, _, hint = own.partition("; ")
        rest = [", ".join(f"`{name}`" for name in libraries.get(library, [])) for library in LIBRARIES]
        if own != NOT_YET:
            first = f"`{spelled}`" if is_transform(own) else spelled
            lines.append(f"| {' | '.join((first + (hint and f', {hint}'), *rest))} |".replace("  ", " "))
        else:
            lines += ["", "Not there yet:", ""]
            lines += [f"- {library}: {names}" for library, names in zip(LIBRARIES, rest, strict=True)]
    text = "\n".join(lines)
    assert text in (ROOT / "docs" / "policies.md").read_text(encoding="utf-8"), f"it should be:\n{text}"
