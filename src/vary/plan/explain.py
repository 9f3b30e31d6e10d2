"""A program told to people: what runs, in how many passes, what it costs."""

from __future__ import annotations

from typing import Any

from vary.plan.infer import output_dtype
from vary.plan.program import Instruction
from vary.plan.request import Address
from vary.plan.runner import Runner
from vary.sample import DTYPES
from vary.transforms.crop import MODES

__all__ = ["TOLD", "explain"]

TOLD = {
    "resize": "{} x {}, {}",
    "crop": "{} x {}, at y {} and x {} of the room there is",
    "center_crop": "{} x {}",
    "resized_crop": "to {} x {}, of area {} and ratio {}, at y {} and x {} of the room there is",
    "pad": "top {}, right {}, bottom {}, left {}",
    "rotate": "{} degrees",
    "shear": "x {}, y {}",
    "shear_degrees": "x {}, y {}",
    "zoom": "x {}, y {}",
    "translate": "x {}, y {}",
    "flip_horizontal": "",
    "flip_vertical": "",
    "transpose": "",
    "rotate90": "{} quarter turns",
    "rescale": "scale {}, offset {}",
    "normalize": "mean {}, std {}",
    "brightness": "factor {}, clip {} .. {}",
    "contrast": "factor {}, clip {} .. {}",
    "saturation": "factor {}, clip {} .. {}",
    "hue": "{} turns, clip {} .. {}",
    "shift": "by {} {} {}, clip {} .. {}",
    "cut": "to {}",
}
"""What the numbers of an instruction are; places share them out evenly (`normalize` has one a channel)."""
WORDS = {"resize": MODES, "cut": DTYPES}
"""Instructions whose last number stands for a word."""


def explain(runner: Runner, height: int, width: int, address: Address) -> str:
    """The text that `Policy.explain` returns; sizes are height x width."""
    template, row = runner.template, runner.rows(address)[0]
    program = template.program(row)
    passes = runner.describe(height, width, row)
    functions = sum(i.op == "call" for i in program.instructions)
    settings = template.settings
    mode = "strict: every geometric map resamples" if settings.strict else "look-through: geometric maps are fused"
    lines = [
        f"{template.dtype} {height} x {width} x {template.channels}",
        f"seed {address.seed}, epoch {address.epoch}, index {int(address.indices[0])}",
        f"{mode}; fill {settings.fill}, {settings.interpolation}, antialias {'on' if settings.antialias else 'off'}",
        "",
        *(f"  {program.line(i) if i.op == 'call' else _words(i)}" for i in program.instructions),
        "",
        *(_pass(number, p) for number, p in enumerate(passes, 1)),
    ]
    if functions:
        lines.append(f"then {_count(functions, 'user function')}: one cut and one native call more for each")
    lines.append(_cost(passes, height, width, template.channels, template.dtype, output_dtype(template, None)))
    return "\n".join(lines)


def _words(i: Instruction) -> str:
    said = [f"{v:.0f}" if v == int(v) else f"{v:.4g}" for v in i.args]
    if i.op in WORDS:
        said[-1] = WORDS[i.op][int(i.args[-1])]
    told = TOLD[i.op]
    share = len(said) // (told.count("{}") or 1)
    return (
        f"{i.op:<16} {told.format(*(' '.join(said[k : k + share]) for k in range(0, len(said), share or 1)))}".rstrip()
    )


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}{'es' if what.endswith('s') else 's'}"


def _pass(number: int, p: dict[str, Any]) -> str:
    m = p["map"]
    kind = "separable triangle filter" if p["separable"] else "warp"
    box = "" if p["box"] == (1, 1) else f" of the picture averaged over {p['box'][0]} x {p['box'][1]} boxes"
    lines = [
        f"pass {number}: {kind}{box} to {p['height']} x {p['width']}, from {_count(p['geometry'], 'geometric map')}",
        f"        source x = {m[0]:+.4f} x {m[1]:+.4f} y {m[2]:+.2f}",
        f"        source y = {m[3]:+.4f} x {m[4]:+.4f} y {m[5]:+.2f}",
    ]
    if p["colours"]:
        more = p["statistics"]
        again = f"{_count(more, 'more sweep')} for the mean grey" if more else "in the same pass"
        lines.append(f"        then {_count(p['colours'], 'colour map')}, {again}")
    return "\n".join(lines)


def _cost(passes: list[dict[str, Any]], height: int, width: int, channels: int, dtype: str, out: str) -> str:
    bytes_in = height * width * channels * (1 if dtype == "uint8" else 4)
    last = passes[-1]
    bytes_out = last["height"] * last["width"] * channels * (1 if out == "uint8" else 4)
    return (
        f"cost: {_count(len(passes), 'resampling pass')}, {_count(len(passes) - 1, 'cut')}; reads at most "
        f"{bytes_in / 1024:.0f} KiB, writes {bytes_out / 1024:.0f} KiB of {out}"
    )
