"""Suggestions for names and words that vary does not have, for the errors that refuse them.

Users bring names from other libraries, or misremember them. `guidance.yaml` lists what to write instead, and
`transforms/foreign.yaml` does so for transforms. An argument of another vary function is answered with that function.

    @guided("vary.stream")
    def stream(source, policy, *, batch_size=32): ...

    stream(folder, policy, target_size=(150, 150))
    # InputError: vary.stream has no argument 'target_size'; for Keras' target_size, put `vary.Resize(150, 150)`, ...
"""

from __future__ import annotations

from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from vary.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["ARGUMENTS", "guided", "hint", "missing_attribute", "word_hint"]

P = ParamSpec("P")
R = TypeVar("R")

ARGUMENTS: dict[str, tuple[str, ...]] = {}
"""The arguments of each public function, by its name such as "vary.stream", so that errors can name the right one."""

TRANSFORMS = Path(__file__).with_name("transforms") / "foreign.yaml"
GENERAL = "general"  # in place of a library: names that belong to none in particular


@cache
def _table(path: Path) -> dict[str, Any]:
    import yaml

    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def _section(name: str) -> dict[Any, Any]:
    return dict(_table(Path(__file__).with_suffix(".yaml")).get(name, {}))


def hint(name: str, known: Iterable[str], section: str) -> str:
    """For the end of an error: what to write instead of `name`; empty if nothing is known.

    known: the valid names, to find one that is spelt alike. section: of guidance.yaml, such as "keywords"; any other
    word skips that table.
    """
    if cure := _listed(name, section):
        return cure
    if homes := [home for home, names in ARGUMENTS.items() if name in names]:
        return f"{name} is an argument of {', '.join(homes)}"
    if transform := transform_hint(name):
        return transform if section == "names" else transform.replace(" here: ", " here, in the policy: ")
    return close(name, known)


def _listed(name: str, section: str) -> str:
    """The entry of guidance.yaml for this name; empty if it has none."""
    for cure, libraries in _section(section).items():
        if whose := _whose(name, libraries):
            return f"for {whose} {name}, {cure}" if whose != GENERAL else f"for {name}, {cure}"
    return ""


def transform_hint(name: str) -> str:
    """What vary calls a transform that other libraries call `name` (also an argument there); empty if unknown."""
    found = []
    for own, libraries in _table(TRANSFORMS).items():
        if whose := _whose(name, libraries):
            kind, bracket, _ = own.partition("(")
            found.append(f"{whose} {name} is {kind} here: {own}" if bracket else f"{whose} {name} is {own}")
    return "; ".join(found)


def close(name: str, known: Iterable[str]) -> str:
    """A question such as "did you mean Rotate?", if a known name is spelt like this one."""
    import difflib

    found = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {found[0]}?" if found else ""


def _whose(name: str, libraries: dict[str, list[str]]) -> str:
    """The libraries that have this name, such as "torchvision's and Keras'"."""
    found = [library for library, names in libraries.items() if name in names]
    *others, last = ["", *(one if one == GENERAL else f"{one}'{'s'[: one[-1] != 's']}" for one in found)]
    return f"{', '.join(others[1:])} and {last}" if others[1:] else last


def word_hint(argument: str, given: object) -> str:
    """For an invalid value of an argument: text such as `; for 'rgb', give channels=3`, or empty."""
    for word, others in _section("values").get(argument, {}).items():
        if any(given is other or (isinstance(given, str) and given == other) for other in others):
            said = f'"{word}"' if isinstance(word, str) else word
            return f"; for {given!r}, give {argument}={said}"
    return ""


def guided(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator of public functions: a call with wrong arguments raises an `InputError` that says what to write.

    name: the function as users write it. Its signature is kept, for `help`, editors and type checkers.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        own = names[names[0] == "self" :]
        known, places = frozenset(names), code.co_argcount
        required = names[: places - len(function.__defaults__ or ())]
        ARGUMENTS[name] = own

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            given = len(args)
            if given > places or not known.issuperset(kwargs):
                raise InputError(_refused(name, own, args[places:], kwargs))
            if given < len(required):
                for one in required[given:]:
                    if one not in kwargs:
                        raise InputError(f"{name} needs {one!r}: {_section('needs').get(one, one)}")
            return function(*args, **kwargs)

        return call

    return decorate


def _refused(name: str, own: tuple[str, ...], beyond: tuple[object, ...], given: dict[str, Any]) -> str:
    """The error text for too many positional arguments, or for unknown keywords.

    own: the function's arguments. beyond: the positional ones that are too many. given: the keywords.
    """
    unknown = [key for key in given if key not in own]
    if not unknown:
        by_name = "; give the others by name, such as batch_size=32" if "batch_size" in own else ""
        return f"{name} was given {beyond[0]!r} as one positional argument too many{by_name}"
    hints = [hint(key, own, "keywords") for key in unknown]
    if not all(hints):
        hints.append(f"its arguments are {', '.join(own)}")
    return f"{name} has no argument {', '.join(map(repr, unknown))}; {'; '.join(filter(None, hints))}"


def missing_attribute(owner: object, name: str, section: str) -> AttributeError:
    """The error of an object that has no attribute of this name, with the cure."""
    said = ""
    if not name.startswith("_"):
        inside = name in getattr(vars(owner).get("options"), "__dataclass_fields__", ())
        said = _listed(name, section) or (f"it is .options.{name}" if inside else hint(name, dir(type(owner)), "none"))
    text = f"{type(owner).__name__!r} object has no attribute {name!r}{said and f'; {said}'}"
    return AttributeError(text, name=name, obj=owner)
