"""Errors for unknown names and words say what to write instead; all code in these texts runs."""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

import vary
from vary import guidance
from vary.apps.cli import parser
from vary.guidance import ARGUMENTS, guided
from vary.transforms import REGISTRY

TABLE: dict[str, Any] = yaml.safe_load(Path(guidance.__file__).with_suffix(".yaml").read_text("utf-8"))
SECTIONS = ("keywords", "names", "stream", "policy")
IMAGES = np.arange(4 * 20 * 20 * 3, dtype=np.uint8).reshape(4, 20, 20, 3)
LABELS = np.array([0, 1, 1, 0])
POLICY = vary.Policy([vary.Resize(15, 15), vary.Rotate(40)])


def entries(section: str) -> Iterator[tuple[str, str, str]]:
    """(cure, library, name) of every name of a section."""
    for cure, libraries in TABLE[section].items():
        for library, names in libraries.items():
            for name in names:
                yield cure, library, name


def tells(said: str, cure: str, library: str, name: str) -> bool:
    whose = name if library == "general" else f"{library}'{'s'[: library[-1] != 's']} {name}"
    return f"for {whose}, {cure}" in said


def snippets() -> list[str]:
    cures = [cure for section in SECTIONS for cure in TABLE[section]] + list(TABLE["needs"].values())
    return sorted({code for cure in cures for code in re.findall("`([^`]+)`", cure)})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`cats_dogs/train`, with two classes, in the current folder."""
    root = tmp_path / "cats_dogs" / "train"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(IMAGES[number % 4]).save(root / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    POLICY.save("mine.yaml")
    return root


def test_there_are_cures_in_code() -> None:
    assert len(snippets()) > 60


@pytest.mark.parametrize("code", snippets())
def test_every_cure_runs(code: str, folder: Path) -> None:
    if code.startswith("vary "):
        assert parser().parse_args(code.split()[1:])
        return
    source = vary.Folder(folder)
    paths = [source.path(index) for index in range(len(source))]
    train = vary.stream(folder, POLICY, batch_size=2)
    names: dict[str, Any] = {"vary": vary, "numpy": np, "policy": POLICY, "train": train, "function": np.fliplr}
    names |= {"image": IMAGES[0], "images": IMAGES, "labels": LABELS, "n": 2, "path": paths[0], "paths": paths[:4]}
    names |= {"batch": train.peek(), "mean": (120, 110, 100), "std": 50, "state": train.state_dict()}
    names |= {"frame": {"file": ["cat/0.png", "dog/1.png"], "breed": ["pug", "boxer"]}}
    names |= {"mask": IMAGES[0, ..., 0], "masks": IMAGES[..., 0], "points": [(3, 4)]}
    if re.match(r"\w+=", code):
        fitting = {"weights=[1, 2, 1, 1]": "(images, labels)"}.get(code, '"cats_dogs/train"')
        code = f"vary.stream({fitting}, policy, {code})"
    exec("for batch in train: ..." if code == "for" else code, names)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_name_stands_once(section: str) -> None:
    names = [(library, name) for _, library, name in entries(section)]
    assert len(names) == len(set(names)) > 30
    assert {library for library, _ in names} <= {*"Keras torch torchvision tf.data Albumentations general".split()}


def test_every_keyword_leads_to_its_cure(folder: Path) -> None:
    for cure, library, name in entries("keywords"):
        with pytest.raises(vary.InputError) as caught:
            vary.stream(folder, POLICY, **{name: 1})
        assert str(caught.value).startswith(f"vary.stream has no argument {name!r}; ")
        assert tells(str(caught.value), cure, library, name), (name, str(caught.value))
        assert len(str(caught.value)) < 2000


def test_every_name_at_the_module_leads_to_its_cure() -> None:
    for cure, library, name in entries("names"):
        with pytest.raises(AttributeError) as caught:
            getattr(vary, name)
        assert tells(str(caught.value), cure, library, name), (name, str(caught.value))


@pytest.mark.parametrize("section", ["stream", "policy"])
def test_every_attribute_leads_to_its_cure(section: str) -> None:
    train = vary.stream((IMAGES, LABELS), POLICY)
    owners = [POLICY] if section == "policy" else [train, vary.mix([train, train])]
    for cure, library, name in entries(section):
        for owner in owners:
            assert not hasattr(owner, name), f"{name} is an attribute"
            with pytest.raises(AttributeError) as caught:
                getattr(owner, name)
            assert tells(str(caught.value), cure, library, name), (name, str(caught.value))


def test_options_are_attributes_of_options() -> None:
    train = vary.stream(IMAGES, POLICY, batch_size=2)
    with pytest.raises(AttributeError, match=r"no attribute 'batch_size'; it is .options.batch_size"):
        train.batch_size  # type: ignore[attr-defined]  # noqa: B018
    assert train.options.batch_size == 2
    with pytest.raises(AttributeError, match=r"no attribute 'state_dct'; did you mean state_dict"):
        train.state_dct  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"'Mixed' object has no attribute 'ratio'; did you mean ratios"):
        vary.mix([train]).ratio  # type: ignore[attr-defined]  # noqa: B018


def test_the_transforms_of_other_libraries_belong_to_the_policy() -> None:
    with pytest.raises(vary.InputError, match=r"Keras' rotation_range is Rotate here, in the policy: Rotate\(40\)"):
        vary.stream(IMAGES, POLICY, rotation_range=40)  # type: ignore[call-arg]


def test_arguments_of_another_function_name_that_function() -> None:
    for call, says in [
        (lambda: vary.Folder("x", batch_size=2), "batch_size is an argument of vary.stream"),  # type: ignore[call-arg]
        (lambda: vary.stream(IMAGES, POLICY, fill=0), "fill is an argument of vary.Policy"),  # type: ignore[call-arg]
        (lambda: vary.stream(IMAGES, POLICY, ratios=[1]), "ratios is an argument of vary.mix"),  # type: ignore[call-arg]
        (lambda: POLICY(IMAGES[0], batch_size=2), "batch_size is an argument of vary.stream"),  # type: ignore[call-arg]
        (lambda: vary.Policy([], shuffle=True), "shuffle is an argument of vary.stream"),  # type: ignore[call-arg]
        (lambda: vary.Rotate(40, fill=0), "fill is an argument of vary.Policy"),  # type: ignore[call-arg]
    ]:
        with pytest.raises(ValueError, match=re.escape(says)):
            call()


@pytest.mark.parametrize(
    ("misspelt", "intended"),
    [
        ("batchsize", "batch_size=32"),
        ("sead", "did you mean seed?"),
        ("suffle", "did you mean shuffle?"),
        ("layuot", "did you mean layout?"),
        ("drop_lst", "did you mean drop_last?"),
    ],
)
def test_misspelt_arguments(misspelt: str, intended: str) -> None:
    with pytest.raises(vary.InputError, match=re.escape(intended)):
        vary.stream(IMAGES, POLICY, **{misspelt: 1})


def test_unknown_arguments_list_the_valid_ones() -> None:
    with pytest.raises(vary.InputError) as caught:
        vary.stream(IMAGES, POLICY, qqq=1, target_size=2)  # type: ignore[call-arg]
    said = str(caught.value)
    assert "has no argument 'qqq', 'target_size'; for Keras' target_size, put `vary.Resize" in said
    assert said.endswith(f"its arguments are {', '.join(inspect.signature(vary.stream).parameters)}")


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_listed_arguments_are_those_of_the_signature(name: str) -> None:
    called: dict[str, Any] = {"policy(image)": POLICY, "policy.batch": POLICY.batch}
    called["source.split"] = vary.Arrays(IMAGES).split
    if name == "vary.Policy":  # its constructor reads the fields
        assert (*ARGUMENTS[name], "p") == tuple(vary.Policy.fields)
        return
    found = called.get(name) or getattr(vary, name.removeprefix("vary."))
    assert ARGUMENTS[name] == tuple(inspect.signature(found).parameters)
    with pytest.raises(vary.InputError, match=re.escape(f"{name} has no argument 'num_workers'; for torch's num_work")):
        found(num_workers=2)


def test_missing_arguments_name_the_cure() -> None:
    for call, says in [
        (lambda: vary.stream("x"), "vary.stream needs 'policy': `vary.stream("),  # type: ignore[call-arg]
        (lambda: vary.stream(policy=POLICY), "vary.stream needs 'source': `vary.stream("),  # type: ignore[call-arg]
        (vary.mix, "vary.mix needs 'streams': `vary.mix(["),  # type: ignore[call-arg]
        (vary.Folder, "vary.Folder needs 'path': `vary.Folder("),  # type: ignore[call-arg]
        (vary.Arrays, "vary.Arrays needs 'images'"),  # type: ignore[call-arg]
        (POLICY, "policy(image) needs 'image'"),  # type: ignore[call-arg]
        (POLICY.batch, "policy.batch needs 'images'"),  # type: ignore[call-arg]
        (
            lambda: vary.stream("x", POLICY, 32),
            "was given 32 as one positional argument too many; give the others by name",
        ),  # type: ignore[misc]
        (lambda: POLICY(IMAGES[0], 7), "policy(image) was given 7 as one positional argument too many"),  # type: ignore[misc]
    ]:
        with pytest.raises(vary.InputError, match=re.escape(says)):
            call()


@pytest.mark.parametrize("argument", TABLE["values"])
def test_words_of_others_lead_to_the_value(argument: str) -> None:
    for word, others in TABLE["values"][argument].items():
        given = {argument: word} | ({"on_error": "skip"} if argument == "max_errors" else {})
        assert vary.stream(IMAGES, POLICY, **given)
        for other in others:
            with pytest.raises(vary.InputError) as caught:
                vary.stream(IMAGES, POLICY, **{argument: other})
            cure = f'{argument}="{word}"' if isinstance(word, str) else f"{argument}={word}"
            assert str(caught.value).endswith(f", give {cure}"), str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seed": None}, "seed=None; give a whole number of at least 0: the same seed gives the same"),
        ({"batch_size": None}, "batch_size=None; give a whole number of at least 1: 1 makes batches of one picture"),
        ({"batch_size": True}, "batch_size=True; give a whole number"),
        ({"prefetch": -1}, "prefetch=-1; give a whole number of at least 0: 0 makes each batch when"),
        ({"threads": True}, "threads=True; give a whole number of at least 1, or None: all there are"),
        ({"threads": -1}, "threads=-1; give a whole number of at least 1, or None: all there are"),
        ({"shuffle": "yes"}, "shuffle='yes'; give True or False"),
        ({"process": 4}, "process=4; give True or False"),
        ({"shuffle": np.zeros(3)}, "shuffle=array([0., 0., 0.]); give True or False"),
        ({"channels": np.zeros(3)}, "channels=array([0., 0., 0.]); a file gives 1"),
        ({"cache": ["disk"]}, "cache=['disk']; choose one of"),
        ({"on_error": np.zeros(3)}, "on_error=array([0., 0., 0.]); choose one of"),
    ],
)
def test_invalid_values(options: dict[str, Any], says: str) -> None:
    with pytest.raises(vary.InputError, match=re.escape(says)):
        vary.stream(IMAGES, POLICY, **options)


def test_numpys_truth_values_are_truth_values() -> None:
    assert vary.stream(IMAGES, POLICY, shuffle=np.bool_(False))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "policy", "says"),
    [
        (POLICY, "cats_dogs/train", "the source is a Policy; the source comes first, then the policy: vary.stream(sou"),
        ([vary.Rotate(3)], IMAGES, "the source is a list of transforms; the source comes first"),
        (vary.Rotate(3), IMAGES, "the source is a Rotate; the source comes first"),
        (vary.stream(IMAGES, POLICY), POLICY, "the source is a Stream; give its source, train.source"),
        (vary.mix([vary.stream(IMAGES, POLICY)]), POLICY, "the source is a Mixed; vary.mix puts streams together"),
        (IMAGES, [vary.Rotate(3)], "is a list, not a Policy; write vary.Policy([...]) around the transforms"),
        (IMAGES, vary.Rotate(3), "is a Rotate, not a Policy; a policy is a list of transforms: vary.Policy([Rotate("),
        (
            IMAGES,
            None,
            "policy=None is a NoneType, not a Policy; vary.Policy([...]) holds a list of transforms, and va",
        ),
        (
            IMAGES,
            np.fliplr,
            "not a Policy; vary.Policy([...]) holds a list of vary's transforms, and a function as var",
        ),
        (IMAGES, {"a": vary.Rotate(3)}, "policy['a']=Rotate(angle=(-3.0, 3.0)) is a Rotate, not a Policy; a policy is"),
        (IMAGES, "mine.yaml", "is a str, not a Policy; vary.Policy.load('mine.yaml') reads one from a file"),
    ],
)
def test_arguments_in_the_wrong_order(source: Any, policy: Any, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        vary.stream(source, policy)
    assert isinstance(caught.value, vary.VaryError)


def test_a_guided_function_shows_its_own_signature() -> None:
    assert list(inspect.signature(vary.stream).parameters)[:3] == ["source", "policy", "batch_size"]
    assert vary.stream.__name__ == "stream"
    assert "each `for` over it is one epoch" in (vary.stream.__doc__ or "")
    assert next(iter(inspect.signature(vary.Folder).parameters)) == "path"


def test_a_guided_function_is_called_as_it_is() -> None:
    @guided("vary.some")
    def some(first: int, second: int = 2, *, third: int = 3) -> tuple[int, int, int]:
        return first, second, third

    del ARGUMENTS["vary.some"]
    assert (some(1), some(1, 5), some(first=1, third=7)) == ((1, 2, 3), (1, 5, 3), (1, 2, 7))


def test_a_warning_points_at_the_line_that_led_to_it(folder: Path) -> None:
    (folder / "cat" / "more.heic").touch()
    for call in (lambda: vary.Folder(folder), lambda: vary.stream(folder, POLICY)):
        with pytest.warns(UserWarning, match="skipped 1 .heic") as reported:
            call()
        assert reported[0].filename == __file__


def test_names_that_begin_with_an_underscore_are_asked_for_quickly() -> None:
    """Python and its tools probe for them: no table is read."""
    code = (
        "import sys, vary, numpy as np; s = vary.stream(np.zeros((2, 9, 9, 3), np.uint8), vary.Policy([])); "
        "assert not hasattr(s, '_repr_x_') and not hasattr(s, '__array__') and not hasattr(vary, '_x'); "
        "assert not hasattr(s.policy, '__array_interface__'); print('yaml' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_nothing_is_named_that_vary_calls_so_itself() -> None:
    assert not {name for _, _, name in entries("names")} & {*vary.__all__, *REGISTRY}
    keywords = {name for _, _, name in entries("keywords")}
    assert not keywords & {*ARGUMENTS["vary.stream"]}


@pytest.mark.parametrize("kind", ["tuple", "array", "objects", "listing", "paths"])
def test_paths_in_place_of_pictures_lead_to_files(kind: str, folder: Path) -> None:
    listing = vary.Folder(folder).paths
    texts = list(listing)
    given: Any = {
        "tuple": tuple(texts),
        "array": np.array(texts),
        "objects": np.array(texts, object),
        "listing": listing,
        "paths": tuple(Path(text) for text in texts),
    }[kind]
    for source in (given, (given, [0] * len(texts))):
        with pytest.raises(vary.InputError, match=r"of paths, such as '.*/cat/0.png'; vary.Files\(paths, labels\)"):
            vary.stream(source, vary.Policy([]))
