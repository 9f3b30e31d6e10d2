"""The text of `Policy.explain`: what runs, in how many passes, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vary.elements import ELEMENTS
from vary.errors import counted
from vary.ops import OPS
from vary.plan.infer import output_dtype
from vary.plan.program import Instruction, Program, Template
from vary.plan.request import Address
from vary.plan.runner import Runner
from vary.plan.segment import KEEP_THEIR_PLACE

if TYPE_CHECKING:
    import numpy as np

    from vary._native import Pass

__all__ = ["explain"]


def explain(runner: Runner, height: int, width: int, address: Address) -> str:
    """The text that `Policy.explain` returns; sizes are height x width."""
    template, row = runner.template, runner.rows(address)[0]
    program = template.program(row)
    stages = list(_stages(runner, program, height, width, row))
    passes = [p for _, found in stages for p in found]
    functions = sum(i.op == "call" for i in program.instructions)
    settings = template.settings
    mode = "strict: every geometric map resamples" if settings.strict else "look-through: geometric maps are fused"
    lines = [
        f"{template.dtype} {height} x {width} x {template.channels}",
        f"seed {address.seed}, epoch {address.epoch}, index {int(address.indices[0])}",
        f"{mode}; fill {settings.fill}, {settings.interpolation}, antialias {'on' if settings.antialias else 'off'}",
        "",
        *(f"  {_words(program, i)}" for i in program.instructions),
        "",
        *_passes(stages),
        *_reorderings(template),
    ]
    cost = _cost(passes, height, width, template.channels, template.dtype, output_dtype(template, None))
    if functions:
        lines.append(f"{counted(functions, 'user function')}: each adds a cut, and native calls of its own")
        cost += ", if user functions keep the size"
    return "\n".join([*lines, cost])


def _stages(
    runner: Runner, program: Program, height: int, width: int, row: np.ndarray
) -> Iterator[tuple[str, list[Pass]]]:
    """For each stage: a line about the user function before it, or none, and its passes. The size of what a function
    returns is known only when it runs: here it is that of its argument."""
    before = ""
    for number, stage in enumerate(runner.stages):
        found = runner.describe(height, width, row, number)
        yield before, found
        height, width = found[-1]["height"], found[-1]["width"]
        call, before = stage.call, ""
        if call is not None and (call.gate < 0 or row[call.gate]):
            name = program.line(call).removeprefix("call ")
            before = f"then the user function {name}: the size of its result is not known; if it is {height} x {width},"


def _passes(stages: list[tuple[str, list[Pass]]]) -> Iterator[str]:
    number = 0
    for before, found in stages:
        if before:
            yield before
        for p in found:
            number += 1
            yield _pass(number, p)


def _words(program: Program, i: Instruction) -> str:
    if i.op == "call":
        return program.line(i)
    return f"{i.op:<16} {OPS[i.op].explained(i.args)}".rstrip()


def _reorderings(template: Template) -> Iterator[str]:
    """A line for each cut that another order of the transforms would avoid. User functions cut in any order."""
    kept: dict[str, None] = {}
    for i in template.instructions:
        kind = OPS[i.op].kind
        if i.op == "cut" and kept and not template.settings.strict:
            first = " and ".join(kept)
            reason = "keeps its place; listed after the geometry it needs no cut"
            if len(kept) > 1:
                reason = "keep their places; listed after the geometry they need no cut"
            yield f"cut before {template.name(i)}: {first} {reason}"
            kept.clear()
        if kind == "call":
            kept.clear()
        if kind in KEEP_THEIR_PLACE:
            kept[template.name(i)] = None


def _pass(number: int, p: Pass) -> str:
    lines = [f"pass {number}: {_sampling(p)}", *_map(p)]
    if p["stages"]:
        more = p["sweeps"]
        again = f"{counted(more, 'more pass')} over the whole picture" if more else "in the same pass"
        lines.append(f"        then {counted(p['stages'], 'instruction')} on its pixels, {again}")
    return "\n".join(lines)


def _sampling(p: Pass) -> str:
    if not p["maps"]:
        return "copy of the picture"
    kind = "separable triangle filter" if p["separable"] else "warp"
    down, across = p["shrink"]
    shrinks = not p["separable"] and max(down, across) > 1.000001
    filtered = f" of the picture filtered for a shrink of {down:.2f} x {across:.2f}" if shrinks else ""
    return f"{kind}{filtered} to {p['height']} x {p['width']}, from {counted(p['maps'], 'geometric map')}"


def _map(p: Pass) -> Iterator[str]:
    m = p["map"]
    if not p["maps"]:
        return
    if p["fields"]:
        yield "        in listed order, found for each pixel by itself: a field is not one formula"
        return
    yield f"        source x = {m[0]:+.4f} x {m[1]:+.4f} y {m[2]:+.2f}"
    yield f"        source y = {m[3]:+.4f} x {m[4]:+.4f} y {m[5]:+.2f}"
    if m[6:] != (0, 0, 1):
        yield f"        both over  {m[6]:+.6f} x {m[7]:+.6f} y {m[8]:+.2f}"


def _cost(passes: list[Pass], height: int, width: int, channels: int, dtype: str, out: str) -> str:
    bytes_in = height * width * channels * ELEMENTS[dtype].size
    last, resampled = passes[-1], sum(p["maps"] > 0 for p in passes)
    bytes_out = last["height"] * last["width"] * channels * ELEMENTS[out].size
    return (
        f"cost: {counted(resampled, 'resampling pass')}, {counted(len(passes) - 1, 'cut')}; reads at most "
        f"{bytes_in / 1024:.0f} KiB, writes {bytes_out / 1024:.0f} KiB of {out}"
    )
