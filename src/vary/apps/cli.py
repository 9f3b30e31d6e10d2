"""The command `vary`. Exit codes: 0; 1 for errors in files, policies and data; 2 for wrong arguments; 130 for Ctrl-C;
141 if stdout was closed."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import warnings
from typing import TYPE_CHECKING

import vary
from vary.apps import cache, demo, inspect, migrate, preview, profile, tables
from vary.apps.inputs import UserError, policy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Run = Callable[[argparse.Namespace], None]
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

USER_ERROR, INTERRUPTED, CLOSED_PIPE = 1, 130, 141
DTYPES = ("uint8", "uint16", "int16", "float16", "float32")
CHANNELS = 1024  # most of a picture


def main(argv: Sequence[str] | None = None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may have characters that the terminal cannot encode
        sys.stdout.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if argv is None else argv
    args = parser().parse_args(given or ["--help"])
    try:
        with warnings.catch_warnings():
            warnings.showwarning = warn
            args.run(args)
        sys.stdout.flush()
    except (vary.VaryError, UserError) as error:
        return fail(str(error))
    except BrokenPipeError:  # the reader of stdout has ended, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        print("vary: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def fail(message: str) -> int:
    print("vary: error:", " ".join(message.split()), file=sys.stderr)
    return USER_ERROR


def warn(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning in one line, without the place in the code."""
    print("vary: warning:", " ".join(str(message).split()), file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("vary", description="Preview, explain and measure image augmentation.")
    top.add_argument("--version", action=Versions, nargs=0, help="versions of vary and libjpeg-turbo, instruction sets")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    one = command(commands, "demo", demo.demo, "stream a folder through a policy: a sheet of pictures, and the speed")
    one.add_argument("data", nargs="?", metavar="DATA", help="a folder of pictures, or of classes of them")
    add_policy(one)
    add_dtype(one)
    one.add_argument("--epochs", type=at_least(1), metavar="N", help="epochs to run (2, or 4 with the sample pictures)")
    add_output(one, "vary-demo.png")

    one = command(commands, "preview", preview.preview, "a policy on pictures, as a sheet: the original, then epochs")
    one.add_argument("source", nargs="?", metavar="SOURCE", help="a folder of pictures, or one picture")
    add_policy(one)
    add_dtype(one)
    add_output(one, "vary-preview.png")
    one.add_argument("--rows", type=at_least(1), default=6, metavar="N", help="pictures, evenly over the folder (6)")
    one.add_argument("--columns", type=at_least(2), default=8, metavar="N", help="the original and its variations (8)")
    add_seed(one)

    add_inspect(commands)
    add_explain(commands)
    add_profile(commands)

    one = command(commands, "cache", cache.cache, 'what cache="disk" keeps: where, how much, when it was last used')
    one.add_argument("--clear", action="store_true", help="delete all of it that no living process uses")

    one = command(
        commands, "migrate", migrate.migrate, "rewrite a program from Keras' ImageDataGenerator to vary.keras"
    )
    one.add_argument(
        "file", metavar="FILE", nargs="+", help="a program (.py), a notebook (.ipynb), or a folder of them"
    )
    one.add_argument("--diff", action="store_true", help="show the changes, and write nothing")

    one = command(commands, "transforms", tables.transforms, "all transforms with their arguments")
    one.add_argument("name", nargs="?", metavar="NAME", help="one of them, in full")
    one.add_argument("--json", action="store_true", help="as JSON, for programs")
    return top


def add_inspect(commands: Commands) -> None:
    one = command(commands, "inspect", inspect.inspect, "what is in the data: classes, sizes, broken files, duplicates")
    one.add_argument("source", metavar="SOURCE", help="a folder of pictures, of classes, or of train and val or test")
    one.add_argument("--against", metavar="OTHER", help="another folder, such as the validation set: what is in both")
    one.add_argument("--threads", type=at_least(1), metavar="N", help="threads (as many as the process may use)")
    one.add_argument("--json", action="store_true", help="as JSON, for programs")
    one.add_argument("-o", "--output", metavar="SHEET", help="also a sheet of what was found: .png, .jpg or .webp")


def add_explain(commands: Commands) -> None:
    one = command(commands, "explain", explain, "what a policy file does to one picture: passes, cuts, cost")
    one.add_argument("policy", metavar="FILE", help="a policy, as YAML or JSON")
    one.add_argument("--size", type=size, default="375x500", help="the picture, height x width [x channels] (375x500)")
    one.add_argument("--dtype", choices=DTYPES, default="uint8", help="of the picture (uint8)")
    add_seed(one)
    one.add_argument("--index", type=at_least(0), default=0, metavar="N", help="which sample of the source (0)")


def add_profile(commands: Commands) -> None:
    one = command(commands, "profile", profile.profile, "how fast batches are made of files, and what limits it")
    one.add_argument("source", metavar="SOURCE", help="a folder of pictures, or of classes of them")
    add_policy(one)
    add_dtype(one)
    one.add_argument("--epochs", type=at_least(1), default=2, metavar="N", help="the first fills the cache (2)")
    one.add_argument("--batch-size", type=at_least(1), default=32, metavar="N", help="pictures in a batch (32)")
    one.add_argument("--threads", type=at_least(1), metavar="N", help="threads (as many as the process may use)")
    one.add_argument("--prefetch", type=at_least(0), default=2, metavar="N", help="batches ready or being made (2)")
    one.add_argument("--views", type=at_least(1), metavar="N", help="pictures made of each file")
    caches, errors = ("auto", "memory", "disk", "none"), ("raise", "skip", "replace")
    one.add_argument("--cache", choices=caches, default="auto", help="where decoded files are kept (auto)")
    one.add_argument("--cache-bytes", type=byte_count, metavar="N", help="its limit, such as 500M or 2G")
    one.add_argument("--on-error", choices=errors, default="skip", help="what a broken file does (skip)")
    add_seed(one)
    one.add_argument("--json", action="store_true", help="as JSON, for programs")


def command(commands: Commands, name: str, run: Run, what: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    one.set_defaults(run=run)
    return one


def add_policy(one: argparse.ArgumentParser) -> None:
    text = "a policy, as YAML or JSON (resize, rotate, shift, shear, zoom, flip)"
    one.add_argument("--policy", metavar="FILE", help=text)


def add_dtype(one: argparse.ArgumentParser) -> None:
    text = "as what files are read: uint16 keeps all 16 bits of PNG and TIFF (uint8)"
    one.add_argument("--dtype", choices=("uint8", "uint16"), default="uint8", help=text)


def add_output(one: argparse.ArgumentParser, default: str) -> None:
    text = f"the sheet: .png, .jpg or .webp ({default}); never inside the data"
    one.add_argument("-o", "--output", default=default, metavar="SHEET", help=text)


def add_seed(one: argparse.ArgumentParser) -> None:
    one.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="of the draws (0)")


def at_least(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return whole


def byte_count(text: str) -> int:
    found = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)([kMGT]?)B?", text, re.IGNORECASE)
    count = int(float(found[1]) * 1000 ** " KMGT".index(found[2].upper() or " ")) if found else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of bytes, such as 500M or 2G")
    return count


def size(text: str) -> tuple[int, ...]:
    found = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)(?:x([1-9]\d{0,3}))?", text.lower())
    if found is None or int(found[3] or 3) > CHANNELS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not height x width [x 1 to {CHANNELS} channels], such as 375x500"
        )
    return tuple(int(number or 3) for number in found.groups())


class Versions(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(tables.versions())
        parser.exit()


def explain(args: argparse.Namespace) -> None:
    print(policy_of(args.policy).explain(args.size, dtype=args.dtype, seed=args.seed, index=args.index))
