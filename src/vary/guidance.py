"""Suggestions for unknown names and words, for the errors that refuse them.

Users know names from other libraries, or misremember them. `guidance.yaml` lists what to write instead, and
`transforms/foreign.yaml` does so for transforms. For an argument of another vary function, the error names that one.

    @guided("vary.stream")
    def stream(source, policy, *, batch_size=32): ...

    stream(folder, policy, target_size=(150, 150))
    # InputError: vary.stream has no argument 'target_size'; for Keras' target_size, put `vary.Resize(150, 150)`, ...
"""

from __future__ import annotations

import sys
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from vary.errors import InputError, brief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["ARGUMENTS", "argument_hint", "guided", "hint", "missing_attribute", "missing_name", "word_hint"]

P = ParamSpec("P")
R = TypeVar("R")

ARGUMENTS: dict[str, tuple[str, ...]] = {}
"""Public function, such as "vary.stream" -> its arguments. Errors use it to find the function that has an argument."""

TRANSFORMS = Path(__file__).with_name("transforms") / "foreign.yaml"
GENERAL = "general"  # in place of a library: names of no particular one
CLOSE = 0.61  # the smallest similarity of a name and a suggestion, 0 .. 1


@cache
def _table(path: Path) -> dict[str, Any]:  # Any: each section has a form of its own, which its reader knows
    import yaml

    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def _section(name: str) -> dict[str, Any]:
    return dict(_table(Path(__file__).with_suffix(".yaml")).get(name, {}))


def hint(name: str, known: Iterable[str], section: str) -> str:
    """What to write instead of `name`, for the end of an error; empty if nothing is known.

    known: the valid names, to find one with a similar spelling. section: of guidance.yaml, such as "keywords"; with any
        other word, that file is not searched.
    """
    if cure := _listed(name, section):
        return cure
    if section == "names" and f"{name.lower()}s".startswith(tuple(f"{one}s" for one in known)):  # streams
        return close(name, known)
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
    """Vary's name for a transform that other libraries call `name`, also as an argument; empty if unknown."""
    found = []
    for own, libraries in _table(TRANSFORMS).items():
        if whose := _whose(name, libraries):
            kind, bracket, _ = own.partition("(")
            found.append(f"{whose} {name} is {kind} here: {own}" if bracket else f"{whose} {name} is {own}")
    return "; ".join(found)


def close(name: str, known: Iterable[str]) -> str:
    """A question such as "did you mean Rotate?", if a known name has a similar spelling. Of two known names that differ
    only in case, it names the one in lower case, which is a function."""
    import difflib

    lower = {one.lower(): one for one in sorted(known)}
    found = difflib.get_close_matches(name.lower(), lower, 1, CLOSE)
    return f"did you mean {lower[found[0]]}?" if found else ""


def argument_hint(name: str, known: Iterable[str]) -> str:
    """Vary's name for an argument that other libraries call `name`; empty if nothing is known.

    known: the arguments that the transform has.
    """
    for own, others in _section("arguments").items():
        argument, _, sentence = own.partition(": ")
        fits = set(argument.split("+")) <= set(known)
        if name in others and (fits or " " in argument):
            return sentence or (own if " " in own else f"here it is {own.replace('+', '= and ')}=")
    return ""


def _whose(name: str, libraries: dict[str, list[str]]) -> str:
    """The libraries that have this name, such as "torchvision's and Keras'"."""
    found = [library for library, names in libraries.items() if name in names]
    *others, last = ["", *(one if one == GENERAL else f"{one}'{'s'[: one[-1] != 's']}" for one in found)]
    return f"{', '.join(others[1:])} and {last}" if others[1:] else last


def word_hint(argument: str, given: object) -> str:
    """For an invalid value of an argument: text such as `; for 'rgb', give channels=3`, or empty."""
    words = _section("values").get(argument) or _section("words").get(argument, {})
    for word, others in words.items():
        if any(given is other or (isinstance(given, str) and given == other) for other in others):
            if isinstance(word, str) and " " in word:
                return f"; {word}"
            said = f'"{word}"' if isinstance(word, str) else word
            return f"; for {given!r}, give {argument}={said}"
    return ""


def guided(
    name: str, *, suggest: bool = True, former: Mapping[str, str] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator of public functions: a call with wrong arguments raises an `InputError` that says what to write.

    name: the function as users write it. Its signature is kept, for `help`, editors and type checkers.
    suggest: if another function is called with an argument of this one, the error names this one.
    former: former names of its arguments -> their present ones.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names, places, required = _parameters(function)
        own = names[names[0] == "self" :]
        known, by_name = frozenset(names), names[places:]
        if suggest:
            ARGUMENTS[name] = own

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            given = len(args)
            if given > places or not known.issuperset(kwargs):
                raise InputError(_refused(name, own, by_name, args[places:], kwargs, former or {}))
            if given < len(required):
                for one in required[given:]:
                    if one not in kwargs:
                        needs = _section("needs")
                        raise InputError(f"{name} needs {one!r}: {needs.get(f'{name} {one}') or needs.get(one, one)}")
            return function(*args, **kwargs)

        return call

    return decorate


def _parameters(function: Callable[..., object]) -> tuple[tuple[str, ...], int, tuple[str, ...]]:
    """(all names, how many of them may be given by position, the names without a default)."""
    signature = getattr(function, "__signature__", None)
    if signature is not None:
        found = list(signature.parameters.values())
        places = sum(one.kind != one.KEYWORD_ONLY for one in found)
        return tuple(one.name for one in found), places, tuple(one.name for one in found if one.default is one.empty)
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return names, code.co_argcount, names[: code.co_argcount - len(function.__defaults__ or ())]


def _refused(
    name: str,
    own: tuple[str, ...],
    by_name: tuple[str, ...],
    beyond: tuple[object, ...],
    given: dict[str, object],
    former: Mapping[str, str],
) -> str:
    """The error text for too many positional arguments, or for unknown keywords.

    own: all arguments of the function. by_name: those that are keyword-only. beyond: values of positional arguments
        that are too many. given: the keywords of the call.
    """
    unknown = [key for key in given if key not in own]
    if (cure := _section("instead").get(f"{name} {unknown[0]}" if unknown else "")) is not None:
        return f"{name} has no argument {unknown[0]!r}; {cure}"
    if not unknown:
        such = "batch_size=32" if "batch_size" in own else "seed=7" if "seed" in by_name else "".join(by_name[:1]) + "="
        cure = f"give the others by name, such as {such}" if by_name else f"it takes {', '.join(own)}"
        if hasattr(beyond[0], "__len__") and not isinstance(beyond[0], str):  # an array, or a list of them
            cure = "; ".join(filter(None, (cure, _section("beyond").get(name))))
        shape = getattr(beyond[0], "shape", ())
        seen = f"an array of shape {shape}" if len(shape) > 1 else brief(beyond[0])
        return f"{name} was given {seen} as one positional argument too many; {cure}"
    hints = [f"{key} is called {former[key]} now" if key in former else hint(key, own, "keywords") for key in unknown]
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


def missing_name(module: str, name: str, known: Iterable[str]) -> Exception:
    """The error of a module's `__getattr__`, called from there, with the cure.

    known: its public names.
    """
    import dis

    said = "" if name.startswith("_") else hint(name, known, "names")
    frame = sys._getframe(2)
    if said and dis.opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM":
        # `from module import name` would replace an AttributeError by an ImportError without our text.
        return ImportError(f"cannot import name {name!r} from {module!r}; {said}", name=module)
    return AttributeError(f"module {module!r} has no attribute {name!r}{said and f'; {said}'}")
