"""A policy as plain data and as a file, YAML or JSON. `text.py` writes and reads single transforms, `reader.py` parses.

`build` makes a policy from its keyword arguments. It is the class `Policy`, which this module may not import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from vary.errors import PolicyError, warn_caller
from vary.paths import path_text, to_write
from vary.transforms.corrections import list_correction
from vary.transforms.reader import parsed
from vary.transforms.text import Place, argument_of, from_data, line_of, to_data

__all__ = ["FORMAT", "SEMANTICS", "policy_of", "load_policy", "save_policy", "policy_data"]

FORMAT = 1
SEMANTICS = 2
"""The version of what transforms mean: bytes change only together with this number, as CHANGELOG.md tells."""

P = TypeVar("P")


def policy_data(values: Mapping[str, object]) -> dict[str, object]:
    """A policy with these arguments, as plain data."""
    return {"vary": FORMAT, "semantics": SEMANTICS, **{name: to_data(value) for name, value in values.items()}}


def policy_of(data: object, build: Callable[..., P]) -> P:
    """The policy that `policy_data` wrote. A bare list of transforms is read too."""
    policy = _read(data, build)
    if isinstance(data, dict) and "vary" in data:  # what code makes for itself need not say what it means
        _warn_of_old("this policy", data)
    return policy


def _warn_of_old(name: str, data: object) -> None:
    """Say so if data was written for earlier semantics, or does not say for which."""
    seen = data.get("semantics") if isinstance(data, dict) else None
    if seen == SEMANTICS:
        return
    says = "does not say which semantics it was written for" if seen is None else f"was written for semantics {seen}"
    warn_caller(
        f"{name} {says}. It runs with semantics {SEMANTICS}: where transforms shrink a picture, bytes differ from "
        f"those of earlier versions of vary. Write `semantics: {SEMANTICS}` beside `transforms:` to accept them"
    )


def _read(data: object, build: Callable[..., P]) -> P:
    if isinstance(data, list):
        data = {"transforms": data}
    if not isinstance(data, dict):
        seen = type(data).__name__
        raise PolicyError(f"a policy file holds a mapping with 'transforms', or the bare list of them, not {seen}")
    given, data = data, dict(data)
    version = data.pop("vary", FORMAT)
    if version != FORMAT:
        raise PolicyError(f"this policy was written as format {version!r}; this vary reads format {FORMAT}")
    semantics = data.pop("semantics", SEMANTICS)
    if type(semantics) is not int or not 1 <= semantics <= SEMANTICS:
        raise PolicyError(
            f"this policy has semantics {semantics!r}; this vary knows semantics up to {SEMANTICS}: use a newer "
            f"vary, or write `semantics: {SEMANTICS}` to have its transforms mean what they mean here"
        )
    items = data.get("transforms", [])
    if not isinstance(items, list):
        cure = list_correction(items)
        raise PolicyError(f"a policy needs 'transforms': a list of transforms{cure and f'; {cure}'}")
    if cure := list_correction(data):
        raise PolicyError(f"transforms come in a list, not in a mapping; {cure}")
    if "transforms" in data:
        here = Place("policy.transforms", line_of(given, "transforms"))
        data["transforms"] = [from_data(item, here.item(items, i, f"[{i}]")) for i, item in enumerate(items)]
    try:
        return build(**{str(key): value for key, value in data.items()})
    except PolicyError as error:
        line = line_of(given, argument_of(error))
        raise PolicyError(f"line {line}: {error}" if line else str(error)) from None


def save_policy(path: str | Path, values: Mapping[str, object]) -> None:
    """Write a policy with these arguments as YAML or, for a name ending in .json, JSON."""
    path = to_write(path)
    if path.suffix == ".json":
        import json

        text = json.dumps(policy_data(values), indent=2) + "\n"
    else:
        import yaml

        text = yaml.safe_dump(policy_data(values), sort_keys=False)
    path.write_text(text, encoding="utf-8")


def load_policy(path: str | Path, build: Callable[..., P]) -> P:
    """The policy of a file; `PolicyError` names the file and the place in it."""
    path = Path(path_text("path", path, "the path of a policy file"))
    try:
        data = parsed(path.read_bytes(), path.suffix == ".json")
        policy = _read(data, build)
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, RecursionError) as error:  # a PolicyError among them
        raise PolicyError(f"{path}: {error}") from None
    _warn_of_old(str(path), data)
    return policy
